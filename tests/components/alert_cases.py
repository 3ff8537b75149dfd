"""For each alert: series in which it must fire, and series in which it must not.

In promtool's notation, a sample a minute: `a+bxn` is a, a+b, … in n steps.
What is near the edge on the quiet side is what each case is for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

POD = "chat-7d9f8b6c5d-x2x4z"
SERVER = f'job="models/chat",namespace="models",pod="{POD}",model_name="Qwen/Qwen2.5-7B-Instruct",engine="0"'
OBJECT = f'namespace="models",pod="{POD}"'
HOUR, DAY = 60, 24 * 60
LONG = {"1h": HOUR, "6h": 6 * HOUR, "1d": DAY, "3d": 3 * DAY}
STEP_MINUTES = {"1h": 1, "6h": 2, "1d": 10, "3d": 30}  # a minute over three days would take promtool minutes

Series = dict[str, str]


@dataclass(frozen=True)
class Case:
    """At minute `at` the alert fires, or does not. `window` and `labels` pick one of several rules of a name.

    `step_minutes`: how often samples come and rules are evaluated.
    """

    alert: str
    why: str
    fires: bool
    at: int
    series: Series
    window: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    step_minutes: int = 1


def vllm(name: str, values: str, more: str = "") -> Series:
    """A series of one server."""
    return {f"vllm:{name}{{{SERVER}{',' if more else ''}{more}}}": values}


def kube(name: str, values: str, more: str = "") -> Series:
    """A series of kube-state-metrics about one server pod."""
    return {f"{name}{{{OBJECT}{',' if more else ''}{more}}}": values}


def every(value: float, minutes: int = 60) -> str:
    """The same value for so many minutes."""
    return f"{value:g}+0x{minutes}"


def _per_minute(rate: float, samples: int, step: int) -> str:
    return f"0+{rate * step:g}x{samples}"


def _ttft(late_of_1000: float, samples: int, step: int = 1) -> Series:
    return {
        **vllm("time_to_first_token_seconds_bucket", _per_minute(1000 - late_of_1000, samples, step), 'le="2.5"'),
        **vllm("time_to_first_token_seconds_count", _per_minute(1000, samples, step)),
    }


def _ended(of_1000: dict[str, float], rejected: float, samples: int, step: int = 1) -> Series:
    cases = {}
    for reason in ("stop", "length", "abort", "error", "repetition"):
        share = of_1000.get(reason, 0.0)
        cases |= vllm("request_success_total", _per_minute(share, samples, step), f'finished_reason="{reason}"')
    return cases | vllm(
        "admission_rejections_total", _per_minute(rejected, samples, step), 'reason="max_num_queued_reqs"'
    )


# Of 1,000 requests: how many late or failed ones each window's limit allows (budgets 1 % and 0.1 %, factors 14.4 to 1).
LATE_ALLOWED = {"1h": 144.0, "6h": 60.0, "1d": 30.0, "3d": 10.0}
FAILED_ALLOWED = {"1h": 14.4, "6h": 6.0, "1d": 3.0, "3d": 1.0}


def _burns() -> list[Case]:
    cases = []
    for window, minutes in LONG.items():
        step = STEP_MINUTES[window]
        samples, end = (minutes + 60) // step, minutes + 60
        for factor, fires in ((1.2, True), (0.8, False)):
            late, failed = LATE_ALLOWED[window] * factor, FAILED_ALLOWED[window] * factor
            why = "burns faster than that window allows" if fires else "burns a little slower than that window allows"
            rejected = _ended({"stop": 1000 - failed}, failed, samples, step)
            errors = _ended({"stop": 1000 - failed, "error": failed}, 0, samples, step)
            cases += [
                Case("VllmTtftBudgetBurn", why, fires, end, _ttft(late, samples, step), window, {}, step),
                Case("VllmErrorBudgetBurn", f"engine errors: {why}", fires, end, errors, window, {}, step),
                Case("VllmErrorBudgetBurn", f"full queue: {why}", fires, end, rejected, window, {}, step),
            ]
    over = {
        **vllm("time_to_first_token_seconds_bucket", "0+500x70 35000+1000x10", 'le="2.5"'),
        **vllm("time_to_first_token_seconds_count", "0+1000x81"),
    }
    quiet = {
        **vllm("time_to_first_token_seconds_bucket", every(0, 90), 'le="2.5"'),
        **vllm("time_to_first_token_seconds_count", every(0, 90)),
    }
    aborted = _ended({"stop": 500, "abort": 500}, 0, 90)
    gone = _ended({"stop": 500}, 0, 90)  # vLLM counts a request whose client has left by no reason
    return [
        *cases,
        Case("VllmTtftBudgetBurn", "it was bad and is over: the short window is clean", False, 79, over, "1h"),
        Case("VllmTtftBudgetBurn", "nobody asks anything", False, 80, quiet, "1h"),
        Case("VllmErrorBudgetBurn", "pods that end abort what they are asked", True, 80, aborted, "1h"),
        Case("VllmErrorBudgetBurn", "clients leave: that is no failure of ours", False, 80, gone, "1h"),
    ]


def _p99(late_of_1000: int) -> Series:
    bounds = {"2.5": 0, "5.0": 1000 - late_of_1000, "10.0": 1000, "+Inf": 1000}
    return {
        key: value
        for bound, rate in bounds.items()
        for key, value in vllm("time_to_first_token_seconds_bucket", f"0+{rate}x30", f'le="{bound}"').items()
    }


def _stall(running: int, answers: str, prompts: str) -> Series:
    return {
        **vllm("num_requests_running", every(running)),
        **vllm("generation_tokens_total", answers),
        **vllm("prompt_tokens_total", prompts),
    }


def _aborts(values: str) -> Series:
    return vllm("request_success_total", values, 'finished_reason="abort"')


def _engine() -> list[Case]:
    flat, moving = every(5000), "5000+900x60"
    on_pod = {"pod": POD}
    return [
        Case("VllmTtftP99High", "2 % wait 5 to 10 s", True, 20, _p99(20)),
        Case("VllmTtftP99High", "0.5 % do", False, 20, _p99(5)),
        Case("VllmQueueTooLong", "11 wait", True, 8, vllm("num_requests_waiting", every(11)), labels=on_pod),
        Case("VllmQueueTooLong", "10 wait: that is the bound", False, 30, vllm("num_requests_waiting", every(10))),
        Case("VllmQueueTooLong", "a burst of 4 minutes", False, 8, vllm("num_requests_waiting", "50+0x4 0+0x20")),
        Case("VllmKvCacheNearlyFull", "0.95", True, 8, vllm("kv_cache_usage_perc", every(0.95)), labels=on_pod),
        Case("VllmKvCacheNearlyFull", "0.9 is the bound", False, 30, vllm("kv_cache_usage_perc", every(0.9))),
        Case("VllmPreemptions", "one in 5 s", True, 20, vllm("num_preemptions_total", "0+12x60"), labels=on_pod),
        Case("VllmPreemptions", "one in 20 s", False, 30, vllm("num_preemptions_total", "0+3x60")),
        Case("VllmRequestsAborted", "one in ten minutes", True, 8, _aborts("0x5 1x60"), labels=on_pod),
        Case("VllmRequestsAborted", "none", False, 30, _aborts(every(3))),
        Case("VllmEngineStalled", "4 run, no token moves", True, 10, _stall(4, flat, flat), labels=on_pod),
        Case("VllmEngineStalled", "answers move", False, 10, _stall(4, moving, flat)),
        Case("VllmEngineStalled", "a long prompt moves", False, 10, _stall(4, flat, moving)),
        Case("VllmEngineStalled", "nothing runs", False, 10, _stall(0, flat, flat)),
    ]


def _ready(value: int, more: Series | None = None) -> Series:
    return {**kube("kube_pod_status_ready", every(value), 'condition="true"'), **(more or {})}


def _pods() -> list[Case]:
    up = f'up{{job="models/chat",{OBJECT}}}'
    young = kube("kube_pod_created", every(0))
    deployment = 'namespace="models",deployment="chat"'
    none_ready = {
        f"kube_deployment_status_replicas_available{{{deployment}}}": every(0),
        f"kube_deployment_created{{{deployment}}}": every(0),
    }
    failed_pod = kube("kube_pod_status_phase", every(1), 'phase="Failed"')
    leaving = kube("kube_pod_deletion_timestamp", every(300))
    job_pod = {
        'kube_pod_created{namespace="models",pod="chat-download-x2x4z"}': every(0),
        'kube_pod_status_ready{namespace="models",pod="chat-download-x2x4z",condition="true"}': every(0),
    }
    on_pod = {"pod": POD}
    return [
        Case("VllmScrapeMissing", "ready, and the scrape fails", True, 8, _ready(1, {up: every(0)}), labels=on_pod),
        Case("VllmScrapeMissing", "ready, and no target at all", True, 8, _ready(1), labels=on_pod),
        Case("VllmScrapeMissing", "scraped", False, 8, _ready(1, {up: every(1)})),
        Case("VllmScrapeMissing", "it starts: nobody listens yet", False, 8, _ready(0, {up: every(0)})),
        Case("VllmModelNotReady", "15 min old", True, 15, _ready(0, young), labels=on_pod),
        Case("VllmModelNotReady", "8 min old: within the cold start", False, 8, _ready(0, young)),
        Case("VllmModelNotReady", "it is ready", False, 15, _ready(1, young)),
        Case("VllmModelNotReady", "it ended long ago", False, 15, _ready(0, young | failed_pod)),
        Case("VllmModelNotReady", "it is leaving", False, 15, _ready(0, young | leaving)),
        Case("VllmModelNotReady", "the pod of a Job", False, 15, job_pod),
        Case("VllmUnavailable", "none ready after the cold start", True, 15, none_ready),
        Case("VllmUnavailable", "none ready yet", False, 8, none_ready),
        Case(
            "VllmUnavailable",
            "one is ready",
            False,
            15,
            none_ready | {f"kube_deployment_status_replicas_available{{{deployment}}}": every(1)},
        ),
    ]


def _download_and_scaler() -> list[Case]:
    def restarts(values: str) -> Series:
        return kube("kube_pod_init_container_status_restarts_total", values, 'container="download"')

    job = 'namespace="models",job_name="big-download"'
    failed = {f'kube_job_status_failed{{{job},reason=""}}': every(1)}
    done = {f'kube_job_complete{{{job},condition="true"}}': every(1)}
    cases = [
        Case("VllmDownloadFailing", "the container fails", True, 7, restarts("0+0x4 1+0x60"),
             labels={"model": "chat", "pod": POD}),
        Case("VllmDownloadFailing", "it failed an hour ago", False, 60, restarts("1+0x90")),
        Case("VllmDownloadFailing", "the Job fails", True, 5, failed,
             labels={"model": "big", "job_name": "big-download"}),
        Case("VllmDownloadFailing", "the Job's second try succeeded", False, 5, failed | done),
    ]  # fmt: skip
    for phase, fires in (("Abort", True), ("Timeout", True), ("Paused", False), ("Completed", False)):
        rollout = f'exported_namespace="models",namespace="argo-rollouts",name="careful",phase="{phase}"'
        cases.append(
            Case("VllmCanaryGoneBack", phase, fires, 3, {f"rollout_info{{{rollout}}}": every(1)},
                 labels={"model": "careful"} if fires else {})
        )  # fmt: skip
    for name in ("chat", "keda-hpa-chat"):
        hpa = f'namespace="models",horizontalpodautoscaler="{name}"'
        most = {f"kube_horizontalpodautoscaler_spec_max_replicas{{{hpa}}}": every(2)}
        wanted = f"kube_horizontalpodautoscaler_status_desired_replicas{{{hpa}}}"
        cases += [
            Case("VllmAutoscalerAtMax", f"{name}: 2 wanted of 2", True, 20, most | {wanted: every(2)}),
            Case("VllmAutoscalerAtMax", f"{name}: 1 wanted of 2", False, 20, most | {wanted: every(1)}),
            Case("VllmAutoscalerAtMax", f"{name}: for ten minutes", False, 14, most | {wanted: "2+0x10 1+0x20"}),
        ]
    return cases


def _hardware() -> list[Case]:
    gpu = 'Hostname="node-1",gpu="0",UUID="GPU-1",modelName="NVIDIA L4"'
    pools = {
        'kube_node_labels{node="spot-1",label_vllm_on_eks_pool="cheap"}': every(1),
        'kube_node_labels{node="firm-1",label_vllm_on_eks_pool="l4"}': every(1),
    }
    cordoned = 'kube_node_spec_unschedulable{{node="{}"}}'.format
    return [
        Case("GpuXidError", "79: fallen off the bus", True, 2, {f"DCGM_FI_DEV_XID_ERRORS{{{gpu}}}": every(79)},
             labels={"Hostname": "node-1", "gpu": "0"}),
        Case("GpuXidError", "none", False, 2, {f"DCGM_FI_DEV_XID_ERRORS{{{gpu}}}": every(0)}),
        Case("GpuXidError", "31: the program's fault", False, 2, {f"DCGM_FI_DEV_XID_ERRORS{{{gpu}}}": every(31)}),
        Case("GpuMetricsMissing", "nothing is exported", True, 15, {"up": every(1)}),
        Case("GpuMetricsMissing", "one GPU is", False, 15, {f"DCGM_FI_DEV_FB_USED{{{gpu}}}": every(0)}),
        Case("KubeStateMetricsMissing", "nothing is exported", True, 10, {"up": every(1)}),
        Case("KubeStateMetricsMissing", "one pod is", False, 10, _ready(0)),
        Case("SpotNodeInterrupted", "a spot node is cordoned", True, 2, pools | {cordoned("spot-1"): every(1)},
             labels={"node": "spot-1", "label_vllm_on_eks_pool": "cheap"}),
        Case("SpotNodeInterrupted", "another node is", False, 2,
             pools | {cordoned("firm-1"): every(1), cordoned("spot-1"): every(0)}),
    ]  # fmt: skip


CASES: tuple[Case, ...] = (*_burns(), *_engine(), *_pods(), *_download_and_scaler(), *_hardware())
