"""How a pod leaves: preStop sleep and the wait for its engine, then SIGTERM and vLLM's own shutdown time-out, then
SIGKILL at the grace period."""

from __future__ import annotations

from planning.backends.table import OURS, backends
from planning.findings import Findings
from planning.model import DrainPlan
from planning.versions import vllm_versions
from settings.backends import Backend
from settings.models import Drain

# Between vLLM's last answer and its end: it gives API servers, coordinator and engines 5 s each, one after the other,
# and kills what is left (vllm v1/utils.py, shutdown, which their managers' close() calls; read at commit 0090ad1226,
# 2026-11-28). A machine without a free core takes longer. Then the kubelet's SIGKILL ends processes that have no
# request left: it costs a pod's exit code and no answer, so a longer margin would only keep nodes longer.
MARGIN_SECONDS = 15
# The longest step of an engine, during which it takes no request: the first one of a fresh server compiles. Ours, of a
# tiny model on a busy CPU, took 10 s (2026-11-28). Estimate; as long as a probe gives a first completion.
ENGINE_WAIT_SECONDS = 30
# EC2 takes a spot instance back two minutes after its notice.
SPOT_NOTICE_SECONDS = 120
# So long EKS waits for a pod when it replaces its node; then the update fails with PodEvictionFailure
# (https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html).
EKS_EVICTION_SECONDS = 15 * 60


def shutdown_seconds(drain: Drain, version: vllm_versions.Version) -> int:
    """How long running requests get after SIGTERM, s: nothing before the flag existed."""
    return drain.shutdown_timeout_seconds if vllm_versions.has_flag("--shutdown-timeout", version) else 0


def plan_drain(
    drain: Drain, backend: Backend, version: vllm_versions.Version, spot: bool, path: str, findings: Findings
) -> DrainPlan:
    """The drain of one model; `path` is the setting's, e.g. `models[0].drain`."""
    shutdown = shutdown_seconds(drain, version)
    needed = drain.pre_stop_seconds + shutdown
    longest = _longest_wait(drain, backend, shutdown, needed)
    grace = drain.grace_period_seconds or needed + longest + MARGIN_SECONDS
    wait = max(0, min(grace - needed - MARGIN_SECONDS, longest))
    enough = needed + longest + MARGIN_SECONDS
    if shutdown != drain.shutdown_timeout_seconds:
        findings.warning(
            f"{path}.shutdownTimeoutSeconds",
            "drain-unsupported",
            f"vLLM {vllm_versions.text(version)} has no --shutdown-timeout (0.18.0 has): it cuts running requests at "
            "SIGTERM",
            "take a newer image",
        )
    elif shutdown == 0:
        findings.warning(
            f"{path}.shutdownTimeoutSeconds",
            "drain-zero",
            "0 cuts running requests",
            "write the longest answer you expect",
        )
    if grace < needed:
        findings.error(
            f"{path}.gracePeriodSeconds",
            "drain-sum",
            f"{grace} s is less than preStopSeconds {drain.pre_stop_seconds} + shutdownTimeoutSeconds {shutdown}: the "
            "pod is killed while requests run",
            f"write {enough} or leave it out",
        )
    elif grace < needed + MARGIN_SECONDS:
        findings.warning(
            f"{path}.gracePeriodSeconds",
            "drain-margin",
            f"{grace} s leaves {grace - needed} s for the processes to end",
            f"write {enough}",
        )
    if grace > EKS_EVICTION_SECONDS:
        most = EKS_EVICTION_SECONDS - drain.pre_stop_seconds - MARGIN_SECONDS
        findings.error(
            path,
            "drain-eviction",
            f"a pod that leaves for {grace} s: EKS waits {EKS_EVICTION_SECONDS} s for it when a node is replaced, and "
            "every update of the pool fails: PodEvictionFailure",
            f"write shutdownTimeoutSeconds: {max(0, most)} or less",
        )
    if spot and needed + wait > SPOT_NOTICE_SECONDS:
        findings.warning(
            path,
            "drain-spot",
            f"{needed + wait} s of drain on spot nodes, which leave {SPOT_NOTICE_SECONDS} s after their notice: long "
            "answers are cut",
            f"keep preStopSeconds + shutdownTimeoutSeconds at {SPOT_NOTICE_SECONDS - wait} or use onDemand",
        )
    return DrainPlan(drain.pre_stop_seconds, shutdown, grace, wait)


def _longest_wait(drain: Drain, backend: Backend, shutdown: int, needed: int) -> int:
    """For the engine, as far as EKS waits; none where SIGTERM cuts running requests anyway, or comes at once."""
    if backends()[backend].hook != OURS or not drain.pre_stop_seconds or not shutdown:
        return 0
    return max(0, min(EKS_EVICTION_SECONDS - needed - MARGIN_SECONDS, ENGINE_WAIT_SECONDS))
