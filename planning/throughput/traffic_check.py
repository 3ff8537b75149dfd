"""Whether a model's replicas carry the traffic it is meant for, within what its users were promised."""

from __future__ import annotations

from planning.findings import Findings
from planning.model import AutoscalingPlan, ThroughputPlan
from settings.models import Model

# A second replica is kept for the day one is away, whatever the load.
_SPARE = 2


def check_traffic(
    model: Model, plan: ThroughputPlan | None, scaling: AutoscalingPlan, path: str, findings: Findings
) -> None:
    """Warnings, since the rates are estimates; only a request that the model can never hold is an error.

    Without declared traffic nothing is said of numbers, without a declared SLO nothing of the SLO.
    """
    traffic = model.traffic
    if traffic is not None and traffic.input_tokens + traffic.output_tokens > model.max_model_len:
        longest = traffic.input_tokens + traffic.output_tokens
        findings.error(
            f"{path}.traffic",
            "traffic-length",
            f"a mean request of {traffic.input_tokens} + {traffic.output_tokens} tokens is longer than maxModelLen "
            f"{model.max_model_len}: vLLM would refuse most of them",
            f"write maxModelLen: {longest} or more",
        )
        return
    if plan is None or (traffic is None and "slo" not in model.model_fields_set):
        return
    if plan.slo_share_alone < model.slo.share:
        _unreachable(model, plan, path, findings)
    if traffic is not None and plan.replicas_needed is not None and plan.slo_requests_per_second > 0:
        _replicas(scaling, plan, traffic.requests_per_second, plan.replicas_needed, path, findings)


def _unreachable(model: Model, plan: ThroughputPlan, path: str, findings: Findings) -> None:
    slo = model.slo
    findings.warning(
        f"{path}.slo",
        "slo-unreachable",
        f"promised to {slo.share:.1%} of requests are {slo.time_to_first_token_seconds:g} s to the first token and "
        f"{slo.time_per_output_token_seconds:g} s per token, but with a replica of their own about "
        f"{plan.slo_share_alone:.1%} hold it: a mean request takes {plan.idle_time_to_first_token_seconds:.2g} s and "
        f"{plan.idle_time_per_output_token_seconds:.2g} s per token (to a factor {plan.range_factor:g})",
        "write longer times, a lower share, more tensorParallel, quantization, or take a faster GPU",
    )


def _replicas(
    scaling: AutoscalingPlan, plan: ThroughputPlan, rate: float, needed: int, path: str, findings: Findings
) -> None:
    load = rate / plan.slo_requests_per_second
    said = (
        f"{rate:g} requests/s of {plan.input_tokens:g} + {plan.output_tokens:g} tokens, at about "
        f"{plan.slo_requests_per_second:.2g} per replica within the SLO (to a factor {plan.range_factor:g})"
    )
    if needed > scaling.max_replicas:
        short = "is more than they can do" if load > scaling.max_replicas else "leaves no room for chance"
        findings.warning(
            f"{path}.autoscaling.maxReplicas",
            "traffic-beyond-capacity",
            f"{scaling.max_replicas}: {said}, {short}",
            f"write {needed}, and as many nodes",
        )
    elif scaling.min_replicas > max(_SPARE, needed):
        findings.warning(
            f"{path}.autoscaling.minReplicas",
            "replicas-idle",
            f"{scaling.min_replicas}, though the busiest hour needs {needed}: {said}",
            f"write {max(_SPARE, needed)}",
        )
