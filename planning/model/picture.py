"""What the preview shows beside the plan itself. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.nodes import RoomPlan


@dataclass(frozen=True)
class Quota:
    """A quota that is counted per account and region; `default`: what a new account has, None where it varies.

    `source`: where code, name and default were read on 2026-11-21.
    """

    code: str
    service: str
    name: str
    unit: str
    default: int | None
    source: str


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
    """How replicas would follow the declared traffic for a week, simulated as a fluid by the minute.

    `weekend` None: as weekdays. `usd_per_month` None: no price. `replicas_wanted`: most that the policy wanted.
    """

    slo_share: float
    gpu_hours_per_month: float
    usd_per_month: float | None
    replicas_wanted: int
    weekday: CurvePicture
    weekend: CurvePicture | None


@dataclass(frozen=True)
class ModelPicture:
    """`gpu_bytes`: usable memory of what one pod gets of a GPU, on the type that has least. Seconds: shortest and
    longest cold start on a node that is there, and with the node before it (None: no pod ever waits for one)."""

    gpu_bytes: int
    cold_start_seconds: tuple[float, float]
    new_node_seconds: tuple[float, float] | None
    room: RoomPlan
    traffic: TrafficPicture | None


@dataclass(frozen=True)
class PackingPicture:
    """Replicas packed on nodes; `left`: room that is left on each of so many nodes."""

    replicas: int
    nodes: int
    left: tuple[tuple[RoomPlan, int], ...]


@dataclass(frozen=True)
class PoolPicture:
    """`room` for pods on a node of the type that holds least, and how the models lie on the nodes. None: a pod fits no
    node."""

    room: RoomPlan
    at_fewest: PackingPicture | None
    at_most: PackingPicture | None


@dataclass(frozen=True)
class StackPicture:
    """`models` and `pools` in the plan's order; `quotas` at most nodes."""

    models: tuple[ModelPicture, ...]
    pools: tuple[PoolPicture, ...]
    quotas: tuple[QuotaNeed, ...]
