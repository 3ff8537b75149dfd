"""Every change that is made to what the cluster says before a real program is started with it. There are no others.

The programs' configuration and arguments come from the pods of the charts and of the operator. Three things differ
here: pods have no network (their addresses are KWOK's inventions), files lie below a folder of ours instead of in a
container, and every server has to listen on 127.0.0.1. Each function below says which of these it is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HOST = "127.0.0.1"
# How a scraper proves who it is to a pod's own TLS; the pod network below speaks plain HTTP on this machine.
LLM_D_DATA_LAYER = ("metrics-data-source", "core-metrics-extractor")
AUTHENTICATION = ("tls_config", "authorization", "basic_auth", "oauth2", "bearer_token", "bearer_token_file")


@dataclass(frozen=True)
class Here:
    """What stands on this machine for the cluster's own: where files are, and who answers."""

    root: Path
    """Folder that stands for the container's `/`."""
    kubeconfig: Path
    pod_network: int
    alertmanager: int


def in_root(text: str, folders: Iterable[str], root: Path) -> str:
    """Names of mounted folders and files in `text`, below `root`: there is no container around the program."""
    for folder in sorted(set(folders), key=len, reverse=True):
        text = re.sub(rf"(?<![\w./-]){re.escape(folder)}(?=[/\s\"',*}}]|$)", f"{root}{folder}", text, flags=re.M)
    return text


def expanded(text: str, pod: str) -> str:
    """What the config-reloader container would fill in: the operator writes these two as variables."""
    return text.replace("$(POD_NAME)", pod).replace("$(SHARD)", "0")


def prometheus_config(text: str, pod: str, folders: Iterable[str], here: Here) -> str:
    """The operator's configuration of Prometheus, with the pods' fake addresses led to the pod network."""
    config: dict[str, Any] = yaml.load(in_root(expanded(text, pod), folders, here.root), Loader=_RewriteLoader)
    for job in config.get("scrape_configs") or []:
        if _discovers(job, here):
            _plain(job)
            job.setdefault("relabel_configs", []).extend(scrape_relabelings(here.pod_network))
    alerting = config.get("alerting") or {}
    for target in alerting.get("alertmanagers") or []:
        if _discovers(target, here):
            _plain(target)
            reach = {"target_label": "__address__", "replacement": f"{HOST}:{here.alertmanager}"}
            target.setdefault("relabel_configs", []).append(reach)
    return yaml.safe_dump(config, sort_keys=False, width=1000)


def scrape_relabelings(port: int) -> list[dict[str, Any]]:
    """Every target found becomes http://127.0.0.1:`port`/pods/NAMESPACE/POD:PORT/path, after all other relabelings.

    The pod's own port goes along, so that a monitor with a wrong port number fails here as it does in production, and
    `instance` keeps the address that Prometheus would have used.
    """
    parts = ["__meta_kubernetes_namespace", "__meta_kubernetes_pod_name", "__address__", "__metrics_path__"]
    return [
        {
            "source_labels": ["instance", "__address__"],
            "regex": ";(.+)",
            "target_label": "instance",
            "replacement": "$1",
        },
        {
            "source_labels": parts,
            "regex": r"(.+);(.+);.*:(\d+);(.+)",
            "target_label": "__metrics_path__",
            "replacement": "/pods/$1/$2:$3$4",
        },
        {"target_label": "__address__", "replacement": f"{HOST}:{port}"},
    ]


def _discovers(job: dict[str, Any], here: Here) -> bool:
    """Gives Kubernetes' service discovery the way to the API server that a pod has from its service account."""
    configs = job.get("kubernetes_sd_configs") or []
    for discovery in configs:
        for key in ("api_server", *AUTHENTICATION):
            discovery.pop(key, None)
        discovery["kubeconfig_file"] = str(here.kubeconfig)
    return bool(configs)


def _plain(job: dict[str, Any]) -> None:
    job["scheme"] = "http"
    for key in AUTHENTICATION:
        job.pop(key, None)


def alertmanager_config(text: str, pod: str, folders: Iterable[str], here: Here) -> str:
    """The operator's configuration of Alertmanager; receivers keep their addresses."""
    return in_root(expanded(text, pod), folders, here.root)


def with_variables(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` filled in, as the kubelet does in arguments; what is no variable of the container stays."""
    return re.sub(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)", lambda name: values.get(name[1], name[0]), text)


def envoy_gateway_config(text: str, admin: int) -> str:
    """EnvoyGateway of the release: one instance here, and the ports that it can be told; metrics have no address."""
    config: dict[str, Any] = yaml.safe_load(text)
    of_kubernetes = config.setdefault("provider", {}).setdefault("kubernetes", {})
    of_kubernetes["leaderElection"] = {"disable": True}
    # A webhook that writes a pod's zone: nothing here has one for it.
    of_kubernetes["proxyTopologyInjector"] = {"disabled": True}
    config["admin"] = {"address": {"host": HOST, "port": admin}}
    config.setdefault("telemetry", {}).setdefault("metrics", {})["prometheus"] = {"disable": True}
    return yaml.safe_dump(config, sort_keys=False)


def lws_config(text: str, ports: Mapping[str, int], certificates: Path) -> str:
    """Configuration of LeaderWorkerSet's release: its ports here, and where the certificate that it makes is laid."""
    config: dict[str, Any] = yaml.safe_load(text)
    config["webhook"] = {"host": HOST, "port": ports["lws-webhook"], "certDir": str(certificates)}
    config["metrics"] = {"bindAddress": f"{HOST}:{ports['lws-metrics']}"}
    config["health"] = {"healthProbeBindAddress": f"{HOST}:{ports['lws-health']}"}
    return yaml.safe_dump(config, sort_keys=False)


def as_account(kubeconfig: str, namespace: str, account: str) -> str:
    """The administrator's kubeconfig, speaking as a service account: what its roles do not allow is refused."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    for user in config["users"]:
        user["user"] |= {"as": f"system:serviceaccount:{namespace}:{account}", "as-groups": groups}
    return yaml.safe_dump(config, sort_keys=False)


def envoy_bootstrap(text: str, ports: Mapping[str, int], here: Path) -> str:
    """Envoy's own start: where it listens, where its control plane and files are. What it serves comes from there."""
    config: dict[str, Any] = yaml.safe_load(in_root(text, ("/certs", "/sds"), here))
    _at(config["admin"]["address"], ports["envoy-admin"])
    static = config["static_resources"]
    for listener in static.get("listeners") or []:
        _at(listener["address"], ports["envoy-stats"])
    known = {"prometheus_stats": ports["envoy-admin"], "xds_cluster": ports["envoy-gateway-xds"]}
    for cluster in static["clusters"]:
        for locality in (cluster.get("load_assignment") or {}).get("endpoints") or []:
            for endpoint in locality["lb_endpoints"]:
                _at(endpoint["endpoint"]["address"], known[cluster["name"]])
    return yaml.safe_dump(config, sort_keys=False, width=1000)


def _at(address: dict[str, Any], port: int) -> None:
    address["socket_address"] = {**address["socket_address"], "address": HOST, "port_value": port}


def collector_config(text: str, otlp: int, health: int) -> str:
    """The release's configuration of the collector: where it listens. Raises LookupError where it says neither."""
    config: dict[str, Any] = yaml.safe_load(text)
    try:
        config["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] = f"{HOST}:{otlp}"
        config["extensions"]["health_check"]["endpoint"] = f"{HOST}:{health}"
    except KeyError as missing:
        raise LookupError(f"the collector's configuration has no {missing.args[0]}") from None
    return yaml.safe_dump(config, sort_keys=False, width=1000)


def picker_config(text: str) -> str:
    """llm-d's configuration as upstream's picker takes it: its own group, and no data layer, which it has built in."""
    config: dict[str, Any] = yaml.safe_load(text)
    config["apiVersion"] = "inference.networking.x-k8s.io/v1alpha1"
    config["plugins"] = [each for each in config["plugins"] if each["type"] not in LLM_D_DATA_LAYER]
    return yaml.safe_dump(config, sort_keys=False)


def without_flags(arguments: Sequence[str], names: Iterable[str]) -> list[str]:
    """A container's arguments less those flags; a flag is `--name`, `--name=value` or `--name.part=value`."""
    refused = tuple(names)

    def is_refused(argument: str) -> bool:
        flag = argument.lstrip("-").partition("=")[0]
        return any(flag == name or flag.startswith(f"{name}.") for name in refused)

    return [argument for argument in arguments if argument.startswith("-") and not is_refused(argument)]


def flags(values: Mapping[str, object]) -> list[str]:
    """`--name=value` of each."""
    return [f"--{name}={value}" for name, value in values.items()]


# Of each program: flags of its container that mean the container itself (files, addresses, the API server of the
# cluster), and are said again in specs.py.
REPLACED: Mapping[str, tuple[str, ...]] = {
    "kserve-controller": ("metrics-addr", "health-probe-addr", "webhook-port", "leader-elect"),
    # one instance here, whatever the replicas
    "rollouts-controller": ("kubeconfig", "metricsPort", "healthzPort", "leader-elect"),
    "endpoint-picker": ("grpc-port", "grpc-health-port", "metrics-port", "config-file", "refresh-metrics-interval"),
    # what else it is told is in this file
    "lws-controller": ("config",),
    "kuberay-operator": ("metrics-addr", "health-probe-bind-address", "enable-leader-election"),
    "prometheus": (
        "config.file", "storage.tsdb.path", "web.config.file", "web.listen-address", "web.console",
    ),
    # one Alertmanager here, whatever the replicas: it has no peer to gossip with
    "alertmanager": (
        "config.file", "storage.path", "web.config.file", "web.listen-address", "cluster",
    ),
    "prometheus-operator": (
        # kubelet: its endpoints would be nodes' addresses; webhooks and TLS belong to its Service
        "web", "apiserver", "kubelet-service", "kubelet-endpoints", "kubelet-endpointslice", "kubelet-selector",
        "kubeconfig",
    ),
    # relist interval and age: at the chart's minute each scaling would be a minute late
    "prometheus-adapter": (
        "secure-port", "bind-address", "cert-dir", "tls-cert-file", "tls-private-key-file", "config",
        "metrics-relist-interval", "metrics-max-age", "lister-kubeconfig", "authentication-kubeconfig",
        "authorization-kubeconfig",
    ),
    # certificates are the platform's; webhooks and their rotation are not run
    "keda-operator": (
        "leader-elect", "cert-dir", "enable-cert-rotation", "enable-webhook-patching", "enable-apiservice-patching",
        "metrics-bind-address", "health-probe-bind-address", "metrics-service-bind-address", "cert-secret-name",
        "operator-service-name", "metrics-server-service-name", "webhooks-service-name", "ca-dir",
    ),
    "keda-adapter": (
        "port", "secure-port", "bind-address", "cert-dir", "tls-cert-file", "tls-private-key-file", "client-ca-file",
        "metrics-service-address", "lister-kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig",
        "metrics-service-grpc-authority", "logtostderr", "stderrthreshold",
    ),
    # it takes its settings from the environment
    # live-addr: of newer versions than the one that can be built (0.16.2)
    "external-secrets": ("metrics-addr", "live-addr"),
    "karpenter-controller": (),
    # its configuration is written again, with other addresses
    "otel-collector": ("config",),
    # both are given their arguments whole, see below
    "envoy-gateway": (),
    "envoy": (),
}  # fmt: skip


class _RewriteLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.1 knows `=` as a value of its own, and Prometheus means the text."""


_RewriteLoader.add_constructor("tag:yaml.org,2002:value", _RewriteLoader.construct_yaml_str)
