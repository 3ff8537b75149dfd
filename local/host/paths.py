"""Where things of the embedded platform are on this machine. Nothing here touches the file system."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Paths:
    """Folders of one platform. `state` is all that `down` removes; `cache` is all that it leaves."""

    repo: Path
    state: Path
    tools: Path
    cache: Path

    @property
    def run(self) -> Path:
        """Process records, ports, and what processes tell each other."""
        return self.state / "run"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        """Administrator of the platform's API server."""
        return self.state / "kubeconfig"

    @property
    def token_file(self) -> Path:
        """Bearer token that stands for every IAM identity the cluster lets in."""
        return self.pki / "eks-token"

    @property
    def tools_bin(self) -> Path:
        return self.tools / "bin"

    @property
    def env_file(self) -> Path:
        return self.state / "env"

    @property
    def services_file(self) -> Path:
        """Written by the simulated engine: [{namespace, name, port, url}]."""
        return self.run / "engine" / "services.json"


def platform_paths() -> Paths:
    """Paths of the platform of this checkout; VLLM_ON_EKS_LOCAL_DIR moves its state (a second one beside it)."""
    state = os.environ.get("VLLM_ON_EKS_LOCAL_DIR")
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Paths(
        repo=REPO,
        state=Path(state).expanduser().absolute() if state else REPO / ".local",
        tools=REPO / ".tools",
        cache=Path(cache).expanduser() / "vllm-on-eks",
    )
