"""What stands in front of a model's servers. Value types of the plan; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planning.model.pods import PodResources
from planning.model.services import ChartRef


@dataclass(frozen=True)
class RouterPlan:
    """A router in front of a model's servers."""

    chart: ChartRef
    repository: str
    tag: str
    replicas: int
    resources: PodResources
    logic: str
    """In the router's own words."""
    api_server_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    """Where the API server is reached, which tells it the servers."""
    timeout_seconds: int = 600


@dataclass(frozen=True)
class PickerPlan:
    """The endpoint picker of a model's InferencePool, and the Gateway that asks it."""

    image: str
    resources: PodResources
    gateway: str
    gateway_namespace: str
    failure_mode: str
    """FailOpen or FailClose: what the gateway does while the picker does not answer."""
    request_timeout_seconds: int
    scorers: Mapping[str, int]
    """Plugin -> weight: what a server's score is added up from."""
    grace_seconds: int
    """How long a picker that ends may carry streams."""
    api_server_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    """Where the API server is reached, which tells it the servers."""
