"""An existing Prometheus that the stack uses: it is there, it selects our objects, and it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from planning.findings import listed
from planning.model import OWN_LABELS, ExistingPrometheusPlan, StackPlan
from preflight.account import Unanswered
from preflight.kube import ClusterApi
from preflight.model import Answer, Verdict

PATH = "monitoring.prometheus"
PROMETHEUSES = "/apis/monitoring.coreos.com/v1/prometheuses"
_NAME = "kubernetes.io/metadata.name"
# What alerts and costs rest on: a query that has no answer where it is missing, what then is blind, what to do.
_SERIES = (
    (
        "count(kube_pod_status_ready)",
        "no series of kube-state-metrics: alerts on readiness, autoscalers and cost are blind",
        "install kube-state-metrics and let this Prometheus scrape it",
    ),
    (
        'count(kube_node_labels{label_node_kubernetes_io_instance_type!=""})',
        "kube-state-metrics shows no labels of nodes: cost and spot alerts have no data",
        "start it with --metric-labels-allowlist=nodes=[vllm-on-eks/pool,node.kubernetes.io/instance-type]",
    ),
)


def existing(plan: StackPlan, there: ExistingPrometheusPlan, api: ClusterApi) -> Iterator[Answer]:
    """Service, pods, selectors, and the series that rules need."""
    service = api.get(f"/api/v1/namespaces/{there.namespace}/services/{there.service}")
    if service is None:
        near = [_name(item) for item in api.items(f"/api/v1/namespaces/{there.namespace}/services")]
        said = f"no Service {there.service} in namespace {there.namespace} (it has {listed(near) or 'none'})"
        yield Answer("prometheus", f"{PATH}.service", Verdict.ERROR, said, fix="write the one that serves its API")
        return
    ports = [int(port["port"]) for port in service.get("spec", {}).get("ports", ())]
    if there.port not in ports:
        said = f"Service {there.service} has no port {there.port} (it has {listed(map(str, ports))})"
        yield Answer("prometheus", f"{PATH}.port", Verdict.ERROR, said, fix="write one of them")
        return
    yield from _pods(there, api)
    yield from _selected(plan, there, api)
    yield from _series(there, api)


def _pods(there: ExistingPrometheusPlan, api: ClusterApi) -> Iterator[Answer]:
    selector_text = ",".join(f"{key}={value}" for key, value in there.pod_labels.items())
    if api.items(f"/api/v1/namespaces/{there.namespace}/pods", labelSelector=selector_text):
        yield Answer("prometheus", f"{PATH}.podLabels", Verdict.OK, f"pods with {selector_text} are there")
        return
    said = f"no pod in namespace {there.namespace} has the labels {selector_text}: network policies would keep it out"
    yield Answer("prometheus", f"{PATH}.podLabels", Verdict.ERROR, said, fix="write labels of Prometheus' pods")


def _selected(plan: StackPlan, there: ExistingPrometheusPlan, api: ClusterApi) -> Iterator[Answer]:
    """Its selectors against the labels of our monitors and rules, and the namespaces in which those are."""
    item = [
        prometheus_object
        for prometheus_object in api.items(PROMETHEUSES)
        if prometheus_object["metadata"]["namespace"] == there.namespace
    ]
    if not item:
        said = f"no Prometheus object in namespace {there.namespace}, so what it selects by is not known"
        yield Answer("prometheus", PATH, Verdict.WARNING, said, fix="check its PodMonitor and rule selectors by hand")
        return
    assert plan.monitoring is not None
    monitors = {*plan.model_namespaces, plan.monitoring.namespace}
    kinds = (
        ("podMonitor", "monitorLabels", there.monitor_labels, set(plan.model_namespaces)),
        ("serviceMonitor", "monitorLabels", there.monitor_labels, _of_charts(plan)),
        ("rule", "ruleLabels", there.rule_labels, monitors),
    )
    wrong = False
    for kind, setting, labels, namespaces in kinds:
        for answer in _kind(item[0]["spec"], kind, setting, labels, namespaces):
            wrong = True
            yield answer
    if not wrong:
        said = f"{_name(item[0])} in {there.namespace} selects the stack's monitors and rules"
        yield Answer("prometheus", PATH, Verdict.OK, said, settles=("existing-prometheus",))


def _of_charts(plan: StackPlan) -> set[str]:
    """Namespaces with ServiceMonitors of charts."""
    namespaces = {plan.gpu_operator.namespace} if plan.gpu_operator and plan.gpu_operator.dcgm_exporter else set()
    if plan.cluster_autoscaler and plan.cluster_autoscaler.monitoring_namespace:
        namespaces.add(plan.cluster_autoscaler.monitoring_namespace)
    return namespaces | ({plan.keda.namespace} if plan.keda and plan.keda.install else set())


def _kind(
    spec: Mapping[str, Any], kind: str, setting: str, labels: Mapping[str, str], namespaces: Iterable[str]
) -> Iterator[Answer]:
    selector = spec.get(f"{kind}Selector")
    if not selector_matches(selector, {**OWN_LABELS, **labels}):
        match_labels = (selector or {}).get("matchLabels") or {}
        said = f"{kind}Selector is {_shown(selector)}, which objects with {dict(labels)} do not match: none is seen"
        words = ", ".join(f"{key}: {value}" for key, value in match_labels.items())
        fix = f"write {setting}: {{{words}}}" if words else f"set {kind}Selector of that Prometheus"
        yield Answer("prometheus", f"{PATH}.{setting}", Verdict.ERROR, said, fix=fix)
    among = spec.get(f"{kind}NamespaceSelector")
    outside = sorted(name for name in namespaces if not selector_matches(among, {**OWN_LABELS, _NAME: name}))
    if outside:
        where = "its own namespace only" if among is None else _shown(among)
        said = f"{kind}NamespaceSelector is {where}, and ours are in {listed(outside)}: none is seen"
        fix = f"set {kind}NamespaceSelector: {{}} of that Prometheus, or label those namespaces"
        yield Answer("prometheus", f"{PATH}.namespace", Verdict.ERROR, said, fix=fix)


def selector_matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """A LabelSelector as Kubernetes reads it; none matches nothing, an empty one everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions") or ())


def _holds(match_labels: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = match_labels["key"], match_labels.get("values") or ()
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[match_labels["operator"]]


def _series(there: ExistingPrometheusPlan, api: ClusterApi) -> Iterator[Answer]:
    """Asked through the API server, as nothing else reaches it from outside."""
    for query, missing, fix in _SERIES:
        try:
            result = _query(there, api, query)
        except Unanswered as why:
            said = f"{there.address} did not answer a query through the API server ({why})"
            hint = f"check port and path{f' {there.path}' if there.path else ''}"
            yield Answer("prometheus", PATH, Verdict.UNKNOWN, said, fix=hint)
            return
        if not result:
            yield Answer("prometheus", PATH, Verdict.WARNING, missing, fix=fix)


def _query(there: ExistingPrometheusPlan, api: ClusterApi, query: str) -> list[Any]:
    proxy = f"/api/v1/namespaces/{there.namespace}/services/{there.service}:{there.port}/proxy{there.path}"
    item = api.get(f"{proxy}/api/v1/query", query=query)
    if item is None:
        raise Unanswered("HTTP 404")
    return list(item.get("data", {}).get("result") or ())


def _name(item: Mapping[str, Any]) -> str:
    return str(item["metadata"]["name"])


def _shown(selector: Mapping[str, Any] | None) -> str:
    return "not set" if selector is None else str(dict(selector))
