"""Charts, images and add-ons, each pinned once.

Digests that are None are not known here: this table was made without access to the registries. Get one with
`crane digest docker.io/vllm/vllm-openai:v0.33.0` (or `docker buildx imagetools inspect`) and put it in the stack file
(`models[].image.digest`) or below. `# renovate:` lines let Renovate's regex manager move the pins; it reads the
registry of a chart from `repository=` beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.registry import ImageMirror, PullThroughPlan
from planning.versions.cached import cached


@dataclass(frozen=True)
class ImagePin:
    """An image: `repository` as Docker writes it, a tag, and the digest where it is known."""

    repository: str
    tag: str
    digest: str | None
    source: str


@dataclass(frozen=True)
class EnginePin:
    """What serves: `image`, the vLLM in it (None: the tag says it), and the user that it is made for."""

    image: ImagePin
    vllm: str | None
    user_id: int
    group_id: int
    source: str


@dataclass(frozen=True)
class ChartPin:
    """A Helm chart of an https repository, or of an oci:// one, in which it is `<repository>/<chart>`."""

    chart: str
    version: str
    repository: str
    source: str


VLLM = ImagePin(
    repository="vllm/vllm-openai",
    # renovate: datasource=docker depName=vllm/vllm-openai
    tag="v0.33.0",
    digest=None,
    source="PyPI vllm 0.33.0, 2026-11-21; the image tag is v<version>",
)

# Of backend ray: another vLLM than ours, see ENGINES.
RAY_LLM = ImagePin(
    repository="rayproject/ray-llm",
    # renovate: datasource=docker depName=rayproject/ray-llm versioning=docker
    tag="2.56.0-py312-cu130",
    digest=None,
    source="docs.ray.io 2.56.0; the tag is <Ray>-<Python>-<CUDA>; not looked up, the registries cannot be reached here",
)

CUDA_BASE = ImagePin(
    repository="nvidia/cuda",
    # renovate: datasource=docker depName=nvidia/cuda versioning=docker
    tag="13.0.3-base-ubuntu24.04",
    digest=None,
    source="base image named in docker/Dockerfile of vLLM 0.33.0; needs driver >= 580, which the EKS AMIs have",
)

# What holds a spare node: it sleeps. The kubelet's own comes with the node and has no name that a mirror knows.
PAUSE = ImagePin(
    repository="registry.k8s.io/pause",
    # renovate: datasource=docker depName=registry.k8s.io/pause
    tag="3.10",
    digest="sha256:ee6521f290b2168b6e0935a181d4cff9be1ac3f505666ef0e3c98fae8199917a",
    source="index of four architectures; the digest as others pin it (ten repositories, read 2026-11-28)",
)

# Of backend production-stack; its chart says latest.
VLLM_ROUTER = ImagePin(
    repository="lmcache/lmstack-router",
    # renovate: datasource=docker depName=lmcache/lmstack-router
    tag="v0.1.12",
    digest=None,
    source="vllm-project/production-stack vllm-stack-0.1.12, .github/workflows/helm-release.yml: v<chart version>",
)

# Of backend llm-d; its chart says main.
ENDPOINT_PICKER = ImagePin(
    repository="ghcr.io/llm-d/llm-d-router-endpoint-picker",
    # renovate: datasource=docker depName=ghcr.io/llm-d/llm-d-router-endpoint-picker
    tag="v0.10.0",
    digest=None,
    source="llm-d/llm-d-router v0.10.0 (71f4f0999f, 2026-08-17), config/charts/routerlib/values.yaml: repository; the "
    "tag is the release's; not looked up, the registries cannot be reached here",
)

# Of the Job that brings kube-prometheus-stack's definitions; not looked up, the registries cannot be reached here.
BUSYBOX = ImagePin(
    repository="busybox",
    # renovate: datasource=docker depName=busybox
    tag="1.37.0",
    digest=None,
    source="busybox 1.37.0, 2024-09-27",
)
KUBECTL = ImagePin(
    repository="kubectl",
    # renovate: datasource=docker depName=registry.k8s.io/kubectl
    tag="v1.35.0",
    digest=None,
    source="Kubernetes 1.35.0; `kubectl apply --server-side` of definitions only, for clusters of any version here",
)

# By the name that planning/facts/backends.csv has for it.
ENGINES = {
    "vllm": EnginePin(VLLM, None, 10001, 10001, "any user will do: components/security.py"),
    "ray-llm": EnginePin(
        RAY_LLM,
        "0.22.0",
        1000,
        100,
        "PyPI ray 2.56.0: Requires-Dist vllm[audio]==0.22.0 of extra llm; ray docker/base-deps/Dockerfile: user "
        "ray, 1000:100, and Python in its home, which others cannot read",
    ),
}

CHARTS = {
    pin.chart: pin
    for pin in (
        ChartPin(
            chart="gpu-operator",
            # renovate: datasource=helm depName=gpu-operator
            version="v26.7.0",
            repository="https://helm.ngc.nvidia.com/nvidia",
            source="NVIDIA/gpu-operator tag v26.7.0, 2026-08-20",
        ),
        ChartPin(
            chart="kube-prometheus-stack",
            # renovate: datasource=helm depName=kube-prometheus-stack
            version="88.5.3",
            repository="https://prometheus-community.github.io/helm-charts",
            source="prometheus-community/helm-charts, 2026-08",
        ),
        ChartPin(
            chart="prometheus-adapter",
            # renovate: datasource=helm depName=prometheus-adapter
            version="5.3.0",
            repository="https://prometheus-community.github.io/helm-charts",
            source="prometheus-community/helm-charts, 2026-08",
        ),
        ChartPin(
            chart="keda",
            # renovate: datasource=helm depName=keda
            version="2.20.2",
            repository="https://kedacore.github.io/charts",
            source="kedacore/charts tag v2.20.2, 2026-07-31",
        ),
        ChartPin(
            chart="external-secrets",
            # renovate: datasource=helm depName=external-secrets
            version="2.9.0",
            repository="https://charts.external-secrets.io",
            source="external-secrets/external-secrets tag helm-chart-2.9.0 (cc5bfbc223), 2026-08-08",
        ),
        ChartPin(
            chart="aws-load-balancer-controller",
            # renovate: datasource=helm depName=aws-load-balancer-controller
            version="3.5.0",
            repository="https://aws.github.io/eks-charts",
            source="kubernetes-sigs/aws-load-balancer-controller tag v3.5.0 (11eb202c97), helm/, 2026-08-03",
        ),
        ChartPin(
            chart="cluster-autoscaler",
            # renovate: datasource=helm depName=cluster-autoscaler
            version="9.59.0",
            repository="https://kubernetes.github.io/autoscaler",
            source="kubernetes/autoscaler charts/cluster-autoscaler 9.59.0 (appVersion 1.35.0), 2026-11-21",
        ),
        ChartPin(
            chart="karpenter-crd",
            # renovate: datasource=docker depName=public.ecr.aws/karpenter/karpenter-crd
            version="1.14.1",
            repository="oci://public.ecr.aws/karpenter",
            source="aws/karpenter-provider-aws tag v1.14.1, 2026-08-20",
        ),
        ChartPin(
            chart="karpenter",
            # renovate: datasource=docker depName=public.ecr.aws/karpenter/karpenter
            version="1.14.1",
            repository="oci://public.ecr.aws/karpenter",
            source="aws/karpenter-provider-aws tag v1.14.1, 2026-08-20",
        ),
        ChartPin(
            chart="vllm-stack",
            # renovate: datasource=helm depName=vllm-stack
            version="0.1.12",
            repository="https://vllm-project.github.io/production-stack",
            source="vllm-project/production-stack tag vllm-stack-0.1.12, 2026-07-24",
        ),
        ChartPin(
            chart="cert-manager",
            # renovate: datasource=helm depName=cert-manager
            version="v1.21.1",
            repository="https://charts.jetstack.io",
            source="cert-manager/cert-manager tag v1.21.1, 2026-07-29",
        ),
        ChartPin(
            chart="opencost",
            # renovate: datasource=helm depName=opencost
            version="2.5.17",
            repository="https://opencost.github.io/opencost-helm-chart",
            source="opencost/opencost-helm-chart, chart 2.5.17 (opencost 1.120.1), 2026-04-28",
        ),
        ChartPin(
            chart="opentelemetry-collector",
            # renovate: datasource=helm depName=opentelemetry-collector
            version="0.170.0",
            repository="https://open-telemetry.github.io/opentelemetry-helm-charts",
            source="open-telemetry/opentelemetry-helm-charts, chart 0.170.0 (collector 0.158.0), 2026-08",
        ),
        ChartPin(
            chart="gateway-helm",
            # renovate: datasource=docker depName=envoyproxy/gateway-helm
            version="v1.9.0",
            repository="oci://docker.io/envoyproxy",
            source="envoyproxy/gateway tag v1.9.0, 2026-08-15",
        ),
        ChartPin(
            chart="kubeai",
            # renovate: datasource=helm depName=kubeai
            version="0.21.0",
            repository="https://www.kubeai.org",
            source="substratusai/kubeai tag v0.21.0 (6babe2c95c), 2025-05-24; the newest of its index.yaml",
        ),
        ChartPin(
            chart="argo-rollouts",
            # renovate: datasource=helm depName=argo-rollouts
            version="2.41.0",
            repository="https://argoproj.github.io/argo-helm",
            source="argoproj/argo-helm tag argo-cd-10.1.1 (af0a9310ba), 2026-07-02: argo-rollouts v1.9.0",
        ),
        ChartPin(
            chart="lws",
            # renovate: datasource=docker depName=registry.k8s.io/lws/charts/lws
            version="0.7.0",
            repository="oci://registry.k8s.io/lws/charts",
            source="kubernetes-sigs/lws tag v0.7.0 (cd3a73a3f5), charts/lws; the newest whose module was built here",
        ),
        ChartPin(
            chart="kuberay-operator",
            # renovate: datasource=helm depName=kuberay-operator
            version="1.7.0",
            repository="https://ray-project.github.io/kuberay-helm",
            source="ray-project/kuberay tag v1.7.0 (59d663aeec), 2026-08-19",
        ),
        ChartPin(
            chart="kserve-crd",
            # renovate: datasource=docker depName=ghcr.io/kserve/charts/kserve-crd
            version="v0.20.0",
            repository="oci://ghcr.io/kserve/charts",
            source="kserve/kserve tag v0.20.0, 2026-08-06",
        ),
        ChartPin(
            chart="kserve-resources",
            # renovate: datasource=docker depName=ghcr.io/kserve/charts/kserve-resources
            version="v0.20.0",
            repository="oci://ghcr.io/kserve/charts",
            source="kserve/kserve tag v0.20.0, 2026-08-06",
        ),
    )
}

# Envoy as Envoy Gateway of the pinned chart runs it (api/v1alpha1/shared_types.go, DefaultEnvoyProxyImage).
PROXY_IMAGE = "docker.io/envoyproxy/envoy:distroless-v1.39.0"


def mirrored(image: str, mirror: ImageMirror | None) -> str:
    """A registry, repository or image where `mirror` has it; unchanged without one or when it is there already.

    A mirror has all: `nvcr.io/nvidia` -> `<mirror>/nvcr.io/nvidia`. Docker Hub's images are written without host
    (`vllm/vllm-openai`), so `docker.io` becomes the mirror itself. A cache has some registries, each below a prefix of
    its own: `quay.io/prometheus` -> `<host>/prod/quay/prometheus`; images of the others stay where they are.
    """
    if isinstance(mirror, PullThroughPlan):
        return cached(image, mirror)
    if not mirror or image.startswith(f"{mirror}/"):
        return image
    return mirror if image == "docker.io" else f"{mirror}/{image}"


def image_reference(pin: ImagePin, mirror: ImageMirror | None) -> str:
    """mirror/repository:tag[@digest]."""
    digest = f"@{pin.digest}" if pin.digest else ""
    return mirrored(f"{pin.repository}:{pin.tag}{digest}", mirror)
