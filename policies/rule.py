"""A rule: what it is called, why it is there, how much it matters, what to do, and the function that judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from planning.model import BudgetPlan
from settings.findings import Severity

# Words that stand for values that are secret, or not known before `up`.
SECRET = "[secret]"
UNKNOWN = "[unknown]"


@dataclass(frozen=True, eq=False)
class Resource:
    """What a program registered, or what the engine knows of it. Inputs may hold `[secret]` and `[unknown]`."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any] = field(repr=False)

    @property
    def kind(self) -> str:
        """`Deployment` of `kubernetes:apps/v1:Deployment`."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def in_kubernetes(self) -> bool:
        """Whether it is an object in the cluster."""
        return self.type.startswith("kubernetes:")


@dataclass(frozen=True)
class Circumstances:
    """What rules may ask beside the resources.

    `secrets_marked`: secret values are `[secret]` in the inputs; the engine hands them to a pack in the open.
    """

    production: bool
    ceiling_usd_per_hour: float | None = None
    budget: BudgetPlan | None = None
    secrets_marked: bool = True


@dataclass(frozen=True)
class Violation:
    """Something that breaks a rule: which resource (None: the stack), and what about it."""

    resource: Resource | None
    message: str


# Where a workload's pod stands, if not at spec.template.spec.
POD_PATHS = {
    "CronJob": "spec.jobTemplate.spec.template.spec",
    "InferenceService": "spec.predictor",
    "LeaderWorkerSet": "spec.leaderWorkerTemplate.leaderTemplate.spec",
}
# What keeps pods running, and where it says their labels.
LASTING = {
    "Deployment": "spec.template.metadata.labels",
    "Rollout": "spec.template.metadata.labels",
    "LeaderWorkerSet": "spec.leaderWorkerTemplate.leaderTemplate.metadata.labels",
    "StatefulSet": "spec.template.metadata.labels",
    "InferenceService": "spec.predictor.labels",
}

Check = Callable[[Sequence[Resource], Circumstances], Iterable[Violation]]


@dataclass(frozen=True)
class Rule:
    """One rule; `fix` is one sentence that says what to write where."""

    id: str
    why: str
    severity: Severity
    fix: str
    check: Check


def at(value: Any, path: str, default: Any = None) -> Any:
    """What stands at a dotted path in nested mappings; `default` where one is missing or not known yet."""
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return default
        value = value[part]
    return default if value is None else value


def listed(value: Any) -> list[Any]:
    """A list as it is; nothing for what is missing or not known yet."""
    return list(value) if isinstance(value, list | tuple) else []


def pod_of(resource: Resource) -> Mapping[str, Any] | None:
    """The pod (spec) a workload makes, or None."""
    if not resource.in_kubernetes:
        return None
    if resource.kind == "Pod":
        return at(resource.inputs, "spec", {})  # type: ignore[no-any-return]
    spec = at(resource.inputs, POD_PATHS.get(resource.kind, "spec.template.spec"))
    return spec if isinstance(spec, Mapping) and "containers" in spec else None


def containers_of(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All containers of a pod, those that run first too."""
    for key in ("initContainers", "containers"):
        yield from (container for container in listed(pod.get(key)) if isinstance(container, Mapping))
