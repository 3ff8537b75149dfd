"""Who makes AWS' load balancers for a gateway. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field

from planning.model.cloud import Tags
from planning.model.registry import ImageMirror
from planning.model.services import AddonNetworkPlan, ChartRef


@dataclass(frozen=True)
class LoadBalancerControllerPlan:
    """AWS Load Balancer Controller's release and the AWS role of its pods."""

    chart: ChartRef
    namespace: str
    cluster_name: str
    region: str
    partition: str
    replicas: int
    """One per system node, two at most."""
    ingress_class: str
    """The IngressClass that its release makes."""
    gateway_namespace: str
    """Where the Ingress, or the Service of a network load balancer, is; the Ingresses of others are not asked about."""
    tags: Tags
    """AWS tags of all that it makes."""
    scrape_interval_seconds: int
    mirror: ImageMirror | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = field(default_factory=AddonNetworkPlan)
