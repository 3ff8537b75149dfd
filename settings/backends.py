"""What serves a model, and the operators that such a backend needs once per cluster."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from settings.environment import SecretEnv
from settings.matching import Matching
from settings.names import ObjectName
from settings.types import DnsLabel, Section, described


class Backend(StrEnum):
    """What makes a model's server pods; docs/backends.md says what each can do."""

    DEPLOYMENT = "deployment"
    KSERVE = "kserve"
    RAY = "ray"
    LLM_D = "llm-d"
    PRODUCTION_STACK = "production-stack"
    AIBRIX = "aibrix"
    KUBEAI = "kubeai"


OWN_SCALERS = frozenset({Backend.RAY.value, Backend.KUBEAI.value})
"""Backends that move the replicas of their models themselves: there `autoscaling.kind` is `backend` unless written."""

OWN_NAMES = frozenset({Backend.AIBRIX.value, Backend.KUBEAI.value})
"""Backends whose models clients call by the model's `name`: there `servedName` is that one unless written."""


class RoutingLogic(StrEnum):
    """Which replica a router sends a request to."""

    ROUND_ROBIN = "roundRobin"
    PREFIX_AWARE = "prefixAware"


class RouterSettings(Section):
    """A router in front of the model's replicas; its address stays the model's."""

    replicas: int = described("pods of the router", default=2, ge=1, le=20)
    logic: RoutingLogic = described(
        "roundRobin: the next one; prefixAware: the one that has seen the beginning of the prompt",
        default=RoutingLogic.PREFIX_AWARE,
    )


class CertManager(Section):
    """cert-manager, in a stack with a backend whose webhooks need certificates."""

    install: bool = described("install it where a backend needs it; false: the cluster has its own", default=True)
    namespace: DnsLabel = described("its namespace", default="cert-manager")


class Kserve(Section):
    """KServe's controller, for models of backend kserve."""

    install: bool = described(
        "install it where a model needs it; false: the cluster has its own, of the pinned version or newer",
        default=True,
    )
    namespace: DnsLabel = described("its namespace", default="kserve")


HostAndPort = Annotated[
    str,
    Matching(
        r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?:[0-9]{1,5}",
        "not a host and a port",
        "write <host>:<port> without a scheme, for example redis.example:6379",
    ),
]


class Redis(Section):
    """A Redis outside of the Ray clusters, where their heads keep what they know."""

    address: HostAndPort = described("<host>:<port>, reached without TLS")
    password: SecretEnv | None = described(
        "its password, in a Secret of each namespace with such models, {name: <Secret>, key: <key>}", default=None
    )


class Kuberay(Section):
    """KubeRay's operator, for models of backend ray."""

    install: bool = described(
        "install it where a model needs it; false: the cluster has its own, of the pinned version or newer",
        default=True,
    )
    namespace: DnsLabel = described("its namespace", default="kuberay")
    redis: Redis | None = described(
        "makes the heads fault tolerant; without it a head that ends takes its model's replicas with it", default=None
    )


class LeaderWorkerSets(Section):
    """The controller of LeaderWorkerSets, for models with nodes above 1."""

    install: bool = described(
        "install it where a model needs it; false: the cluster has its own, of the pinned version or newer",
        default=True,
    )
    namespace: DnsLabel = described("its namespace", default="lws-system")


class LoadBalancing(StrEnum):
    """Which of a model's servers KubeAI's proxy sends a request to."""

    PREFIX_HASH = "prefixHash"
    LEAST_LOAD = "leastLoad"


class Kubeai(Section):
    """KubeAI's controller and proxy, for models of backend kubeai; it lives in the namespace of its models."""

    replicas: int = described("pods of its proxy", default=2, ge=1, le=10)
    load_balancing: LoadBalancing = described(
        "prefixHash: requests that begin alike go to one server while it has room; leastLoad: the fewest in flight",
        default=LoadBalancing.PREFIX_HASH,
    )
    prefix_characters: int = described(
        "how many characters of the first user message count as its beginning", default=100, ge=1, le=100_000
    )


class Aibrix(Section):
    """AIBrix, which you install; for models of backend aibrix."""

    proxy_namespace: DnsLabel = described(
        "where the proxies of its Gateway run: that of the cluster's Envoy Gateway", default="envoy-gateway-system"
    )


class GatewayController(StrEnum):
    """What runs a Gateway of the cluster; planning/facts/inference_gateways.csv says which serve InferencePools."""

    ISTIO = "istio"
    KGATEWAY = "kgateway"
    AGENTGATEWAY = "agentgateway"
    ENVOY_AI_GATEWAY = "envoyAiGateway"
    ENVOY_GATEWAY = "envoyGateway"


class PickerFailure(StrEnum):
    """What the gateway does with a request while the endpoint picker does not answer; words of InferencePool."""

    FAIL_OPEN = "FailOpen"
    FAIL_CLOSE = "FailClose"


class InferenceGateway(Section):
    """A Gateway that the cluster has; the stack makes routes to it and nothing else of it."""

    name: ObjectName = described("name of the Gateway (gateway.networking.k8s.io/v1)")
    namespace: DnsLabel = described("its namespace, where its proxies run; its listeners let routes of models' in")
    controller: GatewayController = described("what runs it; one that does not serve InferencePools is refused")


class LlmD(Section):
    """The way to models of backend llm-d."""

    gateway: InferenceGateway | None = described("needed where a model is on backend llm-d", default=None)
    failure_mode: PickerFailure = described(
        "while the endpoint picker does not answer: FailOpen, any server; FailClose, refused",
        default=PickerFailure.FAIL_OPEN,
    )
