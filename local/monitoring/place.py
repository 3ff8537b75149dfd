"""Where a real program runs, and what it needs there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.control_plane.certificates import Pki
from local.host.paths import Paths
from local.host.processes import ProcessSpec
from local.monitoring import rewrites
from local.monitoring.mounts import Files
from local.monitoring.programs import Program

HOST = rewrites.HOST


@dataclass(frozen=True)
class Wanted:
    """A program as it should run now."""

    spec: ProcessSpec
    files: Mapping[Path, bytes] = field(default_factory=dict)
    """Written before the start."""
    owned: Path | None = None
    """Folder in which there is nothing but `files`."""
    data: Path | None = None
    """Folder in which the program keeps its data; others beside it are of storage that is gone."""
    reload_url: str | None = None
    """Asked with POST when files changed and the process need not be started again."""


@dataclass(frozen=True)
class Place:
    """The platform a program is started on."""

    paths: Paths
    pki: Pki
    ports: Mapping[str, int]
    storage: str = "none"

    def data(self, program: str) -> Path:
        return self.folder(program) / "data" / self.storage

    def folder(self, program: str) -> Path:
        """All that a program keeps; it goes with the platform's other state."""
        return self.paths.state / "programs" / program

    def here(self, program: str) -> rewrites.Here:
        return rewrites.Here(
            self.folder(program) / "root", self.paths.kubeconfig, self.ports["pod-network"], self.ports["alertmanager"]
        )

    def binary(self, program: str) -> str:
        return str(self.paths.tools_bin / program)

    @property
    def cluster_names(self) -> dict[str, str]:
        """Environment of a program that calls Services by name: the pod network stands for the cluster's DNS.

        Programs in Go never send requests for 127.0.0.1 to a proxy.
        """
        proxy = f"http://{HOST}:{self.ports['pod-network']}"
        return {"HTTP_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost", "http_proxy": proxy}

    @property
    def grpc_names(self) -> dict[str, str]:
        """The same for one that dials them by gRPC or TLS; what is no Service is refused, so nothing leaves here.

        gRPC in Go asks for the proxy of an https URL, whatever it speaks (internal/transport/proxy.go).
        """
        return {"HTTPS_PROXY": f"http://{HOST}:{self.ports['pod-network-names']}"}


def rooted(place: Place, program: Program, files: Files) -> dict[Path, bytes]:
    """Where the files of a container's volumes are on this machine."""
    root = place.folder(program.name) / "root"
    return {root / path.lstrip("/"): content for path, content in files.items()}
