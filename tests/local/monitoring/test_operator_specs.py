"""Operators of serving backends: everything on 127.0.0.1, with the certificate and the environment of their pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster.operators.collector import collector_values
from components.serving.backends.llm_d import beside
from local.control_plane.certificates import ensure_pki, kubeconfig
from local.host.ports import USUAL
from local.monitoring.place import Place
from local.monitoring.specs import wanted
from tests.components.plans import COLLECTOR, MODEL, on
from tests.local.monitoring.objects import pod
from tests.local.places import paths_in

IMAGE = "docker.io/kserve/kserve-controller:v0.20.0"
LWS = "registry.k8s.io/lws/lws:v0.7.0"
ROLLOUTS = "quay.io/argoproj/argo-rollouts:v1.9.0"
CERTIFICATES = "/tmp/k8s-webhook-server/serving-certs"
POD: dict[str, Any] = {
    "namespace": "kserve",
    "args": ["--metrics-addr=127.0.0.1:8080", "--leader-elect=true", "--zap-log-level=info"],
    "env": [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
    "volumeMounts": [{"name": "cert", "mountPath": CERTIFICATES}],
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    paths = paths_in(tmp_path)
    return Place(paths, ensure_pki(paths.pki), USUAL)


def test_kserves_webhooks_answer_here_with_the_certificate_of_its_pod(place: Place) -> None:
    plan = wanted(place, pod("kserve-0", IMAGE, **POD), {f"{CERTIFICATES}/tls.crt": b"pem"})
    assert plan.spec.command == (
        str(place.paths.tools_bin / "kserve-controller"),
        f"--metrics-addr=127.0.0.1:{USUAL['kserve-metrics']}",
        f"--health-probe-addr=127.0.0.1:{USUAL['kserve-health']}",
        f"--webhook-port={USUAL['kserve-webhook']}",
        "--zap-log-level=info",
    )
    environment = plan.spec.environment
    assert environment["POD_NAMESPACE"] == "kserve"
    assert plan.files[Path(environment["WEBHOOK_CERTIFICATES"]) / "tls.crt"] == b"pem"


def test_lws_is_told_by_its_pods_file_where_it_listens_here_and_may_do_what_its_account_may(place: Place) -> None:
    path = "/controller_manager_config.yaml"
    files = {
        path: b"apiVersion: config.lws.x-k8s.io/v1alpha1\nkind: Configuration\n"
        b"leaderElection: {leaderElect: true}\ninternalCertManagement: {enable: true}\n",
        f"{CERTIFICATES}/tls.crt": b"pem",
    }
    place.paths.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    place.paths.kubeconfig.write_text(kubeconfig(place.pki, "admin", "https://127.0.0.1:6443"))
    item = pod("lws-0", LWS, namespace="lws-system", args=[f"--config={path}", "--zap-log-level=2"],
               serviceAccountName="lws-controller-manager")  # fmt: skip
    plan = wanted(place, item, files)
    root = place.folder("lws-controller") / "root"
    own = root / path.lstrip("/")
    assert plan.spec.command == (str(place.paths.tools_bin / "lws-controller"), f"--config={own}", "--zap-log-level=2")
    assert yaml.safe_load(plan.files[own]) == {
        "apiVersion": "config.lws.x-k8s.io/v1alpha1",
        "kind": "Configuration",
        "internalCertManagement": {"enable": True},
        "leaderElection": {"leaderElect": True},
        "webhook": {"host": "127.0.0.1", "port": USUAL["lws-webhook"], "certDir": f"{root}{CERTIFICATES}"},
        "metrics": {"bindAddress": f"127.0.0.1:{USUAL['lws-metrics']}"},
        "health": {"healthProbeBindAddress": f"127.0.0.1:{USUAL['lws-health']}"},
    }
    assert plan.files[root / CERTIFICATES.lstrip("/") / "tls.crt"] == b"pem"
    (user,) = yaml.safe_load(plan.files[Path(plan.spec.environment["KUBECONFIG"])])["users"]
    assert user["user"]["as"] == "system:serviceaccount:lws-system:lws-controller-manager"
    assert "system:masters" not in user["user"]["as-groups"]
    with pytest.raises(LookupError, match="in none of the pod's volumes"):
        wanted(place, item, {})
    elsewhere = {**item, "metadata": item["metadata"] | {"namespace": "groups"}}
    with pytest.raises(LookupError, match="write lws-system"):
        wanted(place, elsewhere, files)


def test_kuberay_listens_here_and_asks_heads_by_name_through_the_pod_network(place: Place) -> None:
    arguments = ["--feature-gates=RayClusterStatusConditions=true", "--enable-leader-election=true", "--qps=100"]
    item = pod("kuberay-0", "quay.io/kuberay/operator:v1.7.0", namespace="kuberay", args=arguments)
    found = wanted(place, item, {})
    assert found.spec.command == (
        str(place.paths.tools_bin / "kuberay-operator"),
        f"--metrics-addr=127.0.0.1:{USUAL['kuberay-metrics']}",
        f"--health-probe-bind-address=127.0.0.1:{USUAL['kuberay-health']}",
        "--enable-leader-election=false",
        "--feature-gates=RayClusterStatusConditions=true",
        "--qps=100",
    )
    assert found.spec.environment["HTTP_PROXY"] == f"http://127.0.0.1:{USUAL['pod-network']}"


def test_the_picker_scrapes_servers_through_the_pod_network_with_llm_ds_configuration_in_upstreams_words(
    place: Place,
) -> None:
    served = on(MODEL, "llm-d")
    assert served.picker is not None
    made = beside(served)
    (container,) = made["picker"]["spec"]["template"]["spec"]["containers"]
    files = {"/config/picker.yaml": made["picker-config"]["data"]["picker.yaml"].encode()}
    found = wanted(place, pod("llama-picker-0", container["image"], args=container["args"]), files)
    assert found.spec.command[1:] == (
        f"--grpc-port={USUAL['picker-grpc']}",
        f"--grpc-health-port={USUAL['picker-health']}",
        f"--metrics-port={USUAL['picker-metrics']}",
        f"--config-file={place.folder('endpoint-picker') / 'picker.yaml'}",
        "--refresh-metrics-interval=500ms",
        f"--pool-name={served.name}",
        "--pool-namespace=models",
        "--pool-group=inference.networking.k8s.io",
        "--zap-encoder=json",
        "--tracing=false",
    )
    (text,) = found.files.values()
    config = yaml.safe_load(text)
    assert config["apiVersion"] == "inference.networking.x-k8s.io/v1alpha1"
    assert [each["type"] for each in config["plugins"]] == list(served.picker.scorers)
    assert config["schedulingProfiles"][0]["plugins"][2] == {"pluginRef": "prefix-cache-scorer", "weight": 3}
    with pytest.raises(LookupError, match=r"picker\.yaml"):
        wanted(place, pod("llama-picker-0", container["image"]), {})


def test_without_its_certificate_it_does_not_start(place: Place) -> None:
    with pytest.raises(LookupError, match=r"tls\.crt"):
        wanted(place, pod("kserve-0", IMAGE, **POD), {})


def test_argo_rollouts_is_alone_here_and_finds_services_by_the_pod_network(place: Place) -> None:
    told = ["--healthzPort=8080", "--metricsPort=8090", "--loglevel=info", "--leader-elect"]
    found = wanted(place, pod("rollouts-0", ROLLOUTS, namespace="argo-rollouts", args=told, env=POD["env"]), {})
    assert found.spec.command == (
        str(place.paths.tools_bin / "rollouts-controller"),
        f"--kubeconfig={place.paths.kubeconfig}",
        f"--metricsPort={USUAL['rollouts-metrics']}",
        f"--healthzPort={USUAL['rollouts-health']}",
        "--leader-elect=false",
        "--loglevel=info",
    )
    assert found.spec.environment["POD_NAMESPACE"] == "argo-rollouts"
    assert found.spec.environment["HTTP_PROXY"] == f"http://127.0.0.1:{USUAL['pod-network']}"


COLLECTOR_POD: dict[str, Any] = {
    "namespace": "tracing",
    "args": ["--config=/conf/relay.yaml"],
    "env": [{"name": "MY_POD_IP", "value": "10.244.0.9"}, {"name": "OTLP_AUTHORIZATION", "value": "Bearer made"}],
}


def _collector(place: Place, config: dict[str, Any]) -> Any:
    item = pod("collector-0", "docker.io/otel/opentelemetry-collector-k8s:0.158.0", **COLLECTOR_POD)
    return wanted(place, item, {"/conf/relay.yaml": yaml.safe_dump(config).encode()})


def test_the_collector_has_its_releases_configuration_with_other_addresses_only(place: Place) -> None:
    rendered = collector_values(COLLECTOR)["alternateConfig"]
    plan = _collector(place, rendered)
    own = place.folder("otel-collector") / "relay.yaml"
    assert plan.spec.command == (str(place.paths.tools_bin / "otel-collector"), f"--config={own}")
    here = {"endpoint": f"127.0.0.1:{USUAL['collector-otlp']}"}
    assert yaml.safe_load(plan.files[own]) == {
        **rendered,
        "receivers": {"otlp": {"protocols": {"grpc": here}}},
        "extensions": {"health_check": {"endpoint": f"127.0.0.1:{USUAL['collector-health']}"}},
    }
    environment = plan.spec.environment
    assert environment["OTLP_AUTHORIZATION"] == "Bearer made"
    assert environment["HTTP_PROXY"] == f"http://127.0.0.1:{USUAL['pod-network']}"
    assert environment["HTTPS_PROXY"] == f"http://127.0.0.1:{USUAL['pod-network-names']}"


def test_a_collector_whose_configuration_does_not_say_where_it_listens_is_not_started(place: Place) -> None:
    rendered = collector_values(COLLECTOR)["alternateConfig"]
    with pytest.raises(LookupError, match="has no health_check"):
        _collector(place, {**rendered, "extensions": {}})
    with pytest.raises(LookupError, match=r"/conf/relay\.yaml is in none"):
        wanted(place, pod("collector-0", "otel/opentelemetry-collector-k8s:0.158.0", **COLLECTOR_POD), {})
