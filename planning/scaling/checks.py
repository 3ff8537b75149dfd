"""Scaling that cannot work, whatever node the model gets: each with what to write instead."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from planning.findings import Findings
from planning.scaling.metric_table import row_for
from planning.scaling.schedule import UnsupportedWindow, weekly_window
from planning.scaling.targets import default_target
from planning.versions.vllm_versions import Version
from settings.autoscaling import MEANT, BackendScaling, HpaScaling, KedaScaling, Metric, MetricKind, NoScaling, Schedule
from settings.models import Model

# Everything that vLLM's pods export, and what we record of it: gone when the last pod is gone.
SERIES_OF_PODS = re.compile(r"(?<![A-Za-z0-9_:])(vllm(?:_on_eks)?:[A-Za-z0-9_:]+|DCGM_FI_[A-Z0-9_]+)")
# Named like vLLM's, but counted by production-stack's router, which lives while no pod does.
SERIES_OF_ROUTER = frozenset({"vllm:num_incoming_requests_total"})
MISSPELT = re.compile(r"(?<![A-Za-z0-9_:])vllm_[a-z0-9_]+")
WAKE_EXAMPLE = "wake: {query: '<requests that wait for it, counted by the gateway or router in front of it>'}"


@dataclass(frozen=True)
class Supplies:
    """What the stack has for scaling: Prometheus, GPU metrics, and whether pods share GPUs."""

    monitoring: bool
    gpu_metrics: bool
    shared_gpus: bool = False


def check_autoscaling(model: Model, supplies: Supplies, path: str, findings: Findings) -> None:
    """What cannot work on any node; `path` is the setting's, e.g. `models[0].autoscaling`."""
    autoscaling = model.autoscaling
    if isinstance(autoscaling, NoScaling):
        _check_fixed(autoscaling, path, findings)
        return
    if isinstance(autoscaling, BackendScaling):
        return  # what it can is a row of facts/backend_features.csv
    _check_zero(autoscaling, path, findings)
    if not supplies.monitoring and (autoscaling.min_replicas != autoscaling.max_replicas or autoscaling.kind == "keda"):
        findings.error(
            f"{path}.maxReplicas",
            "no-metrics",
            f"replicas that follow metrics (up to {autoscaling.max_replicas}) need Prometheus",
            "write monitoring: {enabled: true} or autoscaling: {kind: none, minReplicas: "
            f"{max(1, autoscaling.min_replicas)}}}",
        )
    for index, schedule in enumerate(autoscaling.schedules):
        _check_schedule(schedule, autoscaling, f"{path}.schedules[{index}]", findings)
    twice = [kind for kind, count in Counter(metric.kind for metric in autoscaling.metrics).items() if count > 1]
    if twice:
        findings.error(f"{path}.metrics", "metric-twice", f"{twice[0]} is there twice", "write each kind once")
    for index, metric in enumerate(autoscaling.metrics):
        if metric.kind is MetricKind.GPU_UTILIZATION:
            _check_gpu_metric(supplies, f"{path}.metrics[{index}]", findings)


def check_metrics(model: Model, version: Version, capacity_known: bool, path: str, findings: Findings) -> None:
    """Targets and value types of the metrics that the stack file names, on this version of vLLM."""
    autoscaling = model.autoscaling
    if not isinstance(autoscaling, HpaScaling | KedaScaling):
        return
    for index, metric in enumerate(autoscaling.metrics):
        where = f"{path}.metrics[{index}]"
        _check_value_type(metric, version, where, findings)
        _check_capacity(metric, model, capacity_known, where, findings)
        _check_target(metric, model, where, findings)


def _check_fixed(scaling: NoScaling, path: str, findings: Findings) -> None:
    if scaling.min_replicas != scaling.max_replicas:
        findings.error(
            f"{path}.maxReplicas",
            "nobody-scales",
            f"kind none has one number of replicas, not {scaling.min_replicas} to {scaling.max_replicas}",
            f"write maxReplicas: {scaling.min_replicas}, or kind: hpa",
        )


def _check_zero(scaling: HpaScaling | KedaScaling, path: str, findings: Findings) -> None:
    if isinstance(scaling, HpaScaling):
        if scaling.min_replicas == 0:
            findings.error(
                f"{path}.minReplicas",
                "scale-to-zero",
                "0: an HPA needs one replica, and vLLM's metrics exist only while a pod lives, so nothing would ever "
                "wake it",
                f"write 1, or kind: keda with {WAKE_EXAMPLE}",
            )
        return
    if scaling.min_replicas == 0 and scaling.wake is None:
        findings.error(
            f"{path}.wake",
            "scale-to-zero",
            "is missing: vLLM's metrics exist only while a pod lives, so at 0 replicas nothing would ever wake the "
            "model",
            f"write {WAKE_EXAMPLE}, or minReplicas: 1",
        )
    if scaling.wake is not None:
        _check_wake(scaling, scaling.wake.query, path, findings)


def _check_wake(scaling: KedaScaling, wake_query: str, path: str, findings: Findings) -> None:
    if scaling.min_replicas > 0:
        findings.error(
            f"{path}.wake",
            "never-asleep",
            f"minReplicas is {scaling.min_replicas}, so there is nothing to wake",
            "write minReplicas: 0, or leave wake out",
        )
    series = next((name for name in SERIES_OF_PODS.findall(wake_query) if name not in SERIES_OF_ROUTER), None)
    if series is not None:
        findings.error(
            f"{path}.wake.query",
            "scale-to-zero",
            f"{series} exists only while a pod lives: at 0 replicas it never is above 0, nothing wakes the model",
            "write what counts in front of it, for example sum(envoy_cluster_upstream_rq_pending_active{...}), or "
            "minReplicas: 1",
        )
    elif (misspelt := MISSPELT.search(wake_query)) is not None:
        kind = MEANT.get(misspelt[0].removeprefix("vllm_"))
        meant = f" (as vLLM's it would be a {kind} metric, which exists only while a pod lives)" if kind else ""
        findings.error(
            f"{path}.wake.query",
            "scale-to-zero",
            f"nothing exports {misspelt[0]}{meant}",
            "write what the gateway or router in front of the model counts",
        )


def _check_schedule(schedule: Schedule, scaling: HpaScaling | KedaScaling, path: str, findings: Findings) -> None:
    if schedule.start.split() == schedule.end.split():
        findings.error(
            f"{path}.end",
            "empty-schedule",
            f"{schedule.end} is the start too: the window is empty",
            "write a later end",
        )
        return
    if schedule.min_replicas > scaling.max_replicas:
        findings.error(
            f"{path}.minReplicas",
            "schedule-above-maximum",
            f"{schedule.min_replicas} is more than maxReplicas {scaling.max_replicas}",
            f"write maxReplicas: {schedule.min_replicas} or more",
        )
    elif schedule.min_replicas <= scaling.min_replicas:
        findings.warning(
            f"{path}.minReplicas",
            "schedule-without-effect",
            f"{schedule.min_replicas} is not more than minReplicas {scaling.min_replicas}: it changes nothing",
            f"write {scaling.min_replicas + 1} or more, or leave it out",
        )
    if isinstance(scaling, HpaScaling):
        try:
            weekly_window(schedule.time_zone, schedule.start, schedule.end)
        except UnsupportedWindow as cannot:
            findings.error(
                path,
                "schedule-needs-keda",
                f"{cannot}: for an HPA a schedule is a recording rule, and PromQL knows hours and weekdays of UTC only",
                "write kind: keda, or a window of UTC hours such as {start: '0 7 * * 1-5', end: '0 18 * * 1-5'}",
            )


def _check_gpu_metric(supplies: Supplies, path: str, findings: Findings) -> None:
    if not supplies.gpu_metrics:
        findings.error(
            path,
            "no-gpu-metrics",
            "gpuUtilization comes from dcgm-exporter",
            "write gpuOperator: {dcgmExporter: true}, or kind: inFlight",
        )
    elif supplies.shared_gpus:
        findings.error(
            path,
            "shared-gpu-metrics",
            "dcgm-exporter counts a GPU for one of the pods that share it",
            "write kind: inFlight",
        )
    else:
        findings.warning(
            path,
            "gpu-utilization",
            "a GPU that decodes one request reads as busy as a full one: replicas jump to the maximum with the first "
            "requests",
            "write kind: demand or inFlight",
        )


def _check_value_type(metric: Metric, version: Version, path: str, findings: Findings) -> None:
    row = row_for(metric.kind, version)
    if metric.value_type is not None and metric.value_type != row.value_type:
        findings.error(
            f"{path}.valueType",
            "value-type",
            f"{metric.kind} as {metric.value_type} scales wrongly ({row.why})",
            f"write {row.value_type}, or leave it out",
        )


def _check_capacity(metric: Metric, model: Model, known: bool, path: str, findings: Findings) -> None:
    if known or (metric.target is not None and metric.kind is not MetricKind.DEMAND):
        return
    if metric.kind is MetricKind.DEMAND:
        findings.error(
            path,
            "unknown-capacity",
            f"demand needs the capacity of one replica, which is unknown for {model.model_id}",
            "write kind: inFlight with a target",
        )
    elif default_target(metric.kind, model, None, None) is None:
        findings.error(
            f"{path}.target",
            "unknown-capacity",
            f"missing, and how many {metric.kind} one replica of {model.model_id} does is unknown",
            "write what `vllm bench serve` measured",
        )


def _check_target(metric: Metric, model: Model, path: str, findings: Findings) -> None:
    """A target that the metric never reaches adds no replica, ever."""
    most = {
        MetricKind.RUNNING: (float(model.max_num_seqs), f"maxNumSeqs is {model.max_num_seqs}"),
        MetricKind.KV_CACHE_USAGE: (1.0, "it is a share, 1 is a full cache"),
        MetricKind.GPU_UTILIZATION: (100.0, "it is in percent"),
    }
    if metric.target is None or metric.kind not in most:
        return
    limit, why = most[metric.kind]
    if metric.target * 1.1 >= limit:  # the HPA lets 10 % go by
        findings.error(
            f"{path}.target",
            "unreachable-target",
            f"{metric.target:g} is never exceeded by the HPA's tolerance of 10 % ({why}): no replica would be added",
            f"write {limit * 0.8:g}",
        )
