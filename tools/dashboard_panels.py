"""The dashboards of this project as data: which panels, with which queries. `tools/dashboards.py` makes JSON of it.

Variables of Grafana: $namespace, $model and $pod hold one or many values (as regular expressions), $__rate_interval is
four scrapes. A PodMonitor's series have job <namespace>/<model>, so both variables select by it.

kube-state-metrics tells of everything in the cluster and, of workloads, no labels. Which of it are models of ours is
told by the recorded cost, which every model has, with or without pods: those series are joined with it.
"""

from __future__ import annotations

from dataclasses import dataclass

SERVERS = 'job=~"$namespace/$model",pod=~"$pod"'
SCALER = 'namespace=~"$namespace",horizontalpodautoscaler=~"(keda-hpa-)?($model)"'
OURS = 'namespace=~"$namespace",model=~"$model"'
GPU = 'Hostname=~"$node"'
RATE = "[$__rate_interval]"
HPA = "kube_horizontalpodautoscaler"
MODELS = f"vllm_on_eks:usd_per_hour{{{OURS}}}"
# What backends add to a model's name for their Deployment, and a Deployment's pod: its name, the template's hash, five
# letters (Kubernetes leaves out vowels).
SUFFIXES = ("", "-predictor")
# What one (KubeAI) writes before the model's name.
BEFORE = "(?:model-)?"
# Pods that have no Deployment (Ray's workers, KubeAI's, a Rollout's), less their last part.
WITHOUT_DEPLOYMENT = "-([^-aeiou]{5}-gpu-worker|[^-aeiou]{1,10})"
POD_NAME = (
    f"{BEFORE}(.+?)((({'|'.join(SUFFIXES)})-[^-aeiou]{{1,10}}|-[^-aeiou]{{5}}-gpu-worker)-[^-aeiou]{{5}}"
    "|-group-[0-9]+(-[0-9]+)?)"
)
# Of a group its leader stands for the replica.
BARE_NAME = f"{BEFORE}(.+?)({WITHOUT_DEPLOYMENT}-[^-aeiou]{{5}}|-group-[0-9]+)"


@dataclass(frozen=True)
class Query:
    """PromQL and the legend of its series."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """A graph over time. `unit` in Grafana's words; `bounds`: fixed ends of the axis."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    description: str
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Variable:
    """A choice above the dashboard, filled by a query; `regex` takes the wanted part of each value."""

    name: str
    query: str
    regex: str = ""


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; `uid` is its address in Grafana and its file name here."""

    uid: str
    title: str
    variables: tuple[Variable, ...]
    panels: tuple[Panel, ...]


NAMESPACE = Variable("namespace", "label_values(vllm:num_requests_running, namespace)")
MODEL = Variable("model", 'label_values(vllm:num_requests_running{namespace=~"$namespace"}, job)', "/.*\\/(.*)/")
PLANNED_NAMESPACE = Variable("namespace", "label_values(vllm_on_eks:usd_per_hour, namespace)")
PLANNED_MODEL = Variable("model", 'label_values(vllm_on_eks:usd_per_hour{namespace=~"$namespace"}, model)')
POD = Variable("pod", 'label_values(vllm:num_requests_running{job=~"$namespace/$model"}, pod)')
NODE = Variable("node", "label_values(DCGM_FI_DEV_FB_USED, Hostname)")


def _quantiles(histogram: str, *shares: float) -> tuple[Query, ...]:
    return tuple(
        Query(
            f"histogram_quantile({share}, sum by (le, model_name) (rate(vllm:{histogram}_bucket{{{SERVERS}}}{RATE})))",
            f"p{share * 100:g} {{{{model_name}}}}",
        )
        for share in shares
    )


def _by(labels: str, counter: str) -> str:
    return f"sum by ({labels}) (rate(vllm:{counter}_total{{{SERVERS}}}{RATE}))"


def _named(label: str, name: str = "$1") -> str:
    """Our models, with their name as that label."""
    return f'label_replace({MODELS}, "{label}", "{name}", "model", "(.+)")'


def _scaler(series: str) -> str:
    """A series of our models' autoscalers; KEDA names its own keda-hpa-<model>."""
    label = "horizontalpodautoscaler"
    ours = f"({_named(label)} or {_named(label, 'keda-hpa-$1')})"
    return f"{HPA}_{series}{{{SCALER}}} and on (namespace, {label}) {ours}"


def _ready_replicas() -> str:
    names = f'deployment=~"($model)({"|".join(SUFFIXES)})"'
    ready = f'kube_deployment_status_replicas_available{{namespace=~"$namespace",{names}}}'
    ours = " or ".join(_named("deployment", f"$1{suffix}") for suffix in SUFFIXES)
    pods = 'kube_pod_status_ready{namespace=~"$namespace",condition="true"}'
    bare = f'label_replace({pods}, "deployment", "$1", "pod", "{BARE_NAME}")'
    counted = f"sum by (namespace, deployment) ({bare} and on (namespace, deployment) {_named('deployment')})"
    # Without other labels: pods of a Deployment are counted on the right, too, and the left one is taken.
    return f"max by (namespace, deployment) ({ready} and on (namespace, deployment) ({ours})) or {counted}"


def _pods_without_node() -> str:
    pods = f'label_replace(kube_pod_info{{namespace=~"$namespace",node=""}}, "model", "$1", "pod", "{POD_NAME}")'
    return (
        f"count by (namespace, model) ({pods} and on (namespace, model) {MODELS}) "
        f"or sum by (namespace, model) (0 * {MODELS})"
    )


VLLM = Dashboard(
    "vllm",
    "vLLM: what users wait for, and why",
    (NAMESPACE, MODEL, POD),
    (
        Panel("Time to first token", "s", _quantiles("time_to_first_token_seconds", 0.5, 0.95, 0.99),
              "From arrival to the first token: queue and prefill."),
        Panel("Time between tokens", "s", _quantiles("inter_token_latency_seconds", 0.5, 0.95, 0.99),
              "Of one answer; grows with the batch."),
        Panel("Whole request", "s", _quantiles("e2e_request_latency_seconds", 0.5, 0.95, 0.99),
              "From arrival to the last token."),
        Panel("Time in the queue", "s", _quantiles("request_queue_time_seconds", 0.5, 0.99),
              "The part of the first token's time that more replicas would take away."),
        Panel("Requests running", "short", (Query(f"vllm:num_requests_running{{{SERVERS}}}", "{{pod}}"),),
              "In the batch, by pod."),
        Panel("Requests waiting", "short",
              (Query(f"vllm:num_requests_waiting_by_reason{{{SERVERS}}} or on (job, pod) "
                     f"vllm:num_requests_waiting{{{SERVERS}}}", "{{pod}} {{reason}}"),),
              "capacity: no room in batch or cache; deferred: held back on purpose. Before vLLM 0.20 without reason."),
        Panel("KV cache in use", "percentunit", (Query(f"vllm:kv_cache_usage_perc{{{SERVERS}}}", "{{pod}}"),),
              "At 1 running requests are preempted.", (0, 1)),
        Panel("Preemptions", "ops", (Query(_by("pod", "num_preemptions"), "{{pod}}"),),
              "Each one computes its prompt again."),
        Panel("Tokens by model", "ops",
              (Query(_by("model_name", "generation_tokens"), "answers {{model_name}}"),
               Query(_by("model_name", "prompt_tokens"), "prompts {{model_name}}")),
              "Tokens per second."),
        Panel("Answer tokens by pod", "ops", (Query(_by("pod", "generation_tokens"), "{{pod}}"),),
              "Tokens per second; a pod far below its like is sick."),
        Panel("Requests ended", "reqps", (Query(_by("finished_reason", "request_success"), "{{finished_reason}}"),),
              "abort: the client left; error: the engine failed."),
        Panel("Prompt tokens found in the cache", "percentunit",
              (Query(f"{_by('pod', 'prefix_cache_hits')} / {_by('pod', 'prefix_cache_queries')}", "{{pod}}"),),
              "Prefix caching; nothing while there are no requests.", (0, 1)),
        Panel("Requests later than promised", "percentunit",
              (Query(f"vllm_on_eks:ttft_errors:ratio{{{OURS}}}", "{{model}} over {{window}}"),),
              "Share of requests whose first token was late, over the windows of the alerts."),
        Panel("Requests failed or turned away", "percentunit",
              (Query(f"vllm_on_eks:errors:ratio{{{OURS}}}", "{{model}} over {{window}}"),),
              "Share of requests, over the windows of the alerts."),
    ),
)  # fmt: skip

GPUS = Dashboard(
    "gpu",
    "GPUs",
    (NODE,),
    tuple(
        Panel(title, unit, (Query(expr, "{{Hostname}} {{gpu}}"),), text, bounds)
        for title, unit, expr, text, bounds in (
            ("Utilization", "percent", f"DCGM_FI_DEV_GPU_UTIL{{{GPU}}} or 100 * DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{GPU}}}",
             "Share of time in which something ran: 100 % may be 10 requests or 100. MIG: of the instance's engines.",
             (0.0, 100.0)),
            ("Memory in use", "percentunit",
             f"DCGM_FI_DEV_FB_USED{{{GPU}}} / (DCGM_FI_DEV_FB_USED{{{GPU}}} + DCGM_FI_DEV_FB_FREE{{{GPU}}})",
             "vLLM takes its share at start; it says nothing of load.", (0.0, 1.0)),
            ("Power", "watt", f"DCGM_FI_DEV_POWER_USAGE{{{GPU}}}", "The best sign of real work.", None),
            ("Temperature", "celsius", f"DCGM_FI_DEV_GPU_TEMP{{{GPU}}}", "Clocks fall when it is too high.", None),
            ("SM clock", "MHz", f"DCGM_FI_DEV_SM_CLOCK{{{GPU}}}", "Lower under load than its like: throttled.", None),
            ("Last XID", "none", f"DCGM_FI_DEV_XID_ERRORS{{{GPU}}}",
             "0: none since the exporter started. Meanings: docs/runbooks/GpuXidError.md.", None),
        )
    ),
)  # fmt: skip

AUTOSCALING = Dashboard(
    "autoscaling",
    "Autoscaling: wanted, ready, allowed",
    (PLANNED_NAMESPACE, PLANNED_MODEL),
    (
        Panel("Replicas", "short",
              (Query(_scaler("status_desired_replicas"), "{{horizontalpodautoscaler}} wanted"),
               Query(_ready_replicas(), "{{deployment}} ready"),
               Query(_scaler("spec_max_replicas"), "{{horizontalpodautoscaler}} most"),
               Query(_scaler("spec_min_replicas"), "{{horizontalpodautoscaler}} fewest")),
              "Wanted above ready is a cold start; wanted at most is a limit that works."),
        Panel("Demand", "short",
              (Query('vllm_on_eks:demand:replicas{namespace=~"$namespace",service=~"$model"}', "{{service}}"),),
              "Replicas that the traffic needs, as recorded for the autoscaler."),
        Panel("Metric and its target", "short",
              (Query(_scaler("status_target_metric"), "{{horizontalpodautoscaler}} {{metric_name}}"),
               Query(_scaler("spec_target_metric"), "{{horizontalpodautoscaler}} {{metric_name}} target")),
              "Above its target the autoscaler adds replicas (after its window and tolerance)."),
        Panel("Requests in flight", "short",
              (Query('sum by (job) (vllm:num_requests_running{job=~"$namespace/$model"})', "{{job}} running"),
               Query('sum by (job) (vllm:num_requests_waiting{job=~"$namespace/$model"})', "{{job}} waiting")),
              "The queue is empty until the promise is already broken: running leads."),
        Panel("Nodes by pool", "short",
              (Query('count by (label_vllm_on_eks_pool) (kube_node_labels{label_vllm_on_eks_pool!=""})',
                     "{{label_vllm_on_eks_pool}}"),),
              "A replica needs a free GPU."),
        Panel("Pods without a node", "short",
              (Query(_pods_without_node(), "{{model}}"),),
              "They wait for a GPU."),
    ),
)  # fmt: skip

_MODEL_COST = "sum by (model) (vllm_on_eks:usd_per_hour)"
_MODEL_TOKENS = (
    "sum by (model) (label_replace("
    + "rate(vllm:generation_tokens_total[$__rate_interval]) + rate(vllm:prompt_tokens_total[$__rate_interval])"
    + ', "model", "$1", "job", ".*/(.*)"))'
)
COST = Dashboard(
    "cost",
    "Cost by model and team",
    (),
    (
        Panel("By model", "currencyUSD", (Query(_MODEL_COST, "{{model}}"),),
              "US dollars per hour of the GPUs its pods hold: on-demand list prices of us-east-1, for spot nodes too."),
        Panel("By team", "currencyUSD", (Query("sum by (team) (vllm_on_eks:usd_per_hour)", "{{team}}"),),
              "US dollars per hour; team is the model's, or the stack's tag."),
        Panel("Nodes by pool", "currencyUSD",
              (Query("sum by (pool, instance_type) (vllm_on_eks:node_usd_per_hour)", "{{pool}} {{instance_type}}"),),
              "US dollars per hour of the nodes that run, without volumes, network and control plane."),
        Panel("Paid for and held by no model", "currencyUSD",
              (Query("sum by (pool) (vllm_on_eks:node_usd_per_hour) - "
                     "(sum by (pool) (vllm_on_eks:usd_per_hour) or 0 * sum by (pool) (vllm_on_eks:node_usd_per_hour))",
                     "{{pool}}"),),
              "US dollars per hour of free GPUs; the pool `system` serves no model by intent."),
        Panel("Per million tokens", "currencyUSD",
              (Query(f"{_MODEL_COST} / ({_MODEL_TOKENS} * 3600 / 1e6)", "{{model}}"),),
              "US dollars, prompts and answers together; without traffic there is no price."),
        Panel("Per month at this rate", "currencyUSD",
              (Query("730 * sum(vllm_on_eks:node_usd_per_hour)", "all nodes"),),
              "US dollars per 730 hours."),
    ),
)  # fmt: skip

DASHBOARDS = (VLLM, GPUS, AUTOSCALING, COST)
