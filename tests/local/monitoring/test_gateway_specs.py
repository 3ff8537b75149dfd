"""The gateway's programs: everything on 127.0.0.1, files below a folder of ours, arguments those of their pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.control_plane.certificates import ensure_pki
from local.host.ports import USUAL
from local.monitoring.place import Place
from local.monitoring.specs import wanted
from tests.local.monitoring.objects import pod
from tests.local.places import paths_in

CONFIG = """apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
gateway: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
provider: {type: Kubernetes}
"""
# As internal/xds/bootstrap of Envoy Gateway v1.9.0 writes it, shortened.
BOOTSTRAP = """admin:
  address: {socket_address: {address: 127.0.0.1, port_value: 19000}}
node: {locality: {zone: $(ENVOY_SERVICE_ZONE)}}
static_resources:
  listeners:
  - name: envoy-gateway-proxy-stats-0.0.0.0-19001
    address: {socket_address: {address: 0.0.0.0, port_value: 19001, protocol: TCP}}
  clusters:
  - name: prometheus_stats
    load_assignment:
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 19000}}}}]}]
  - name: gateway/models
    type: EDS
  - name: xds_cluster
    type: STRICT_DNS
    load_assignment:
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {socket_address: {address: envoy-gateway.gateway.svc.cluster.local., port_value: 18000}}
    transport_socket:
      sds_config: {path_config_source: {path: /sds/xds-trusted-ca.json}}
"""
ENV: list[dict[str, Any]] = [
    {"name": "ENVOY_POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    {
        "name": "ENVOY_SERVICE_ZONE",
        "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['topology.kubernetes.io/zone']"}},
    },
]
MOUNTS = [{"name": "certs", "mountPath": "/certs"}, {"name": "sds", "mountPath": "/sds"}]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    paths = paths_in(tmp_path)
    return Place(paths, ensure_pki(paths.pki), USUAL)


def _envoy(place: Place, args: list[str]) -> Any:
    files = {"/certs/tls.crt": b"pem", "/sds/xds-trusted-ca.json": b'{"filename": "/certs/ca.crt"}'}
    image = "docker.io/envoyproxy/envoy:distroless-v1.39.0"
    return wanted(place, pod("envoy-0", image, args=args, env=ENV, volumeMounts=MOUNTS), files)


def test_the_control_plane_listens_here_and_elects_nobody(place: Place) -> None:
    env = [{"name": "ENVOY_GATEWAY_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}]
    image = "docker.io/envoyproxy/gateway:v1.9.0"
    files = {"/config/envoy-gateway.yaml": CONFIG.encode(), "/certs/tls.crt": b"pem"}
    plan = wanted(place, pod("eg-0", image, namespace="gateway", env=env), files)
    (file,) = plan.spec.content
    config = yaml.safe_load(plan.files[file])
    assert config["admin"]["address"] == {"host": "127.0.0.1", "port": USUAL["envoy-gateway-admin"]}
    assert config["provider"]["kubernetes"]["leaderElection"] == {"disable": True}
    assert config["telemetry"]["metrics"]["prometheus"] == {"disable": True}
    assert config["gateway"] == {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}
    environment = plan.spec.environment
    assert environment["ENVOY_GATEWAY_NAMESPACE"] == "gateway"
    assert environment["LOCAL_XDS_ADDRESS"] == f"127.0.0.1:{USUAL['envoy-gateway-xds']}"
    assert environment["LOCAL_LISTENERS"].startswith(f"10443={USUAL['envoy-https']},")
    root = Path(environment["LOCAL_ROOT"])
    assert plan.files[root / "certs" / "tls.crt"] == b"pem"


def test_envoy_keeps_its_pods_arguments_and_finds_its_control_plane_here(place: Place) -> None:
    told = ["--service-node", "$(ENVOY_POD_NAME)", "--config-yaml", BOOTSTRAP, "--drain-time-s", "60"]
    spec = _envoy(place, told)
    command = list(spec.spec.command)
    assert command[1:4] == ["--service-node", "envoy-0", "--config-yaml"]
    assert command[5:] == ["--drain-time-s", "60", "--disable-hot-restart"]
    config = yaml.safe_load(command[4])
    assert config["node"]["locality"]["zone"] is None, "no zone is told to it"
    where = [config["admin"]["address"], config["static_resources"]["listeners"][0]["address"]]
    clusters = {cluster["name"]: cluster for cluster in config["static_resources"]["clusters"]}
    for name in ("prometheus_stats", "xds_cluster"):
        (locality,) = clusters[name]["load_assignment"]["endpoints"]
        where.append(locality["lb_endpoints"][0]["endpoint"]["address"])
    found_ports = [(each["socket_address"]["address"], each["socket_address"]["port_value"]) for each in where]
    assert found_ports == [
        ("127.0.0.1", USUAL[name]) for name in ("envoy-admin", "envoy-stats", "envoy-admin", "envoy-gateway-xds")
    ]
    root = place.folder("envoy") / "root"
    assert f"path: {root}/sds/xds-trusted-ca.json" in command[4]
    assert spec.files[root / "sds/xds-trusted-ca.json"].decode() == f'{{"filename": "{root}/certs/ca.crt"}}'


def test_an_envoy_without_its_bootstrap_is_not_started(place: Place) -> None:
    with pytest.raises(LookupError, match="no --config-yaml"):
        _envoy(place, ["--service-node", "x"])
