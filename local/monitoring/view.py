"""Pods, Services and nodes as the pod network needs them: who stands for an address. Fed by watches, no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local.engine.pods import is_server
from local.monitoring.programs import is_ready, program_of

Object = dict[str, Any]


class Unreachable(Exception):
    """Nothing answers there; in words."""


def service_of_host(host: str) -> tuple[str, str, int]:
    """Namespace, name and port of `name.namespace.svc[.cluster.local][:port]`. Raises Unreachable for others."""
    name, _, port = host.partition(":")
    parts = name.removesuffix(".").split(".")
    if len(parts) not in (3, 5) or parts[2] != "svc" or (port and not port.isdigit()):
        raise Unreachable(f"{host} is no name of a Service: NAME.NAMESPACE.svc:PORT")
    return parts[1], parts[0], int(port or 80)


class ClusterView:
    """What the watches told last."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self.pods: dict[tuple[str, str], Object] = {}
        self.services: dict[tuple[str, str], Object] = {}
        self.nodes: dict[str, Object] = {}

    def on_pod(self, event: str, item: Object) -> None:
        """Takes a watch event of pods; a late DELETED of an earlier pod of the name is passed over."""
        key = (item["metadata"]["namespace"], item["metadata"]["name"])
        if event != "DELETED":
            self.pods[key] = item
        elif key in self.pods and self.pods[key]["metadata"]["uid"] == item["metadata"]["uid"]:
            del self.pods[key]

    def on_service(self, event: str, item: Object) -> None:
        """Takes a watch event of Services."""
        key = (item["metadata"]["namespace"], item["metadata"]["name"])
        if event == "DELETED":
            self.services.pop(key, None)
        else:
            self.services[key] = item

    def on_node(self, event: str, item: Object) -> None:
        """Takes a watch event of nodes."""
        if event == "DELETED":
            self.nodes.pop(item["metadata"]["name"], None)
        else:
            self.nodes[item["metadata"]["name"]] = item

    def pod(self, namespace: str, name: str) -> Object | None:
        return self.pods.get((namespace, name))

    def is_engine(self, pod: Object) -> bool:
        """Whether it is a model server's pod: the simulated engine stands for it."""
        return any(map(is_server, pod["spec"]["containers"]))

    def is_ray(self, pod: Object) -> bool:
        """Whether it is a pod of a Ray cluster: the engine process answers for its ports (engine/operators/ray)."""
        return "ray.io/node-type" in (pod["metadata"].get("labels") or {})

    def ray_target(self, namespace: str, name: str, port: int) -> tuple[str, int] | None:
        """Name and port of the Ray pod behind a Service's port."""
        service = self.services[namespace, name]
        spec = next(each for each in service["spec"]["ports"] if each["port"] == port)
        for pod in self._selected(service):
            number = _number(pod, spec.get("targetPort", port))
            if self.is_ray(pod) and number is not None:
                return pod["metadata"]["name"], number
        return None

    def pod_at(self, address: str) -> Object | None:
        """The pod with this address."""
        for pod in self.pods.values():
            if (pod.get("status") or {}).get("podIP") == address:
                return pod
        return None

    def program_port(self, pod: Object, port: int) -> int | None:
        """Local port of the real program behind a pod's port; None where none stands behind this very pod."""
        known = program_of(pod)
        if known is None:
            return None
        local = known[0].ports.get(port)
        if local is None:
            return None
        if not is_ready(pod):
            raise Unreachable(f"pod {pod['metadata']['name']} is not Ready")
        return self._ports[local]

    def service_target(self, namespace: str, name: str, port: int) -> int | None:
        """Local port for a Service's port: of the program behind a Ready pod that it selects.

        None for pods that no program stands behind; raises Unreachable when there is no such Service or port.
        """
        service = self.services.get((namespace, name))
        if service is None:
            raise Unreachable(f"there is no Service {namespace}/{name}")
        spec = next((p for p in service["spec"].get("ports") or [] if p["port"] == port), None)
        if spec is None:
            raise Unreachable(f"Service {namespace}/{name} has no port {port}")
        for pod in self._selected(service):
            number = _number(pod, spec.get("targetPort", port))
            local = self.program_port(pod, number) if number is not None else None
            if local is not None:
                return local
        return None

    def by_name(self, host: str, port: int) -> int | None:
        """Local port for a Service's name (`tempo.observability.svc`) and port, as a program in a pod dials it."""
        namespace, name, number = service_of_host(f"{host}:{port}")
        return number if self.is_this_machine(namespace, name) else self.service_target(namespace, name, number)

    def is_this_machine(self, namespace: str, name: str) -> bool:
        """Whether it is a Service of type ExternalName for localhost; raises Unreachable for another name.

        In a cluster the caller looks the name up. Nothing is sent to other machines from here.
        """
        spec = (self.services.get((namespace, name)) or {}).get("spec") or {}
        if spec.get("type") != "ExternalName":
            return False
        if spec["externalName"] != "localhost":
            raise Unreachable(f"Service {namespace}/{name} is {spec['externalName']}, which is not on this machine")
        return True

    def by_cluster_address(self, address: str, port: int) -> int | None:
        """Local port for a Service's cluster address, as the API server dials it."""
        for (namespace, name), service in self.services.items():
            if service["spec"].get("clusterIP") == address:
                return self.service_target(namespace, name, port)
        return None

    def _selected(self, service: Object) -> Iterator[Object]:
        selector = (service["spec"].get("selector") or {}).items()
        for (namespace, _), pod in sorted(self.pods.items()):
            labels = pod["metadata"].get("labels") or {}
            if (
                selector
                and namespace == service["metadata"]["namespace"]
                and selector <= labels.items()
                and is_ready(pod)
            ):
                yield pod


def _number(pod: Object, target: int | str) -> int | None:
    """A target port's number on this pod; None for a name that no container has."""
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or []:
            if port.get("name") == target:
                return int(port["containerPort"])
    return None
