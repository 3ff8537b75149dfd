"""What the preview shows beside the plan itself. Value types of the plan; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planning.model.nodes import RoomPlan


@dataclass(frozen=True)
class Quota:
    """A quota that is counted per account and region."""

    code: str
    service: str
    name: str
    unit: str
    default: int | None
    """What a new account has; None where it varies."""
    source: str
    """Where code, name and default were read on 2026-11-21."""


@dataclass(frozen=True)
class QuotaNeed:
    """How much of a quota a stack needs, and for what."""

    quota: Quota
    needed: int
    used_by: tuple[str, ...]


@dataclass(frozen=True)
class CurvePicture:
    """A day from midnight: means of the rate (requests/s) and fewest ready replicas by so many minutes."""

    minutes: int
    requests_per_second: tuple[float, ...]
    replicas: tuple[int, ...]
    slo_share: float
    replica_hours: float


@dataclass(frozen=True)
class TrafficPicture:
    """How replicas would follow the declared traffic for a week, simulated as a fluid by the minute."""

    slo_share: float
    gpu_hours_per_month: float
    usd_per_month: float | None
    """None: no price."""
    replicas_wanted: int
    """The most that the policy asked for."""
    weekday: CurvePicture
    weekend: CurvePicture | None
    """None: as weekdays."""


@dataclass(frozen=True)
class ModelPicture:
    """What is shown of a model beside its plan."""

    gpu_bytes: int
    """Usable memory of what one pod gets of a GPU, on the type that has least."""
    cold_start_seconds: tuple[float, float]
    """Shortest and longest, on a node that exists."""
    new_node_seconds: tuple[float, float] | None
    """The same with the node before it; None: no pod ever waits for one."""
    room: RoomPlan
    traffic: TrafficPicture | None


@dataclass(frozen=True)
class PackingPicture:
    """Replicas packed on nodes."""

    replicas: int
    nodes: int
    left: tuple[tuple[RoomPlan, int], ...]
    """Room that is left on each of so many nodes."""


@dataclass(frozen=True)
class SparePicture:
    """What a pool's spare nodes cost, and what they are for."""

    nodes: int
    usd_per_month: float | None
    """Of all of them; None: no price."""
    seconds: tuple[float, float] | None
    """From a new replica's pod to its first answer on one, over the pool's models; None: it has none."""
    without_seconds: tuple[float, float] | None
    """The same on a node that has to be bought."""


@dataclass(frozen=True)
class PoolPicture:
    """Room on a node of the type that holds least, and how the models lie on the nodes."""

    room: RoomPlan
    """For pods."""
    at_fewest: PackingPicture | None
    """None: a pod fits no node."""
    at_most: PackingPicture | None
    """None: a pod fits no node."""
    spare: SparePicture | None = None
    """None: no node is kept free."""


@dataclass(frozen=True)
class AwayPicture:
    """A model that nothing serves while its one replica moves, s."""

    model: str
    low_seconds: float
    high_seconds: float


@dataclass(frozen=True)
class RollPicture:
    """How a pool's nodes, or the pods of a Deployment, would be replaced."""

    kind: str
    """nodes or pods."""
    name: str
    """Of the pool, or of the Deployment."""
    namespace: str
    """Of the Deployment; empty for a pool."""
    count: tuple[int, int]
    """At fewest and at most."""
    at_once: int
    first_new: bool
    """New ones start before old ones leave."""
    seconds: tuple[float, float]
    away: tuple[AwayPicture, ...]
    drain_seconds: float
    """Longest drain of one node."""
    canary: tuple[tuple[int, int], ...] = ()
    """Share of new pods, %, and how long it is observed, s; empty: no canary."""


@dataclass(frozen=True)
class MovePicture:
    """What a model would need to come to its backend from another, beside the servers that run."""

    model: str
    pool: str
    new_servers: int
    """That start before the old ones leave."""
    gpus: int
    """Of all of those."""
    fewest: int
    """Replicas that its autoscaler holds at least."""
    fits_at_fewest: bool
    """Room for them in the pool at most nodes, while its models have their fewest replicas."""
    fits_at_most: bool
    """The same with all of their replicas."""
    on_one_node: bool
    """A volume holds all pods on its node."""
    exact: bool
    """The number of replicas does not move."""
    seconds: tuple[float, float]
    """Until the new ones are Ready, s."""


@dataclass(frozen=True)
class StepTimePicture:
    """How long a step of an update takes that the plan has no figures of, s."""

    step: str
    low_seconds: float | None
    """None: not known."""
    high_seconds: float | None
    """None: not known."""
    source: str


@dataclass(frozen=True)
class StackPicture:
    """All that is shown of a stack beside its plan."""

    models: tuple[ModelPicture, ...]
    """In the plan's order."""
    pools: tuple[PoolPicture, ...]
    """In the plan's order."""
    quotas: tuple[QuotaNeed, ...]
    """At most nodes."""
    rolls: tuple[RollPicture, ...] = ()
    """The system group's, then pools', then models'."""
    step_times: tuple[StepTimePicture, ...] = ()
    eviction_seconds: float = 0.0
    """So long EKS waits for the pods of a node that it replaces."""
    moves: tuple[MovePicture, ...] = ()
    """In the models' order."""
    api_paths: Mapping[str, str] = field(default_factory=dict)
    """What stands before chat/completions at a model's address, by backend."""
