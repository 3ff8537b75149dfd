"""What stands beside a server in its pod, and takes its share of the node."""

from __future__ import annotations

from planning.nodes.fit import Room
from settings.models import Model
from settings.shared_files import keeps_compiled

# A Python that waits, and packs 15 to 100 MB once: an estimate, with room.
KEEPER = Room(gpus=0, cpu_millicores=20, memory_mib=128, ephemeral_mib=64)


def beside_the_server(model: Model) -> Room:
    """What the sidecar takes of a pod's node."""
    return KEEPER if keeps_compiled(model) else Room(0, 0, 0, 0)
