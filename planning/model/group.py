"""A replica on several nodes. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GroupPlan:
    """Each replica is a group of a LeaderWorkerSet: a leader, which answers requests, and workers."""

    name: str
    """Of the LeaderWorkerSet, of the headless Service by which workers find their leader, and how its pods begin."""
    pods: int
    """Of one group, the leader among them; each takes a whole node."""
    leader_args: tuple[str, ...]
    """After the model's own; `$(NAME)` is a variable of the container."""
    worker_args: tuple[str, ...]
    rendezvous_port: int
    """Of the leader, where the processes of a group find each other; open as long as the leader's engine lives."""
    ports: tuple[int, int]
    """First and last TCP port that pods of a group open to each other."""
    network_gbps: float
    """Between its nodes, all the time."""
    leave_seconds: int
    """Most that a worker stays for its leader's requests."""
