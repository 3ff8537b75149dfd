"""KubeAI for models of backend kubeai: in their namespace, with one configuration for all of them (ADR 33).

Read in substratusai/kubeai v0.21.0 (6babe2c95c).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.cluster.versions import other_versions
from planning.findings import Findings, listed
from planning.model import (
    AutoscalingPlan,
    DrainPlan,
    KubeaiModelPlan,
    KubeaiPlan,
    PodResources,
    ResourceProfilePlan,
    ServedModel,
)
from settings.backends import Backend, LoadBalancing
from settings.models import Model
from settings.stack import StackSettings

# The chart's interval, and no shorter mean than one look.
INTERVAL_SECONDS = 10
# Ours: it holds the bodies of requests, 10 MiB each at most, and computes nothing. The chart asks for nothing.
PROXY = PodResources("200m", "512Mi", "1Gi", None, 0)
# KubeAI's default of targetRequests, which its definition wants even where it is not followed.
UNREAD_TARGET = 100
# In KubeAI's own words (api/k8s/v1/model_types.go).
STRATEGIES = {LoadBalancing.PREFIX_HASH: "PrefixHash", LoadBalancing.LEAST_LOAD: "LeastLoad"}


def check_kubeai(settings: StackSettings, findings: Findings) -> None:
    """What a model can ask that one KubeAI in one namespace has no place for."""
    own = [
        (index, model) for index, model in enumerate(settings.models) if settings.backend_of(model) is Backend.KUBEAI
    ]
    namespaces = tuple(dict.fromkeys(model.namespace for _, model in own))
    for index, model in own:
        path = f"models[{index}]"
        if model.namespace != namespaces[0]:
            findings.error(
                f"{path}.namespace",
                "kubeai-namespace",
                f"KubeAI serves the models of its own namespace, and models of backend kubeai are in "
                f"{listed(namespaces)}",
                f"write {namespaces[0]}, or another backend",
            )
        _check_versions(model, path, other_versions(settings), findings)


def _check_versions(model: Model, path: str, others: frozenset[str], findings: Findings) -> None:
    """Its proxy looks at the body alone: whatever version the gateway chose, the same Model would answer."""
    if model.versions or model.name in others:
        where = f"{path}.versions" if model.versions else f"{path}.backend"
        findings.error(
            where,
            "kubeai-versions",
            f"{model.name} shares requests with other models, and KubeAI's proxy goes by the name in a request alone: "
            "it finds one Model, whatever share was chosen",
            "leave versions out, or write another backend",
        )


def with_kubeai(models: Sequence[ServedModel], settings: StackSettings, findings: Findings) -> list[ServedModel]:
    """The models, those of backend kubeai with what KubeAI is told of them."""
    paths = {model.name: f"models[{index}]" for index, model in enumerate(settings.models)}
    return [_with_kubeai(model, paths[model.name], settings, findings) for model in models]


def _with_kubeai(model: ServedModel, path: str, settings: StackSettings, findings: Findings) -> ServedModel:
    if model.backend != Backend.KUBEAI.value:
        return model
    if model.resources.shared_memory is None:
        findings.error(
            f"{path}.pool",
            "kubeai-shared-memory",
            "KubeAI mounts /dev/shm in every server, and so does the device plugin of a pool that shares GPUs by MPS",
            "write another pool, or sharing by time slices or MIG",
        )
    wanted = settings.kubeai
    target = target_requests(model.autoscaling)
    plan = KubeaiModelPlan(model.name, STRATEGIES[wanted.load_balancing], wanted.prefix_characters, target)
    return replace(model, kubeai=plan)


def target_requests(scaling: AutoscalingPlan) -> int:
    """Requests in flight per replica: the lowest target, down to a whole number (KubeAI's type is an integer), rather
    one replica more than requests that wait.
    """
    return max(1, int(min((metric.target for metric in scaling.metrics), default=UNREAD_TARGET)))


def plan_kubeai(models: Sequence[ServedModel], settings: StackSettings) -> KubeaiPlan | None:
    """Its release; None while no model could be planned. What has one place for all models is what the most careful
    of them needs: the longest drain and mean, the fewest pods more in a rollout.
    """
    own = [model for model in models if model.kubeai is not None]
    if not own:
        return None
    drains = [model.drain for model in own]
    clients = (name for model in own for name in (model.namespace, *model.client_namespaces))
    return KubeaiPlan(
        replicas=settings.kubeai.replicas,
        resources=PROXY,
        interval_seconds=INTERVAL_SECONDS,
        window_seconds=max(INTERVAL_SECONDS, *(model.autoscaling.scale_up.window_seconds for model in own)),
        surge=min(1, *(model.max_surge for model in own)),
        drain=DrainPlan(
            max(each.pre_stop_seconds for each in drains),
            max(each.shutdown_timeout_seconds for each in drains),
            max(each.grace_period_seconds for each in drains),
        ),
        profiles=tuple(resource_profile(model) for model in own),
        client_namespaces=tuple(dict.fromkeys(clients)),
        pull_secrets=own[0].pull_secrets,
        user_id=own[0].user_id,
        group_id=own[0].group_id,
    )


def resource_profile(model: ServedModel) -> ResourceProfilePlan:
    """What its pods ask of a node, by the model's name."""
    return ResourceProfilePlan(
        name=model.name,
        model=model.name,
        resources=model.resources,
        node_selector=model.node_selector,
        taints=model.taints,
        one_node=model.cache.access_mode == "ReadWriteOnce",
    )
