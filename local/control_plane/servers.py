"""etcd, kube-apiserver, kube-controller-manager and kube-scheduler: the real programs, one of each, on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from local.control_plane.certificates import (
    SERVICE_ADDRESS_RANGE,
    Pki,
    ensure_service_certificate,
    kubeconfig,
    write_private,
)
from local.host.paths import Paths
from local.host.probes import http_ready
from local.host.processes import ProcessSpec


def server_url(ports: Mapping[str, int]) -> str:
    return f"https://127.0.0.1:{ports['kube-apiserver']}"


def write_kubeconfigs(paths: Paths, pki: Pki, ports: Mapping[str, int]) -> None:
    """Writes the administrator's kubeconfig and those of the controllers, if they say something new."""
    users = {paths.kubeconfig: "admin"}
    users |= {paths.pki / f"{client}.kubeconfig": client for client in ("controller-manager", "scheduler")}
    for path, client in users.items():
        text = kubeconfig(pki, client, server_url(ports))
        if not path.exists() or path.read_text() != text:
            write_private(path, text)


ETCD_NAME = "etcd.local"
"""The name in the one certificate that etcd has, and that it asks of who talks to it."""


def etcd_pki(pki: Pki) -> Pki:
    """etcd's certificate, for server and client; made once. No other is taken, not even one of the same authority."""
    return Pki(ensure_service_certificate(pki, pki.folder / "etcd", (ETCD_NAME,)))


def etcd(paths: Paths, pki: Pki, ports: Mapping[str, int]) -> ProcessSpec:
    """etcd holds every Secret, and 127.0.0.1 is open to all users of a machine: both of its ports ask for the key."""
    client, peer = (f"https://127.0.0.1:{ports[name]}" for name in ("etcd", "etcd-peer"))
    own = etcd_pki(pki)
    authority, pair = own.certificate("ca"), (own.certificate("tls"), own.key("tls"))
    return ProcessSpec(
        "etcd",
        (
            str(paths.tools_bin / "etcd"),
            "--name=local",
            f"--data-dir={paths.state / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=local={peer}",
            f"--cert-file={pair[0]}",
            f"--key-file={pair[1]}",
            f"--trusted-ca-file={authority}",
            "--client-cert-auth",
            f"--client-cert-allowed-hostname={ETCD_NAME}",
            f"--peer-cert-file={pair[0]}",
            f"--peer-key-file={pair[1]}",
            f"--peer-trusted-ca-file={authority}",
            "--peer-client-cert-auth",
            f"--peer-cert-allowed-hostname={ETCD_NAME}",
            # A power cut may lose what `up` makes again; waiting for the disk would cost seconds each time.
            "--unsafe-no-fsync",
        ),
        http_ready(f"{client}/health", authority, pair),
    )


def egress_selection(pki: Pki, ports: Mapping[str, int]) -> str:
    """Connections into the cluster (aggregated APIs, webhooks) go to the pod network, which stands for kube-proxy."""
    tls = {
        "caBundle": str(pki.certificate("ca")),
        "clientCert": str(pki.certificate("front-proxy")),
        "clientKey": str(pki.key("front-proxy")),
    }
    transport = {"tcp": {"url": f"https://127.0.0.1:{ports['pod-network-connect']}", "tlsConfig": tls}}
    connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
    config = {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [{"name": "cluster", "connection": connection}],
    }
    return yaml.safe_dump(config, sort_keys=False)


def kube_apiserver(paths: Paths, pki: Pki, ports: Mapping[str, int]) -> ProcessSpec:
    url, own = server_url(ports), etcd_pki(pki)
    egress = paths.run / "kube-apiserver" / "egress.yaml"
    egress.parent.mkdir(parents=True, exist_ok=True)
    egress.write_text(egress_selection(pki, ports))
    flags = {
        "etcd-servers": f"https://127.0.0.1:{ports['etcd']}",
        "etcd-cafile": own.certificate("ca"),
        "etcd-certfile": own.certificate("tls"),
        "etcd-keyfile": own.key("tls"),
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": ports["kube-apiserver"],
        # 127.0.0.1 is no address an EndpointSlice may have.
        "endpoint-reconciler-type": "none",
        "cert-dir": paths.pki,
        "tls-cert-file": pki.certificate("kube-apiserver"),
        "tls-private-key-file": pki.key("kube-apiserver"),
        "client-ca-file": pki.certificate("ca"),
        "token-auth-file": pki.token_table,
        "requestheader-client-ca-file": pki.certificate("ca"),
        "requestheader-allowed-names": "front-proxy",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": pki.certificate("front-proxy"),
        "proxy-client-key-file": pki.key("front-proxy"),
        "service-account-issuer": url,
        "service-account-key-file": pki.key("service-account"),
        "service-account-signing-key-file": pki.key("service-account"),
        "service-cluster-ip-range": SERVICE_ADDRESS_RANGE,
        "authorization-mode": "RBAC",
        # As EKS has it; the GPU operator's pods ask for it. Pod Security admission judges per namespace.
        "allow-privileged": "true",
        "egress-selector-config-file": egress,
    }
    command = (str(paths.tools_bin / "kube-apiserver"), *_flags(flags))
    client = (pki.certificate("admin"), pki.key("admin"))
    ready = http_ready(f"{url}/readyz", pki.certificate("ca"), client)
    return ProcessSpec("kube-apiserver", command, ready, content=(egress,))


def kube_controller_manager(paths: Paths, pki: Pki, ports: Mapping[str, int]) -> ProcessSpec:
    name, config = "kube-controller-manager", paths.pki / "controller-manager.kubeconfig"
    flags = {
        **_controller_flags(ports[name], config),
        "use-service-account-credentials": "true",
        "root-ca-file": pki.certificate("ca"),
        "service-account-private-key-file": pki.key("service-account"),
        "cert-dir": paths.pki,
        # As on EKS: addresses, routes and load balancers belong to the cloud.
        "controllers": "*,-nodeipam,-node-route-controller,-service-lb-controller",
        "horizontal-pod-autoscaler-sync-period": "5s",
    }
    command = (str(paths.tools_bin / name), *_flags(flags))
    return ProcessSpec(name, command, http_ready(f"https://127.0.0.1:{ports[name]}/healthz"))


def kube_scheduler(paths: Paths, ports: Mapping[str, int]) -> ProcessSpec:
    name, config = "kube-scheduler", paths.pki / "scheduler.kubeconfig"
    flags = {**_controller_flags(ports[name], config), "cert-dir": paths.pki}
    command = (str(paths.tools_bin / name), *_flags(flags))
    return ProcessSpec(name, command, http_ready(f"https://127.0.0.1:{ports[name]}/healthz"))


def _controller_flags(port: int, config: Path) -> dict[str, object]:
    return {
        "kubeconfig": config,
        "authentication-kubeconfig": config,
        "authorization-kubeconfig": config,
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "leader-elect": "false",
    }


def _flags(flags: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"--{name}={value}" for name, value in flags.items())
