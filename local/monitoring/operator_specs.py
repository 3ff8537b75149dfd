"""How the operators of serving backends are started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.host.probes import http_ready, listens
from local.host.processes import ProcessSpec
from local.monitoring import rewrites
from local.monitoring.container_environment import container_environment
from local.monitoring.mounts import Files
from local.monitoring.place import HOST, Place, Wanted, rooted
from local.monitoring.programs import Program, program_of

Object = Mapping[str, Any]

WEBHOOK_CERTIFICATES = "tmp/k8s-webhook-server/serving-certs"
# Where no container's file says another one (sigs.k8s.io/lws v0.7.0, pkg/utils, GetOperatorNamespace).
LWS_NAMESPACE = "lws-system"


def kserve_controller(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """KServe's controller with its webhooks; their certificate is its pod's."""
    known = program_of(pod)
    assert known is not None
    root = place.folder(program.name) / "root"
    certificates = root / WEBHOOK_CERTIFICATES
    written = rooted(place, program, files)
    if certificates / "tls.crt" not in written:
        raise LookupError(f"/{WEBHOOK_CERTIFICATES}/tls.crt is in none of the pod's volumes")
    health = f"{HOST}:{place.ports['kserve-health']}"
    own = rewrites.flags(
        {
            "metrics-addr": f"{HOST}:{place.ports['kserve-metrics']}",
            "health-probe-addr": health,
            "webhook-port": place.ports["kserve-webhook"],
        }
    )
    environment = {
        **container_environment(pod, known[1]),
        "KUBECONFIG": str(place.paths.kubeconfig),
        "WEBHOOK_CERTIFICATES": str(certificates),
    }
    command = (place.binary(program.name), *own, *arguments)
    spec = ProcessSpec(program.name, command, http_ready(f"http://{health}/readyz"), environment=environment)
    return Wanted(spec, written, root)


def rollouts_controller(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """Argo Rollouts' controller; Prometheus, which its analyses name by its Service, is found by the pod network."""
    known = program_of(pod)
    assert known is not None
    metrics, health = place.ports["rollouts-metrics"], place.ports["rollouts-health"]
    own = rewrites.flags(
        {
            "kubeconfig": place.paths.kubeconfig,
            "metricsPort": metrics,
            "healthzPort": health,
            "leader-elect": "false",
        }
    )
    environment = {**container_environment(pod, known[1]), **place.cluster_names}
    ready = http_ready(f"http://{HOST}:{health}/healthz")
    return Wanted(
        ProcessSpec(program.name, (place.binary(program.name), *own, *arguments), ready, environment=environment)
    )


def kuberay_operator(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """KubeRay's operator. It asks heads by their Services' names: the pod network stands for the cluster's DNS."""
    known = program_of(pod)
    assert known is not None
    health = f"{HOST}:{place.ports['kuberay-health']}"
    own = rewrites.flags(
        {
            "metrics-addr": f"{HOST}:{place.ports['kuberay-metrics']}",
            "health-probe-bind-address": health,
            # One here, whatever the replicas: there is no other candidate.
            "enable-leader-election": "false",
        }
    )
    environment = {
        **container_environment(pod, known[1]),
        **place.cluster_names,
        "KUBECONFIG": str(place.paths.kubeconfig),
    }
    command = (place.binary(program.name), *own, *arguments)
    return Wanted(ProcessSpec(program.name, command, http_ready(f"http://{health}/readyz"), environment=environment))


def lws_controller(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """LeaderWorkerSet's controller with its webhooks, in Kubernetes as the service account of its pod.

    It makes the webhooks' certificate itself, into a Secret of its pod, and waits until that is laid out.
    """
    namespace = pod["metadata"]["namespace"]
    if namespace != LWS_NAMESPACE:
        raise LookupError(f"the namespace {namespace} is in a file that only a container has: write {LWS_NAMESPACE}")
    root, account = place.folder(program.name) / "root", place.folder(program.name) / "kubeconfig"
    written = rooted(place, program, files)
    own = root / "controller_manager_config.yaml"
    if own not in written:
        raise LookupError(f"/{own.name} is in none of the pod's volumes")
    config = rewrites.lws_config(written[own].decode(), place.ports, root / WEBHOOK_CERTIFICATES)
    roles = rewrites.as_account(place.paths.kubeconfig.read_text(), namespace, pod["spec"]["serviceAccountName"])
    written |= {own: config.encode(), account: roles.encode()}
    spec = ProcessSpec(
        program.name,
        (place.binary(program.name), f"--config={own}", *arguments),
        http_ready(f"http://{HOST}:{place.ports['lws-health']}/readyz"),
        environment={"KUBECONFIG": str(account)},
        content=(own, account),
    )
    return Wanted(spec, written, root)


def endpoint_picker(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """The picker of an InferencePool. It scrapes servers by their addresses, through the pod network."""
    config = next((content for path, content in files.items() if path.endswith("/picker.yaml")), None)
    if config is None:
        raise LookupError("picker.yaml is in none of the pod's volumes")
    own = place.folder(program.name) / "picker.yaml"
    flags = rewrites.flags(
        {
            "grpc-port": place.ports["picker-grpc"],
            "grpc-health-port": place.ports["picker-health"],
            "metrics-port": place.ports["picker-metrics"],
            "config-file": own,
            # Twenty times a second through a proxy of ours would be most of what the machine does.
            "refresh-metrics-interval": "500ms",
        }
    )
    environment = {**place.cluster_names, "KUBECONFIG": str(place.paths.kubeconfig)}
    port = place.ports["picker-grpc"]
    command = (place.binary(program.name), *flags, *arguments)
    spec = ProcessSpec(program.name, command, lambda: listens(port), environment=environment, content=(own,))
    return Wanted(spec, {own: rewrites.picker_config(config.decode()).encode()})
