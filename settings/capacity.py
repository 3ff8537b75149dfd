"""How EC2 sells the nodes of a managed pool."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from settings.findings import WrongValue
from settings.names import CapacityReservationGroupArn, CapacityReservationId
from settings.problems import meant_or_known
from settings.types import Section, described


class CapacityKind(StrEnum):
    """What a word alone may say."""

    ON_DEMAND = "onDemand"
    SPOT = "spot"


class OnDemand(Section):
    """Bought when a node starts, by the second, where EC2 has one left."""

    kind: Literal["onDemand"] = "onDemand"


class Spot(Section):
    """Bought when a node starts; AWS takes it back when it wants to."""

    kind: Literal["spot"] = "spot"


class Reservation(Section):
    """Taken from an on-demand capacity reservation, which is billed with nodes and without."""

    kind: Literal["reservation"]
    id: CapacityReservationId | None = described("the reservation; where it is full, nodes do not start", default=None)
    resource_group_arn: CapacityReservationGroupArn | None = described(
        "instead of id: a resource group of reservations; where all are full, nodes are on-demand ones", default=None
    )

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.id is None) == (self.resource_group_arn is None):
            said = "neither" if self.id is None else "both"
            raise WrongValue(
                f"{said} of id and resourceGroupArn",
                "write id: cr-... of one reservation, or resourceGroupArn of a group of several",
            )
        return self


class CapacityBlock(Section):
    """Taken from a Capacity Block for ML: GPUs of one zone, paid in advance, that go on its last day."""

    kind: Literal["capacityBlock"]
    id: CapacityReservationId = described("the Capacity Block: cr-...")


def _word(value: Any) -> Any:
    if isinstance(value, dict | Section):
        return value
    if isinstance(value, str) and value in set(CapacityKind):
        return {"kind": str(value)}
    hint = meant_or_known(value, CapacityKind) + " or " if isinstance(value, str) else ""
    raise WrongValue(
        "not a capacity",
        f"{hint}write onDemand, spot, {{kind: reservation, id: cr-...}} or {{kind: capacityBlock, id: cr-...}}",
    )


PoolCapacity = Annotated[
    OnDemand | Spot | Reservation | CapacityBlock,
    Field(discriminator="kind"),
    BeforeValidator(_word, json_schema_input_type=CapacityKind | OnDemand | Spot | Reservation | CapacityBlock),
]
"""`onDemand` and `spot` may be written as words."""
