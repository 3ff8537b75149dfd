"""Every image and chart that a stack pulls, those inside charts included, and where a mirror has them.

Plans behind a mirror have its names in them already: ask with a plan made without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planning.facts import rows
from planning.model import ClusterAutoscalerPlan, CreateClusterPlan, HubPlan, ImagePlan, StackPlan
from planning.versions import pins
from planning.versions.autoscaler_tags import CLUSTER_AUTOSCALER_TAGS

DOCKER_HUB = "docker.io/"


@dataclass(frozen=True)
class ImageUse:
    """`image`: with registry, tag or digest. `used_by`: a chart, a chart's part, or what of ours runs it."""

    image: str
    used_by: str


@dataclass(frozen=True)
class ChartUse:
    """A chart of a release; `inside`: name and version of those packed into it."""

    chart: str
    version: str
    repository: str
    inside: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WeightUse:
    """A source of weights."""

    uri: str
    used_by: str
    repository: str | None = None
    """Of the Hub, with `revision`; None: it is elsewhere."""
    revision: str | None = None


def stack_images(plan: StackPlan) -> tuple[ImageUse, ...]:
    """All of them, each once; of EKS' add-ons see `stack_addon_images`."""
    uses = {use.image: use for use in (*_own(plan), *_of_charts(plan))}
    return tuple(uses[image] for image in sorted(uses))


def stack_charts(plan: StackPlan) -> tuple[ChartUse, ...]:
    """The charts of the stack's releases at their own repositories."""
    names = _chart_names(plan)
    inside = {
        name: tuple(dict.fromkeys((r["sub_chart"], r["sub_version"]) for r in _rows(plan) if r["chart"] == name))
        for name in names
    }
    return tuple(
        ChartUse(name, pins.CHARTS[name].version, pins.CHARTS[name].repository, tuple(s for s in inside[name] if s[0]))
        for name in names
    )


def stack_weights(plan: StackPlan) -> tuple[WeightUse, ...]:
    """Where weights come from, each once: repositories of the Hub with adapters and drafts, buckets, claims, images."""
    uses: dict[str, WeightUse] = {}
    for model in plan.models:
        used_by = f"model {model.namespace}/{model.name}"
        if not isinstance(model.source, HubPlan):
            uses.setdefault(model.source.uri, WeightUse(model.source.uri, used_by))
        for repository in model.repositories:
            uri = f"hf://{repository.repository}@{repository.revision}"
            uses.setdefault(uri, WeightUse(uri, used_by, repository.repository, repository.revision))
    return tuple(uses[uri] for uri in sorted(uses))


def stack_addon_images(plan: StackPlan) -> tuple[ImageUse, ...]:
    """Images of EKS' add-ons, without tag: below the registry that EKS has in the region."""
    if not isinstance(plan.cluster, CreateClusterPlan):
        return ()
    names = {addon.name for addon in plan.cluster.addons}
    uses = [ImageUse(row["place"], f"add-on {row['addon']}") for row in rows("addon_images.csv")]
    return tuple(use for use in uses if use.used_by.removeprefix("add-on ") in names)


def place_behind(image: str, mirror: str) -> str:
    """Where the stack's pods ask for it behind a mirror (Docker Hub's have no host there); without a digest."""
    return pins.mirrored(image.removeprefix(DOCKER_HUB).partition("@")[0], mirror)


def _own(plan: StackPlan) -> Iterator[ImageUse]:
    for model in plan.models:
        yield ImageUse(_with_host(model.image), f"model {model.namespace}/{model.name}")
        if isinstance(model.source, ImagePlan):
            yield ImageUse(_with_host(model.source.reference), f"weights of model {model.namespace}/{model.name}")
        if model.picker is not None:
            yield ImageUse(_with_host(model.picker.image), f"endpoint picker of model {model.namespace}/{model.name}")
    if plan.entry is not None:
        yield ImageUse(_with_host(plan.entry.gateway.proxy_image), "proxies of the gateway")
    operator = plan.gpu_operator
    for test in operator.smoke_tests if operator else ():
        yield ImageUse(_with_host(test.image), f"smoke test of pool {test.pool}")
    for spare in plan.spare_nodes:
        yield ImageUse(_with_host(spare.image), f"spare nodes of pool {spare.pool}")


def _with_host(image: str) -> str:
    """Docker Hub's images are written without host in manifests; tools that copy want one."""
    host = image.partition("/")[0]
    return image if "." in host or ":" in host else DOCKER_HUB + image


def _of_charts(plan: StackPlan) -> Iterator[ImageUse]:
    autoscaler = plan.cluster_autoscaler
    for row in _rows(plan):
        inside = f" ({row['sub_chart']})" if row["sub_chart"] else ""
        for tag in (row["tag"],) if row["tag"] else _by_version(autoscaler):
            yield ImageUse(f"{row['image']}:{tag}", f"chart {row['chart']}{inside}")


def _by_version(autoscaler: ClusterAutoscalerPlan | None) -> tuple[str, ...]:
    """The tag for the cluster's version; every possible one where that version is not written."""
    if autoscaler is None:
        return ()
    return (autoscaler.image_tag,) if autoscaler.image_tag else tuple(CLUSTER_AUTOSCALER_TAGS.values())


def _rows(plan: StackPlan) -> list[dict[str, str]]:
    operator, monitoring = plan.gpu_operator, plan.monitoring
    enabled = {
        "always": True,
        "dcgm": operator is not None and operator.dcgm_exporter,
        "mig": operator is not None and any(sharing.kind == "mig" for sharing in operator.sharing),
        "grafana": monitoring is not None and monitoring.grafana,
    }
    names = _chart_names(plan)
    return [row for row in rows("chart_images.csv") if row["chart"] in names and enabled[row["when"]]]


def _chart_names(plan: StackPlan) -> tuple[str, ...]:
    keda, autoscaler, external = plan.keda, plan.cluster_autoscaler, plan.external_secrets
    used = {
        "gpu-operator": plan.gpu_operator is not None,
        "kube-prometheus-stack": plan.monitoring is not None and plan.monitoring.stack_chart is not None,
        "prometheus-adapter": plan.monitoring is not None and bool(plan.monitoring.adapter_rules),
        "keda": keda is not None and keda.install,
        "external-secrets": external is not None and external.install,
        "aws-load-balancer-controller": plan.load_balancer_controller is not None,
        "cluster-autoscaler": autoscaler is not None,
        "karpenter-crd": plan.karpenter is not None,
        "karpenter": plan.karpenter is not None,
    }
    others = {name for operator in plan.operators if operator.install for name in operator.charts}
    others |= {"vllm-stack"} if any(model.router for model in plan.models) else set()
    return tuple(name for name in pins.CHARTS if used.get(name) or name in others)
