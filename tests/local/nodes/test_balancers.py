"""A Service of type LoadBalancer, or an Ingress of the controller's class, is told a host name once, and let go."""

from __future__ import annotations

from types import SimpleNamespace as Object
from typing import Any

from local.nodes.balancers import (
    CONTROLLER,
    INGRESS_CONTROLLER,
    INGRESS_FINALIZER,
    INGRESS_SCHEME,
    SCHEME,
    SERVICE_CLASS,
    SERVICE_FINALIZER,
    reconcile_balancers,
)


class Api:
    """The API server as it is asked; remembers what was written."""

    def __init__(self, *services: Any, ingresses: tuple[Any, ...] = ()) -> None:
        self.services, self.ingresses = services, ingresses
        self.written: dict[str, str] = {}
        self.held: dict[str, Any] = {}

    def list_service_for_all_namespaces(self, field_selector: str) -> Any:
        assert field_selector == "spec.type=LoadBalancer"
        return Object(items=self.services)

    def list_ingress_for_all_namespaces(self) -> Any:
        return Object(items=self.ingresses)

    def list_ingress_class(self) -> Any:
        classes = {"alb": INGRESS_CONTROLLER, "traefik": "traefik.io/ingress-controller"}
        return Object(
            items=[Object(metadata=Object(name=name), spec=Object(controller=says)) for name, says in classes.items()]
        )

    def _status(self, name: str, namespace: str, body: Any) -> None:
        self.written[name] = body["status"]["loadBalancer"]["ingress"][0]["hostname"]

    def _patch(self, name: str, namespace: str, body: Any) -> None:
        (self.held[name],) = (step["value"] for step in body if step["path"] == "/metadata/finalizers")

    patch_namespaced_service_status = patch_namespaced_ingress_status = _status
    patch_namespaced_service = patch_namespaced_ingress = _patch


def _of(name: str, spec: Any, key: str, scheme: str, **more: Any) -> Any:
    metadata = Object(
        name=name,
        namespace="gateway",
        uid=f"uid-{name}",
        annotations={key: scheme},
        deletion_timestamp=more.get("leaves"),
        finalizers=more.get("finalizers"),
    )
    return Object(metadata=metadata, spec=spec, status=Object(load_balancer=Object(ingress=more.get("there"))))


def _service(name: str, scheme: str = "internal", of_class: str | None = None, **more: Any) -> Any:
    return _of(name, Object(load_balancer_class=of_class), SCHEME, scheme, **more)


def _ingress(name: str, of_class: str = "alb", **more: Any) -> Any:
    return _of(name, Object(ingress_class_name=of_class), INGRESS_SCHEME, "internet-facing", **more)


def _controller(ready: str = "True", leaves: str | None = None) -> Any:
    metadata = Object(labels={"app.kubernetes.io/name": CONTROLLER}, deletion_timestamp=leaves)
    return Object(metadata=metadata, status=Object(conditions=[Object(type="Ready", status=ready)]))


def _round(api: Api, *pods: Any) -> list[str]:
    said: list[str] = []
    reconcile_balancers(api, api, pods, said.append)
    return said


def test_who_waits_for_a_load_balancer_gets_a_name_of_its_own_and_nobody_else() -> None:
    api = Api(
        _service("a"), _service("b", "internet-facing"), _service("c", there=[Object()]), _service("d", leaves="now")
    )
    said = _round(api)
    assert set(api.written) == {"a", "b"}
    assert not api.held, "EKS' own provider was not asked to hold anything here"
    assert api.written["a"].startswith("internal-k8s-gateway-")
    assert api.written["b"].startswith("k8s-gateway-")
    assert all("(simulated)" in line for line in said)
    again = Api(_service("a"))
    _round(again)
    assert again.written["a"] == api.written["a"]


def test_objects_of_the_controllers_classes_are_its_own_and_wait_for_it() -> None:
    def api() -> Api:
        ingresses = (_ingress("alb"), _ingress("other", "traefik"))
        return Api(_service("nlb", of_class=SERVICE_CLASS), _service("x", of_class="x/y"), ingresses=ingresses)

    for pods in ((), (_controller("False"),), (_controller(leaves="now"),)):
        waiting = api()
        _round(waiting, *pods)
        assert (waiting.written, waiting.held) == ({}, {})
    served = api()
    _round(served, _controller())
    assert set(served.written) == {"nlb", "alb"}
    assert served.held == {"nlb": [SERVICE_FINALIZER], "alb": [INGRESS_FINALIZER]}


def test_only_the_controller_lets_go_of_what_it_holds() -> None:
    def leaving() -> Api:
        nlb = _service("nlb", of_class=SERVICE_CLASS, leaves="now", finalizers=["other", SERVICE_FINALIZER])
        return Api(nlb, ingresses=(_ingress("alb", leaves="now", finalizers=[INGRESS_FINALIZER]),))

    left = leaving()
    _round(left)
    assert left.held == {}, "without its controller an object stays"
    gone = leaving()
    _round(gone, _controller())
    assert gone.held == {"nlb": ["other"], "alb": []}
    assert gone.written == {}
