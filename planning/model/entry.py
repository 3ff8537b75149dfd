"""The way in through an Ingress, by proxies of the stack's own. Value types of the plan; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planning.model.gateway import GatewayPlan
from planning.model.pods import PodResources

# Of annotations that are ours, for our policies.
OWN_PREFIX = "vllm-on-eks"
# Annotation of an Ingress whose controller has no row in our table and whose stack file says that it is internal.
SAID_INTERNAL = f"{OWN_PREFIX}/internal"
# Annotation of every Ingress: its controller, which the name of its class does not tell.
SAID_CONTROLLER = f"{OWN_PREFIX}/controller"


@dataclass(frozen=True)
class RoutedModel:
    """A model as the proxies reach it: `api_path` at `port` of the Service of its name."""

    name: str
    namespace: str
    port: int
    api_path: str


@dataclass(frozen=True)
class RestrictionPlan:
    """An object of the controller's own kind that lets in listed addresses; annotations name it."""

    api_version: str
    kind: str
    fields: Mapping[str, object]
    """Beside apiVersion, kind and metadata."""


@dataclass(frozen=True)
class IngressPlan:
    """One Ingress of a class that the cluster has."""

    class_name: str
    controller: str
    """Row of planning/facts/ingress_controllers.csv; other: none."""
    annotations: Mapping[str, str]
    """Of the table's row and the user's own."""
    service_annotations: Mapping[str, str] = field(default_factory=dict)
    """What the controller reads at the Service behind an Ingress."""
    restriction: RestrictionPlan | None = None
    awaited: bool = False
    """Whether an update waits until its controller says where it is reached, and a destroy until what it made goes."""


@dataclass(frozen=True)
class NewCertificatePlan:
    """A certificate of AWS Certificate Manager that the stack makes, and the record by which ACM knows the host."""

    host: str
    hosted_zone_id: str
    """Public, of Route 53."""
    record_ttl_seconds: int
    annotation: str
    """Of the Ingress: where its controller reads the ARN, which is known when the certificate is issued."""


@dataclass(frozen=True)
class EntryPlan:
    """From an Ingress to the models: `gateway` says who may ask what; what is of Envoy Gateway alone is not read."""

    gateway: GatewayPlan
    models: tuple[RoutedModel, ...]
    ingress: IngressPlan
    certificate_arn: str | None
    """Of AWS Certificate Manager, where it is there; None: it is in a Secret, or the stack makes it."""
    callers: tuple[str, ...]
    """Namespaces whose pods hand requests on."""
    caller_ranges: tuple[str, ...]
    """Addresses that hand requests on, where no pods of the cluster do."""
    resources: PodResources
    """Of each proxy."""
    heap_bytes: int
    """Most memory that Envoy takes before it takes no more requests."""
    leaving_seconds: int
    """How long a proxy goes on after it was told to end, for answers that have begun."""
    grace_seconds: int
    """Until it is killed."""
    idle_seconds: int
    """How long a connection from the controller may carry nothing: longer than it keeps one itself."""
    most_connections: int
    """To each model, at once."""
    connect_seconds: int
    most_clients: int
    """Whose requests one proxy counts apart, the least recently seen forgotten first."""
    new_certificate: NewCertificatePlan | None = None
    """None: nothing is made in AWS Certificate Manager."""
    pull_secrets: tuple[str, ...] = ()
    """Secrets in the gateway's namespace with which the proxies' image is pulled."""
