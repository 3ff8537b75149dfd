"""What the platform's charts take out of pinned modules: definitions for our stand-ins, and vendors' own charts.

Programs of the same modules: table.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from local.build.table import (
    ARGO_ROLLOUTS,
    CRD_MODULE,
    ENVOY_GATEWAY,
    EXTERNAL_SECRETS,
    INFERENCE,
    KARPENTER,
    KEDA,
    KSERVE,
    KUBERAY,
    LWS,
    PLATFORM,
)


@dataclass(frozen=True)
class DefinitionFiles:
    """Custom resource definitions out of a pinned module, for the stand-in chart that brings them."""

    chart: str
    folder: str
    """Below tools/, with the go.mod that pins the module."""
    module: str
    path: str
    """Folder inside the module."""
    need: str
    into: str = "crds"
    """Folder of the chart. `templates` where the vendor's release updates them and takes them away with itself."""
    files: str = "**/*.yaml"
    """Which of the folder's files: patterns, apart by spaces."""
    kind: str = "CustomResourceDefinition"
    """What is taken out of them."""
    groups_left: tuple[str, ...] = ()
    """API groups that stay when the release goes: Helm never deletes what a chart has in its folder `crds`, nor what is
    kept."""
    kept: bool = False
    """Whether the vendor's templates say `helm.sh/resource-policy: keep`, by our values."""


DEFINITIONS: tuple[DefinitionFiles, ...] = (
    DefinitionFiles(
        "kube-prometheus-stack",
        PLATFORM,
        CRD_MODULE,
        "example/prometheus-operator-crd",
        "platform",
        groups_left=("monitoring.coreos.com",),
    ),
    DefinitionFiles("keda", "keda", KEDA, "config/crd/bases", "keda", "templates"),
    DefinitionFiles(
        "external-secrets", "external-secrets", EXTERNAL_SECRETS, "config/crds/bases", "external-secrets", "templates"
    ),
    DefinitionFiles(
        "gateway-helm",
        "envoy-gateway",
        ENVOY_GATEWAY,
        "charts/gateway-helm/charts/crds/crds",
        "gateway",
        groups_left=("gateway.envoyproxy.io", "gateway.networking.k8s.io", "gateway.networking.x-k8s.io"),
    ),
    DefinitionFiles("karpenter-crd", "karpenter", KARPENTER, "pkg/apis/crds", "karpenter", "templates"),
    DefinitionFiles(
        "argo-rollouts",
        "argo-rollouts",
        ARGO_ROLLOUTS,
        "manifests/crds",
        "rollouts",
        "templates",
        groups_left=("argoproj.io",),
        kept=True,
    ),
    DefinitionFiles(
        "kserve-crd",
        "kserve",
        KSERVE,
        "config/crd/full",
        "kserve",
        "templates",
        "*.yaml clusterstoragecontainer/*.yaml",
    ),
    DefinitionFiles(
        "kuberay-operator",
        "kuberay",
        KUBERAY,
        "config/crd/bases",
        "kuberay",
        files="*.yaml",
        groups_left=("ray.io",),
    ),
    # Applied by hand: no chart of ours brings them.
    DefinitionFiles(
        "inference-extension", "endpoint-picker", INFERENCE, "config/crd/bases", "llm-d", files="*.k8s.io_*.yaml"
    ),
    # No definitions: what its controller is told where our values say nothing.
    DefinitionFiles("kserve-resources", "kserve", KSERVE, "config/configmap", "kserve", "files", kind="ConfigMap"),
)


@dataclass(frozen=True)
class ModuleChart:
    """A vendor's own chart out of the module of its program: nothing stands in for it."""

    chart: str
    folder: str
    """Below tools/, with the go.mod that pins the module."""
    module: str
    path: str
    """Folder inside the module."""
    need: str


MODULE_CHARTS: tuple[ModuleChart, ...] = (ModuleChart("lws", "lws", LWS, "charts/lws", "lws"),)
"""Of the others the module has another version than a stack installs, or the chart needs a Job whose container runs
(the certificates of gateway-helm)."""
