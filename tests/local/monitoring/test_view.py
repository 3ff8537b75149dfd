"""Who answers for a pod's port and for a Service's."""

from __future__ import annotations

from typing import Any

import pytest

from local.host.ports import USUAL
from local.monitoring.view import ClusterView, Unreachable, service_of_host
from tests.local.monitoring.objects import pod

LABELS = {"app": "prometheus"}


def service(port: int = 9090, target: Any = "web", selector: dict[str, str] | None = None) -> dict[str, Any]:
    ports = [{"port": port, "targetPort": target}]
    spec = {"clusterIP": "10.100.0.7", "ports": ports, "selector": LABELS if selector is None else selector}
    return {"metadata": {"namespace": "monitoring", "name": "prometheus"}, "spec": spec}


def view(objects: dict[str, Any], **options: Any) -> ClusterView:
    made = ClusterView(USUAL)
    made.on_service("ADDED", objects)
    ports = [{"name": "web", "containerPort": 9090}]
    made.on_pod("ADDED", pod("prometheus-0", labels=LABELS, ports=ports, **options))
    return made


def test_a_service_leads_to_the_program_behind_the_pod_that_it_selects() -> None:
    seen = view(service())
    assert seen.service_target("monitoring", "prometheus", 9090) == USUAL["prometheus"]
    assert seen.by_cluster_address("10.100.0.7", 9090) == USUAL["prometheus"]


@pytest.mark.parametrize(
    "wrong",
    [service(selector={"app": "other"}), service(target="metrics"), service(target=9999), service(selector={})],
    ids=["selector", "port name", "port number", "no selector"],
)
def test_a_wrong_selector_or_target_port_leads_nowhere(wrong: dict[str, Any]) -> None:
    assert view(wrong).service_target("monitoring", "prometheus", 9090) is None


def test_a_service_has_no_endpoint_while_its_pod_is_not_ready() -> None:
    assert view(service(), ready=False).service_target("monitoring", "prometheus", 9090) is None


def test_what_does_not_exist_is_named() -> None:
    seen = view(service())
    with pytest.raises(Unreachable, match="no Service monitoring/absent"):
        seen.service_target("monitoring", "absent", 9090)
    with pytest.raises(Unreachable, match="has no port 80"):
        seen.service_target("monitoring", "prometheus", 80)
    assert seen.by_cluster_address("10.100.9.9", 443) is None


def test_names_of_services_are_read_as_a_cluster_reads_them() -> None:
    assert service_of_host("prometheus.monitoring.svc:9090") == ("monitoring", "prometheus", 9090)
    assert service_of_host("prometheus.monitoring.svc.cluster.local.:9090") == ("monitoring", "prometheus", 9090)
    assert service_of_host("qwen.models.svc") == ("models", "qwen", 80)
    for wrong in ("example.org", "prometheus.monitoring", "prometheus.monitoring.pod:80"):
        with pytest.raises(Unreachable):
            service_of_host(wrong)


def test_a_deletion_of_an_earlier_pod_of_the_name_is_passed_over() -> None:
    seen = view(service())
    seen.on_pod("DELETED", pod("prometheus-0", created="2026-11-20T00:00:00Z"))
    assert seen.pod("monitoring", "prometheus-0") is not None


def test_a_pod_is_found_by_its_address() -> None:
    found = view(service())
    item = pod("qwen-0")
    item["status"]["podIP"] = "10.244.0.9"
    found.on_pod("ADDED", item)
    assert found.pod_at("10.244.0.9") is item
    assert found.pod_at("10.244.0.1") is None
