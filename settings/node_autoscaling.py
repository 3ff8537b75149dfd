"""Who adds and removes nodes between a pool's minNodes and maxNodes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.types import Section, described, kind_defaults_to


class NoNodeAutoscaling(Section):
    """No autoscaler: pools run minNodes nodes until the number is changed by hand."""

    kind: Literal["none"]


class ClusterAutoscalerSettings(Section):
    """The cluster-autoscaler, in a stack that has a pool with minNodes below maxNodes."""

    kind: Literal["clusterAutoscaler"] = "clusterAutoscaler"
    install: bool = described("install it where a pool can grow; false: the cluster has its own", default=True)
    scale_down_after_seconds: int = described(
        "how long a node is not needed before it goes, s", default=300, ge=10, le=86_400
    )


NodeAutoscaling = Annotated[
    ClusterAutoscalerSettings | NoNodeAutoscaling, Field(discriminator="kind"), kind_defaults_to("clusterAutoscaler")
]
