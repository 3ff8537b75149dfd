"""The parts of a report that the plan fills: models, cost, nodes. `preview.report_model` puts them together."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict


def said(description: str) -> Any:
    """What the schema says of a key."""
    return Field(description=description)


class Fit(TypedDict):
    """GPU memory of one replica."""

    fits: Annotated[bool | None, said("null: the model is not in the table")]
    gpu_memory_gib: float
    budget_gib: float
    weights_gib_per_gpu: float | None
    activation_gib: float | None
    reserve_gib: float | None
    kv_cache_gib_per_gpu: float | None
    kv_cache_tokens: int | None
    max_concurrency: float | None
    longest_model_len: int | None


class Throughput(TypedDict):
    """Of one replica that always has more to do, on requests of these mean lengths; all to the factor range_factor.

    slo_*: of the most it takes with the promised share in SLO; idle_*: of a request alone.
    """

    input_tokens: int
    output_tokens: int
    declared: bool
    concurrency: float
    requests_per_second: float
    output_tokens_per_second: float
    total_tokens_per_second: float
    time_per_output_token_seconds: float
    limited_by: str
    slo_requests_per_second: float
    slo_share: float
    slo_share_alone: float
    idle_time_to_first_token_seconds: float
    idle_time_per_output_token_seconds: float
    prefill_tokens_per_second: float
    replicas_needed: int | None
    range_factor: float


class SloPart(TypedDict):
    """What is promised to a share of the requests."""

    time_to_first_token_seconds: float
    time_per_output_token_seconds: float
    share: float


class Curve(TypedDict):
    """A day: means of the rate and fewest ready replicas by so many minutes."""

    minutes: int
    requests_per_second: list[float]
    replicas: list[float]
    slo_share: float
    replica_hours: float


class Simulated(TypedDict):
    """A week of the declared traffic, no request drawn; python -m planning simulate draws them."""

    method: str
    slo_share: float
    gpu_hours_per_month: int
    usd_per_month: float | None
    replicas_wanted: int
    max_replicas: int
    weekday: Curve
    weekend: Curve | None


class TrafficPart(TypedDict):
    """The declared traffic."""

    requests_per_second: float
    input_tokens: int
    output_tokens: int
    shape: str
    slo: SloPart
    simulated: Simulated | None


class Term(TypedDict):
    """One part of a cold start."""

    name: str
    low_seconds: float
    high_seconds: float
    source: str


class StartPart(TypedDict):
    """Seconds of all its terms."""

    low: float
    high: float
    terms: list[Term]


class ColdStartPart(StartPart):
    """From a pod to its first answer."""

    on_new_node: Annotated[StartPart | None, said("what comes before on a new node, and the sums with it")]


class ModelPart(TypedDict):
    """One model."""

    name: str
    namespace: str
    model: str
    revision: str
    source: str
    pool: str
    gpu: str | None
    gpus_per_replica: int
    gpu_share: Annotated[str | None, said("what one of them is where GPUs are shared")]
    max_model_len: int
    fit: Fit
    throughput: Throughput | None
    traffic: TrafficPart | None
    cold_start_seconds: ColdStartPart
    scaling: Annotated[dict[str, Any], said("the autoscaler, as the plan has it")]


class Money(TypedDict):
    """Dollars at fewest and most nodes."""

    usd_per_hour_min: float | None
    usd_per_hour_max: float | None
    usd_per_month_min: float | None
    usd_per_month_max: float | None


class CostLinePart(TypedDict):
    """What is billed by the hour."""

    what: str
    min_usd_per_hour: float | None
    max_usd_per_hour: float | None
    source: str


class SpotPart(TypedDict):
    """A pool at what spot has cost."""

    min_low_usd_per_hour: float
    min_high_usd_per_hour: float
    max_low_usd_per_hour: float
    max_high_usd_per_hour: float
    source: str


class PoolCostPart(Money):
    """One pool of GPU nodes."""

    pool: str
    spot: SpotPart | None


class ModelCostPart(Money):
    """One model's share of its pool."""

    name: str
    namespace: str
    pool: str
    usd_per_million_tokens_at_traffic: float | None
    usd_per_million_tokens_saturated: float | None
    mean_replicas_at_traffic: float | None


class OnSpot(TypedDict):
    """The stack's month with its spot pools at what spot has cost."""

    min_low: float
    min_high: float
    max_low: float
    max_high: float


class BudgetPart(TypedDict):
    """The ceiling that the stack file names, and how much of it is used."""

    usd_per_hour: float
    usd_per_month: float
    written: str
    used_min: float
    used_max: float


class Cost(Money):
    """Dollars of the whole stack."""

    lines: list[CostLinePart]
    pools: list[PoolCostPart]
    models: list[ModelCostPart]
    usd_per_month_on_spot: OnSpot | None
    budget: BudgetPart | None


class RoomPart(TypedDict):
    """What pods can request."""

    gpus: int
    cpu_millicores: int
    memory_mib: int
    ephemeral_mib: int


class PodPart(RoomPart):
    """One replica of a model."""

    model: str


class LeftOnNodes(RoomPart):
    """Room that is left on each of so many nodes."""

    nodes: int


class PackingPart(TypedDict):
    """Replicas packed on nodes."""

    replicas: int
    nodes: int
    left: list[LeftOnNodes]


class LeftOnNode(TypedDict):
    """So many nodes on which so much is used."""

    nodes: int
    gpus_used: int
    pods_more: int
    left: RoomPart


class NodeRoomPart(TypedDict):
    """Where a node's size goes: total = system + daemons + room_per_node; images share its disk."""

    pool: str
    instance_type: str
    total: RoomPart
    system: RoomPart
    daemons: RoomPart
    images_mib: int
    left: list[LeftOnNode]


class SparePart(TypedDict):
    """Nodes that are kept free. Seconds: from a new replica's pod to its first answer; null: no model, no price."""

    nodes: int
    usd_per_month: float | None
    seconds: list[float] | None
    without_seconds: Annotated[list[float] | None, said("on a node that has to be bought")]


_CAPACITY = r"^(onDemand|spot|karpenter: \w+(, \w+)*|(reservation|capacityBlock) (cr-[0-9a-f]+|arn:\S+))$"


class PoolNodesPart(TypedDict):
    """One pool of GPU nodes."""

    pool: str
    instance_types: list[str]
    capacity: Annotated[str, Field(pattern=_CAPACITY)]
    gpu: str | None
    gpus_per_node: int
    min_nodes: int
    max_nodes: int
    image: Annotated[str, said("EKS' AMI type, and its release where one is pinned")]
    sharing: Annotated[str | None, said("how GPUs are divided among pods; null: they are not")]
    advertised_per_node: Annotated[int, said("nvidia.com/gpu: GPUs, or shares of them")]
    room_per_node: RoomPart
    node: NodeRoomPart | None
    stranded: Annotated[
        RoomPart | None, said("left on all nodes at most replicas where no pod of the pool's models fits any more")
    ]
    spare: Annotated[SparePart | None, said("placeholders keep them; null: none")]
    pods: list[PodPart]
    at_fewest: PackingPart | None
    at_most: PackingPart | None
