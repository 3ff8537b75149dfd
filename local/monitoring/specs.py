"""How each real program is started for its pod: command, files, and what makes it read them again."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from local.control_plane.certificates import ensure_service_certificate
from local.control_plane.servers import server_url
from local.host.probes import http_ready
from local.host.processes import ProcessSpec
from local.monitoring import rewrites
from local.monitoring.collector_specs import collector
from local.monitoring.container_environment import container_environment
from local.monitoring.gateway_specs import envoy, envoy_gateway
from local.monitoring.mounts import Files, mount_points
from local.monitoring.operator_specs import (
    endpoint_picker,
    kserve_controller,
    kuberay_operator,
    lws_controller,
    rollouts_controller,
)
from local.monitoring.place import HOST, Place, Wanted, rooted
from local.monitoring.programs import Program, program_of

Object = Mapping[str, Any]


def wanted(place: Place, pod: Object, files: Files, storage: str = "none") -> Wanted:
    """The program behind this pod, with the files of its volumes. Raises LookupError for a file that it needs.

    `storage` names what it may keep (mounts.storage_id): data of a claim that is gone must not come back.
    """
    known = program_of(pod)
    if known is None:
        raise LookupError(f"no program behind pod {pod['metadata']['name']}")
    program, container = known
    arguments = rewrites.without_flags(container.get("args") or [], rewrites.REPLACED[program.name])
    return _BUILDERS[program.name](replace(place, storage=storage), program, pod, arguments, files)


def _unpacked(files: Files, name: str) -> str:
    """A gzipped configuration among the mounted files; raises LookupError when there is none."""
    for path, content in files.items():
        if path.endswith(f"/{name}"):
            return gzip.decompress(content).decode()
    raise LookupError(f"{name} is in none of the pod's volumes")


def _prometheus(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    folder, port = place.folder(program.name), place.ports["prometheus"]
    config = folder / "prometheus.yaml"
    text = rewrites.prometheus_config(
        _unpacked(files, "prometheus.yaml.gz"), pod["metadata"]["name"], mount_points(pod), place.here(program.name)
    )
    own = rewrites.flags(
        {"config.file": config, "storage.tsdb.path": place.data(program.name), "web.listen-address": f"{HOST}:{port}"}
    )
    url = f"http://{HOST}:{port}"
    spec = ProcessSpec(program.name, (place.binary(program.name), *own, *arguments), http_ready(f"{url}/-/ready"))
    written = {config: text.encode(), **rooted(place, program, files)}
    return Wanted(spec, written, folder / "root", place.data(program.name), f"{url}/-/reload")


def _alertmanager(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    folder, port = place.folder(program.name), place.ports["alertmanager"]
    config = folder / "alertmanager.yaml"
    text = rewrites.alertmanager_config(
        _unpacked(files, "alertmanager.yaml.gz"), pod["metadata"]["name"], mount_points(pod), place.here(program.name)
    )
    own = rewrites.flags(
        {
            "config.file": config,
            "storage.path": place.data(program.name),
            "web.listen-address": f"{HOST}:{port}",
            "cluster.listen-address": "",
        }
    )
    url = f"http://{HOST}:{port}"
    spec = ProcessSpec(program.name, (place.binary(program.name), *own, *arguments), http_ready(f"{url}/-/ready"))
    written = {config: text.encode(), **rooted(place, program, files)}
    return Wanted(spec, written, folder / "root", place.data(program.name), f"{url}/-/reload")


def _operator(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    port = place.ports["prometheus-operator"]
    own = rewrites.flags(
        {
            "apiserver": server_url(place.ports),
            "ca-file": place.pki.certificate("ca"),
            "cert-file": place.pki.certificate("admin"),
            "key-file": place.pki.key("admin"),
            "web.listen-address": f"{HOST}:{port}",
            "kubelet-endpoints": "false",
        }
    )
    command = (place.binary(program.name), *own, *arguments)
    return Wanted(ProcessSpec(program.name, command, http_ready(f"http://{HOST}:{port}/healthz")))


def _api_server_flags(place: Place, program: Program, port: int) -> dict[str, object]:
    """What a server behind the API server's aggregation needs outside of a pod."""
    kubeconfig = place.paths.kubeconfig
    return {
        "lister-kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": HOST,
        "secure-port": port,
        "cert-dir": place.folder(program.name) / "certificates",
    }


def _adapter(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    folder, port = place.folder(program.name), place.ports["prometheus-adapter"]
    config = next((content for path, content in files.items() if path.endswith("/config.yaml")), None)
    if config is None:
        raise LookupError("config.yaml is in none of the pod's volumes")
    own = rewrites.flags(
        {
            **_api_server_flags(place, program, port),
            "config": folder / "config.yaml",
            "metrics-relist-interval": "5s",
            "metrics-max-age": "2m",
        }
    )
    spec = ProcessSpec(
        program.name,
        (place.binary(program.name), *own, *arguments),
        http_ready(f"https://{HOST}:{port}/healthz"),
        environment=place.cluster_names,
        content=(folder / "config.yaml",),  # it is read once
    )
    return Wanted(spec, {folder / "config.yaml": config})


KEDA_NAMES = ("keda-operator", "keda-operator.keda.svc", "localhost")


def _keda_environment(place: Place, pod: Object) -> dict[str, str]:
    namespace = pod["metadata"]["namespace"]
    return {
        **place.cluster_names,
        "KUBECONFIG": str(place.paths.kubeconfig),
        "POD_NAMESPACE": namespace,
        "POD_NAME": pod["metadata"]["name"],
        "KEDA_CLUSTER_OBJECT_NAMESPACE": namespace,
        "WATCH_NAMESPACE": "",
    }


def _keda_operator(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    ports = place.ports
    own = rewrites.flags(
        {
            "metrics-bind-address": f"{HOST}:{ports['keda-operator-metrics']}",
            "health-probe-bind-address": f"{HOST}:{ports['keda-operator-health']}",
            "metrics-service-bind-address": f"{HOST}:{ports['keda-operator']}",
            "cert-dir": ensure_service_certificate(place.pki, place.folder("keda") / "certificates", KEDA_NAMES),
            "enable-cert-rotation": "false",
            "enable-webhook-patching": "false",
            "enable-apiservice-patching": "false",
        }
    )
    ready = http_ready(f"http://{HOST}:{ports['keda-operator-health']}/readyz")
    command = (place.binary(program.name), *own, *arguments)
    return Wanted(ProcessSpec(program.name, command, ready, environment=_keda_environment(place, pod)))


def _keda_adapter(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    port = place.ports["keda-adapter"]
    certificates = ensure_service_certificate(place.pki, place.folder("keda") / "certificates", KEDA_NAMES)
    own = rewrites.flags(
        {
            **_api_server_flags(place, program, port),
            "cert-dir": certificates,
            "tls-cert-file": certificates / "tls.crt",
            "tls-private-key-file": certificates / "tls.key",
            "client-ca-file": certificates / "ca.crt",
            "metrics-service-address": f"{HOST}:{place.ports['keda-operator']}",
            "port": place.ports["keda-adapter-metrics"],
        }
    )
    command = (place.binary(program.name), *own, *arguments)
    ready = http_ready(f"https://{HOST}:{port}/healthz")
    return Wanted(ProcessSpec(program.name, command, ready, environment=_keda_environment(place, pod)))


def _pod_identity(place: Place, pod: Object, environment: Mapping[str, str]) -> dict[str, str]:
    """What EKS' webhook sets in a pod with an association, so that the SDK asks the agent; here it asks the endpoint.

    Without association it has no credentials at all. https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
    """
    asked = {
        "region": environment.get("AWS_REGION", ""),
        "cluster": environment.get("CLUSTER_NAME", ""),
        "namespace": pod["metadata"]["namespace"],
        "serviceAccount": pod["spec"].get("serviceAccountName") or "default",
    }
    uri = f"http://{HOST}:{place.ports['aws']}/moto-api/local/pod-identity?{urlencode(asked)}"
    # Empty, or those of the platform would come first.
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def _karpenter(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """Its settings are its container's environment, with other ports; its credentials those of its service account.

    Its other AWS variables, the endpoint's address among them, are the supervisor's.
    """
    known = program_of(pod)
    assert known is not None
    variables = container_environment(pod, known[1])
    environment = {
        **variables,
        **_pod_identity(place, pod, variables),
        "KUBECONFIG": str(place.paths.kubeconfig),
        "METRICS_PORT": str(place.ports["karpenter-metrics"]),
        "HEALTH_PROBE_PORT": str(place.ports["karpenter-health"]),
        # One here, whatever the replicas: there is no other candidate.
        "DISABLE_LEADER_ELECTION": "true",
    }
    ready = http_ready(f"http://{HOST}:{place.ports['karpenter-health']}/readyz")
    command = (place.binary(program.name), *arguments)
    return Wanted(ProcessSpec(program.name, command, ready, environment=environment))


def _external_secrets(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """Its credentials are those of its service account, whichever cluster of the platform has the association."""
    address, endpoint = f"{HOST}:{place.ports['external-secrets-metrics']}", f"http://{HOST}:{place.ports['aws']}"
    environment = {
        **_pod_identity(place, pod, {}),
        "KUBECONFIG": str(place.paths.kubeconfig),
        # Its own names (pkg/provider/aws/auth/resolver.go): the SDK in it is older than AWS_ENDPOINT_URL.
        **dict.fromkeys(("AWS_SECRETSMANAGER_ENDPOINT", "AWS_STS_ENDPOINT"), endpoint),
    }
    command = (place.binary(program.name), *rewrites.flags({"metrics-addr": address}), *arguments)
    return Wanted(ProcessSpec(program.name, command, http_ready(f"http://{address}/metrics"), environment=environment))


_BUILDERS: Mapping[str, Callable[[Place, Program, Object, list[str], Files], Wanted]] = {
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
    "prometheus-operator": _operator,
    "prometheus-adapter": _adapter,
    "keda-operator": _keda_operator,
    "keda-adapter": _keda_adapter,
    "external-secrets": _external_secrets,
    "karpenter-controller": _karpenter,
    "kserve-controller": kserve_controller,
    "lws-controller": lws_controller,
    "rollouts-controller": rollouts_controller,
    "kuberay-operator": kuberay_operator,
    "otel-collector": collector,
    "endpoint-picker": endpoint_picker,
    "envoy-gateway": envoy_gateway,
    "envoy": envoy,
}
