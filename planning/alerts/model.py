"""Alerts on one model's servers: what its engine, its pods, its autoscaler and its download say."""

from __future__ import annotations

import math

from planning.alerts.table import Desk
from planning.model import AlertRulePlan, RuleGroupPlan, ScalerKind, ServedModel
from planning.serving.cold_start import pod_seconds


def job_selector(model: ServedModel) -> str:
    """What selects the series of a model's servers: Prometheus' operator calls them <namespace>/<PodMonitor>."""
    return f'job="{model.namespace}/{model.name}"'


def pods_selector(model: ServedModel) -> str:
    """What selects the model's server pods in kube-state-metrics."""
    return f'namespace="{model.namespace}",pod=~"{model.pod_names}"'


def server_group(model: ServedModel, desk: Desk) -> RuleGroupPlan:
    """Every alert of a model that is not about its SLO."""
    alerts = [*_engine(model, desk), *_pods(model, desk)]
    if model.autoscaling.min_replicas < model.autoscaling.max_replicas:
        alerts.append(_at_max(model, desk))
    if model.canary:
        alerts.append(_gone_back(model, desk))
    return RuleGroupPlan("servers", alerts=tuple(alerts))


def ready_budget_seconds(model: ServedModel) -> int:
    """How long a pod may take from its creation to Ready: the high ends of its cold start, a node's coming included."""
    return math.ceil(pod_seconds(model)[1])


def _engine(model: ServedModel, desk: Desk) -> list[AlertRulePlan]:
    job, name = job_selector(model), model.name
    stall = desk.lookback("VllmEngineStalled")
    flat = [
        f"on (namespace, pod, engine) (increase(vllm:{counter}_total{{{job}}}[{stall}]) == 0)"
        for counter in ("generation_tokens", "prompt_tokens")
    ]
    p99 = (
        f"histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{{{job}}}"
        f"[{desk.lookback('VllmTtftP99High')}])))"
    )
    aborts = (
        f'increase(vllm:request_success_total{{{job},finished_reason="abort"}}[{desk.lookback("VllmRequestsAborted")}])'
    )
    preemptions = f"rate(vllm:num_preemptions_total{{{job}}}[{desk.lookback('VllmPreemptions')}])"
    return [
        desk.alert(
            "VllmTtftP99High",
            f"{p99} > {desk.bound('VllmTtftP99High')}",
            f"one request in a hundred to {name} waits too long for its first token",
            f"p99 is {{{{ $value | humanizeDuration }}}}; the bound is {desk.bound('VllmTtftP99High')} s.",
        ),
        desk.alert(
            "VllmQueueTooLong",
            f"max by (namespace, pod) (vllm:num_requests_waiting{{{job}}}) > {desk.bound('VllmQueueTooLong')}",
            f"requests to {name} queue up",
            "{{ $value }} requests wait in {{ $labels.pod }}; more replicas should have taken them.",
        ),
        desk.alert(
            "VllmKvCacheNearlyFull",
            f"max by (namespace, pod) (vllm:kv_cache_usage_perc{{{job}}}) > {desk.bound('VllmKvCacheNearlyFull')}",
            f"the KV cache of {name} is nearly full",
            "{{ $value | humanizePercentage }} in {{ $labels.pod }}: requests wait, then running ones are preempted.",
        ),
        desk.alert(
            "VllmPreemptions",
            f"sum by (namespace, pod) ({preemptions}) > {desk.bound('VllmPreemptions')}",
            f"{name} preempts requests",
            "{{ $value | humanize }} a second in {{ $labels.pod }}: each one computes its prompt again.",
        ),
        desk.alert(
            "VllmRequestsAborted",
            f"sum by (namespace, pod) ({aborts}) > {desk.bound('VllmRequestsAborted')}",
            f"a server of {name} that ends was asked, and answered with nothing",
            "{{ $value | humanize }} requests to {{ $labels.pod }} got 200 with finish_reason abort: clients keep "
            "connections to a pod that ends and have to send them again.",
        ),
        desk.alert(
            "VllmEngineStalled",
            f"(min_over_time(vllm:num_requests_running{{{job}}}[{stall}]) > 0) and {' and '.join(flat)}",
            f"an engine of {name} runs requests and makes no tokens",
            "{{ $value }} requests run in {{ $labels.pod }}, and no token moves; /health may still say 200.",
        ),
    ]


def _pods(model: ServedModel, desk: Desk) -> list[AlertRulePlan]:
    pods, budget = pods_selector(model), ready_budget_seconds(model)
    namespace = f'namespace="{model.namespace}"'
    ready = f'kube_pod_status_ready{{{pods},condition="true"}}'
    ended = f'kube_pod_status_phase{{{pods},phase=~"Succeeded|Failed"}} == 1'
    on = "on (namespace, pod)"
    alerts = [
        desk.alert(
            "VllmScrapeMissing",
            f"({ready} == 1) unless {on} (up{{{job_selector(model)}}} == 1)",
            f"a ready server of {model.name} is not scraped",
            "{{ $labels.pod }} answers users, and Prometheus has no series of it: its autoscaler and alerts are blind.",
        ),
        desk.alert(
            "VllmModelNotReady",
            f"(time() - kube_pod_created{{{pods}}} > {budget}) and {on} ({ready} == 0) "
            f"unless {on} ({ended}) unless {on} kube_pod_deletion_timestamp{{{pods}}}",
            f"a server of {model.name} is not ready within its cold start",
            f"{{{{ $labels.pod }}}} is {{{{ $value | humanizeDuration }}}} old; the plan gives it {budget} s.",
        ),
        *([_download(model, pods, namespace, desk)] if model.cache.kind in DOWNLOADED else []),
    ]
    if model.autoscaling.min_replicas > 0:
        alerts.append(
            desk.alert(
                "VllmUnavailable",
                _nobody_ready(model, desk),
                f"no server of {model.name} is ready",
                f"Requests reach no server, and no request counter sees them. At least "
                f"{model.autoscaling.min_replicas} should be ready.",
            )
        )
    return alerts


def _nobody_ready(model: ServedModel, desk: Desk) -> str:
    """Of the Deployment, or of the pods where there is none: then the Service says how long it should be there."""
    budget, namespace = ready_budget_seconds(model), f'namespace="{model.namespace}"'
    if model.deployment_suffix is None:
        ready = f'kube_pod_status_ready{{{pods_selector(model)},condition="true"}} == 1'
        since = f'kube_service_created{{{namespace},service="{model.name}"}}'
        return f"absent({ready}) and on (namespace) (time() - {since} > {budget})"
    deployment = f'{namespace},deployment="{model.deployment_name}"'
    return (
        f"(kube_deployment_status_replicas_available{{{deployment}}} == {desk.bound('VllmUnavailable')}) and "
        f"on (namespace, deployment) (time() - kube_deployment_created{{{deployment}}} > {budget})"
    )


# Kinds of cache that something downloads into.
DOWNLOADED = ("emptyDir", "persistentVolume", "efs")


def _download(model: ServedModel, pods: str, namespace: str, desk: Desk) -> AlertRulePlan:
    if model.cache.kind == "emptyDir":
        restarts = f'kube_pod_init_container_status_restarts_total{{{pods},container="download"}}'
        expr = f"increase({restarts}[{desk.lookback('VllmDownloadFailing')}]) > {desk.bound('VllmDownloadFailing')}"
        where = "the init container `download` of {{ $labels.pod }}"
    else:
        job = _job(model, namespace)
        expr = (
            f"(sum by (namespace, job_name) (kube_job_status_failed{{{job}}}) > {desk.bound('VllmDownloadFailing')}) "
            f'unless on (namespace, job_name) (kube_job_complete{{{job},condition="true"}} == 1)'
        )
        where = "Job {{ $labels.job_name }}"
    return desk.alert(
        "VllmDownloadFailing",
        expr,
        f"the weights of {model.name} do not arrive",
        f"{where} failed; its log names the token, the quota or the host.",
    )


def _job(model: ServedModel, namespace: str) -> str:
    """Selector of the Jobs that bring its weights; those that another model owns may be in its namespace."""
    if not model.shared_downloads:
        return f'{namespace},job_name="{model.name}-download"'
    return f'job_name=~"{"|".join(f"{each.name}-download" for each in model.shared_downloads)}"'


def _gone_back(model: ServedModel, desk: Desk) -> AlertRulePlan:
    # Its own label `namespace` is the controller's pod's for Prometheus.
    rollout = f'exported_namespace="{model.namespace}",name="{model.name}",phase=~"Abort|Timeout|Error"'
    return desk.alert(
        "VllmCanaryGoneBack",
        f"max by (exported_namespace, name) (rollout_info{{{rollout}}}) > {desk.bound('VllmCanaryGoneBack')}",
        f"a change of {model.name} was taken back",
        "Its new pods passed a limit of rollout, or did not start; the old ones serve. The stack file still asks for "
        "the new ones.",
    )


def _at_max(model: ServedModel, desk: Desk) -> AlertRulePlan:
    if model.autoscaling.kind is ScalerKind.BACKEND:
        most = model.autoscaling.max_replicas
        return desk.alert(
            "VllmAutoscalerAtMax",
            f'count by (namespace) (kube_pod_status_ready{{{pods_selector(model)},condition="true"}} == 1) >= {most}',
            f"{model.name} is at its most replicas",
            "{{ $value }} are ready and no more are allowed: what comes next waits.",
        )
    # KEDA calls the autoscaler it makes keda-hpa-<name>.
    hpa = f'namespace="{model.namespace}",horizontalpodautoscaler=~"(keda-hpa-)?{model.name}"'
    return desk.alert(
        "VllmAutoscalerAtMax",
        f"kube_horizontalpodautoscaler_status_desired_replicas{{{hpa}}} >= on (namespace, horizontalpodautoscaler) "
        f"kube_horizontalpodautoscaler_spec_max_replicas{{{hpa}}}",
        f"{model.name} is at its most replicas",
        # No number of ours here: a changed bound then touches the autoscaler only.
        "{{ $value }} are wanted and no more are allowed: what comes next waits.",
    )
