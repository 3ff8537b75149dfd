"""What a pool's models ask of its nodes, and how many nodes that is: packed once, read by all who count nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from planning.nodes.fit import Packing, Room, pack


@dataclass(frozen=True)
class PodDemand:
    """One model's replicas: how many at least and at most, of `pods` pods of that size each."""

    name: str
    room: Room
    fewest: int
    most: int
    pods: int = 1


@dataclass(frozen=True)
class PoolDemand:
    """The models of a pool, and `node`: what pods may request of the smallest node it may get."""

    node: Room
    models: tuple[PodDemand, ...] = ()

    @cached_property
    def at_least(self) -> Packing | None:
        """Of the fewest replicas; None where a pod fits no node."""
        return self._pack(lambda model: model.fewest)

    @cached_property
    def at_most(self) -> Packing | None:
        """Of most replicas; None where a pod fits no node."""
        return self._pack(lambda model: model.most)

    @cached_property
    def fewest_nodes(self) -> int:
        """Nodes of the fewest replicas. A pod that fits no node, whose estimate the user knows better, has one."""
        return self._nodes(self.at_least, lambda model: model.fewest)

    def most_nodes(self, further: int = 0) -> int:
        """Nodes of most replicas and so many further ones of each model."""
        packed = None if further else self.at_most
        return self._nodes(packed, lambda model: model.most + further)

    def _pack(self, replicas: Callable[[PodDemand], int]) -> Packing | None:
        return pack([(model.room, replicas(model) * model.pods) for model in self.models], self.node)

    def _nodes(self, packed: Packing | None, replicas: Callable[[PodDemand], int]) -> int:
        if packed is None:
            held = tuple(replace(model, room=model.room.within(self.node)) for model in self.models)
            packed = PoolDemand(self.node, held)._pack(replicas)
        return packed.nodes if packed else 0
