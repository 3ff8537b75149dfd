"""A Service of type LoadBalancer is told a host name once."""

from __future__ import annotations

from types import SimpleNamespace as Object
from typing import Any

from local.nodes.balancers import SCHEME, reconcile_balancers


class Core:
    """The API server as it is asked; remembers what was written."""

    def __init__(self, *services: Any) -> None:
        self.services, self.written = services, {}

    def list_service_for_all_namespaces(self, field_selector: str) -> Any:
        assert field_selector == "spec.type=LoadBalancer"
        return Object(items=self.services)

    def patch_namespaced_service_status(self, name: str, namespace: str, body: Any) -> None:
        self.written[name] = body["status"]["loadBalancer"]["ingress"][0]["hostname"]


def _service(name: str, scheme: str = "internal", ingress: Any = None, leaves: Any = None) -> Any:
    metadata = Object(name=name, namespace="gateway", uid=f"uid-{name}", annotations={SCHEME: scheme},
                      deletion_timestamp=leaves)  # fmt: skip
    return Object(metadata=metadata, status=Object(load_balancer=Object(ingress=ingress)))


def test_who_waits_for_a_load_balancer_gets_a_name_of_its_own_and_nobody_else() -> None:
    core = Core(
        _service("a"), _service("b", "internet-facing"), _service("c", ingress=[Object()]), _service("d", leaves="now")
    )
    said: list[str] = []
    reconcile_balancers(core, said.append)
    assert set(core.written) == {"a", "b"}
    assert core.written["a"].startswith("internal-k8s-gateway-")
    assert core.written["b"].startswith("k8s-gateway-")
    assert all("(simulated)" in line for line in said)
    again = Core(_service("a"))
    reconcile_balancers(again, said.append)
    assert again.written["a"] == core.written["a"]
