"""When a Deployment, StatefulSet, DaemonSet, Job or Pod is ready (texts as measured on the real provider)."""

from __future__ import annotations

from local.providers.kubernetes.awaiting.verdict import (
    POD_ERRORS_AFTER_SECONDS,
    Json,
    Line,
    Surroundings,
    Verdict,
    condition,
    full_name,
    is_observed,
    name_of,
    pod_problems,
)


def decide_deployment(live: Json, around: Surroundings) -> Verdict:
    """Ready when the newest ReplicaSet is rolled out completely and the Deployment is Available."""
    wanted = int((live.get("spec") or {}).get("replicas", 1))
    status = live.get("status") or {}
    if not is_observed(live):
        return Verdict(problems=(_deployment_shortage(live, around),))
    if wanted == 0:
        line = f'Replicas scaled to 0 for Deployment "{name_of(live)}"'
        return Verdict(is_done=True, lines=(("warning", line),))
    available, progressing = condition(live, "Available"), condition(live, "Progressing")
    counts = [int(status.get(key, 0)) for key in ("updatedReplicas", "availableReplicas", "replicas")]
    # With progressDeadlineSeconds at its maximum there is no Progressing condition to read.
    is_rolled_out = progressing.get("reason") == "NewReplicaSetAvailable" or not progressing
    if counts == [wanted] * 3 and available.get("status") == "True" and is_rolled_out:
        return Verdict(is_done=True, lines=(("info", "Deployment initialization complete"),))
    lines: list[Line] = []
    problems = [_deployment_shortage(live, around)]
    if available.get("status") == "False":
        lines.append(("warning", f"[{available.get('reason')}] {available.get('message')}"))
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        text = f"[ProgressDeadlineExceeded] {progressing.get('message')}"
        lines.append(("warning", text))
        problems.append(text)
    count = f"{min(counts[0], counts[1])}/{wanted}"
    lines.append(("info", f"Waiting for app ReplicaSet to be available ({count} Pods available)"))
    return _with_pods(lines, problems, around)


def _deployment_shortage(live: Json, around: Surroundings) -> str:
    if around.is_update and int((live.get("status") or {}).get("availableReplicas", 0)) > 0:
        return "Minimum number of Pods to consider the application live was not attained"
    return "Minimum number of live Pods was not attained"


def _with_pods(lines: list[Line], problems: list[str], around: Surroundings) -> Verdict:
    broken = pod_problems(around.pods) if around.seconds >= POD_ERRORS_AFTER_SECONDS else ()
    lines.extend(("warning", text) for text in broken)
    return Verdict(lines=tuple(lines), problems=(*problems, *broken))


def decide_stateful_set(live: Json, around: Surroundings) -> Verdict:
    """Ready when all replicas are ready and of the update revision (unless updates wait for deletes)."""
    spec, status = live.get("spec") or {}, live.get("status") or {}
    wanted, ready = int(spec.get("replicas", 1)), int(status.get("readyReplicas", 0))
    strategy = spec.get("updateStrategy") or {}
    partition = int((strategy.get("rollingUpdate") or {}).get("partition", 0))
    is_updated = (
        strategy.get("type") == "OnDelete"
        or partition > 0
        or status.get("currentRevision") == status.get("updateRevision")
    )
    if is_observed(live) and ready == wanted and is_updated:
        return Verdict(is_done=True, lines=(("info", "StatefulSet initialization complete"),))
    line: Line = ("info", f"[1/2] Waiting for StatefulSet to create Pods ({ready}/{wanted} Pods ready)")
    return _with_pods([line], [f"{ready} out of {wanted} replicas succeeded readiness checks"], around)


def decide_daemon_set(live: Json, around: Surroundings) -> Verdict:
    """Ready when every node that should run a pod runs an available one of the newest template."""
    status = live.get("status") or {}
    wanted = int(status.get("desiredNumberScheduled", 0))
    available = int(status.get("numberAvailable", 0))
    updated = int(status.get("updatedNumberScheduled", 0))
    strategy = ((live.get("spec") or {}).get("updateStrategy") or {}).get("type")
    if is_observed(live) and available >= wanted and (updated >= wanted or strategy == "OnDelete"):
        return Verdict(is_done=True, lines=(("info", f"All replicas scheduled as expected. Replicas: {wanted}"),))
    line = f"Available: {available}/{wanted}"
    return _with_pods([("info", line)], [line], around)


def decide_job(live: Json, around: Surroundings) -> Verdict:
    """Done when Complete, failed at once when Failed."""
    status = live.get("status") or {}
    if condition(live, "Complete").get("status") == "True":
        return Verdict(is_done=True, lines=(("info", f'Job "{full_name(live)}" succeeded'),))
    failed = condition(live, "Failed")
    if failed.get("status") == "True":
        head = f"Resource '{name_of(live)}' was created but failed to initialize"
        return Verdict(failure=(head, f"[{failed.get('reason')}] {failed.get('message')}"))
    if not status.get("startTime"):
        return _waiting(f'Waiting for Job "{full_name(live)}" to start', around)
    counts = " | ".join(f"{key.capitalize()}: {status.get(key, 0)}" for key in ("active", "succeeded", "failed"))
    return _waiting(f'Waiting for Job "{full_name(live)}" to succeed ({counts})', around)


def _waiting(text: str, around: Surroundings) -> Verdict:
    return _with_pods([("info", text)], [text], around)


def decide_pod(live: Json, around: Surroundings) -> Verdict:
    """Done when Ready or Succeeded; what the scheduler says is shown meanwhile."""
    phase = (live.get("status") or {}).get("phase", "Pending")
    if condition(live, "Ready").get("status") == "True" or phase == "Succeeded":
        return Verdict(is_done=True, lines=(("info", f'Pod "{full_name(live)}" is ready'),))
    scheduled = condition(live, "PodScheduled")
    lines: list[Line] = [("info", f'Waiting for Pod "{full_name(live)}" to be ready')]
    problems = []
    if scheduled.get("status") == "False":
        text = f"[{scheduled.get('reason')}] {scheduled.get('message')}"
        lines.append(("warning", text))
        problems.append(text)
    broken = pod_problems((live,)) if around.seconds >= POD_ERRORS_AFTER_SECONDS else ()
    lines.extend(("warning", text) for text in broken)
    return Verdict(lines=tuple(lines), problems=(*problems, *broken))
