"""How programs are started for their pods."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from local.control_plane.certificates import ensure_pki
from local.host.ports import USUAL
from local.monitoring.place import Place, Wanted
from local.monitoring.programs import PROGRAMS
from local.monitoring.specs import wanted
from tests.local.monitoring.objects import pod
from tests.local.places import paths_in

FILES = {
    "/etc/prometheus/config/prometheus.yaml.gz": gzip.compress(b"rule_files: [/etc/prometheus/rules/r/*.yaml]"),
    "/etc/alertmanager/config/alertmanager.yaml.gz": gzip.compress(b"templates: [/etc/alertmanager/config/*.tmpl]"),
    "/etc/adapter/config.yaml": b"rules: []",
    "/etc/prometheus/rules/r/a.yaml": b"groups: []",
}
# What the charts and the operator give each of them: addresses and files of a container among it.
ARGUMENTS = {
    "prometheus": [
        "--config.file=/etc/prometheus/config_out/prometheus.env.yaml", "--web.enable-lifecycle",
        "--storage.tsdb.path=/prometheus", "--web.config.file=/etc/prometheus/web_config/web-config.yaml",
        "--storage.tsdb.wal-compression", "--web.listen-address=:9090",
    ],
    "alertmanager": [
        "--config.file=/etc/alertmanager/config_out/alertmanager.env.yaml", "--storage.path=/alertmanager",
        "--cluster.listen-address=[$(POD_IP)]:9094", "--web.listen-address=:9093", "--cluster.peer=x:9094",
    ],
    "prometheus-operator": ["--kubelet-service=kube-system/kubelet", "--prometheus-config-reloader=quay.io/x:v1"],
    "prometheus-adapter": [
        "/adapter", "--secure-port=6443", "--cert-dir=/tmp/cert", "--config=/etc/adapter/config.yaml", "--v=4",
    ],
    "keda-operator": ["--leader-elect", "--cert-dir=/certs", "--enable-cert-rotation=true", "--zap-log-level=info"],
    "keda-adapter": [
        "--port=8080", "--secure-port=6443", "--client-ca-file=/certs/ca.crt", "--cert-dir=/certs", "--v=0",
        "--metrics-service-address=keda-operator.keda.svc.cluster.local:9666",
    ],
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Place:
    paths = paths_in(tmp_path)
    return Place(paths, ensure_pki(paths.pki), USUAL)


def started(place: Place, program: str) -> Wanted:
    image = next(p.image for p in PROGRAMS if p.name == program)
    mounts = [
        {"name": "r", "mountPath": "/etc/prometheus/rules/r"},
        {"name": "a", "mountPath": "/etc/alertmanager/config"},
    ]
    return wanted(
        place, pod(f"{program}-0", f"quay.io/{image}:v1", args=ARGUMENTS[program], volumeMounts=mounts), FILES
    )


@pytest.mark.parametrize("program", list(ARGUMENTS))
def test_every_program_listens_on_loopback_only_and_reads_no_file_of_a_container(place: Place, program: str) -> None:
    command = started(place, program).spec.command
    assert command[0] == str(place.paths.tools_bin / program)
    known = {"/-/", str(place.paths.state), str(place.paths.repo)}
    for argument in command[1:]:
        flag, _, value = argument.partition("=")
        if re.search(r"(listen|bind|service)-address$", flag) and value:
            assert value.startswith("127.0.0.1"), argument
        assert not value.startswith("/") or any(value.startswith(folder) for folder in known), argument


def test_prometheus_gets_the_operators_configuration_and_the_rules_as_files(place: Place) -> None:
    spec = started(place, "prometheus")
    root = place.folder("prometheus") / "root"
    assert spec.files[root / "etc/prometheus/rules/r/a.yaml"] == b"groups: []"
    config = spec.files[place.folder("prometheus") / "prometheus.yaml"].decode()
    assert f"{root}/etc/prometheus/rules/r/*.yaml" in config
    assert spec.reload_url == f"http://127.0.0.1:{USUAL['prometheus']}/-/reload"


def test_a_program_without_its_configuration_is_not_started(place: Place) -> None:
    with pytest.raises(LookupError, match=r"prometheus\.yaml\.gz is in none"):
        wanted(place, pod("prometheus-0"), {})


def test_the_adapter_is_restarted_when_its_rules_change_and_finds_prometheus_by_its_services_name(place: Place) -> None:
    spec = started(place, "prometheus-adapter").spec
    assert [path.name for path in spec.content] == ["config.yaml"]
    assert spec.environment["HTTP_PROXY"] == f"http://127.0.0.1:{USUAL['pod-network']}"


def test_keda_has_certificates_of_the_platforms_authority(place: Place) -> None:
    started(place, "keda-operator")
    folder = place.folder("keda") / "certificates"
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(made) == {"ca.crt", "tls.crt", "tls.key"}
    started(place, "keda-adapter")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made


def test_external_secrets_asks_the_endpoint_with_its_service_accounts_role(place: Place) -> None:
    image = "ghcr.io/external-secrets/external-secrets:v2.9.0"
    arguments = ["--concurrent=1", "--metrics-addr=:8080", "--live-addr=:8082", "--enable-push-secret-reconciler=false"]
    account = "external-secrets"
    spec = wanted(place, pod("eso-0", image, namespace=account, args=arguments, serviceAccountName=account), {}).spec
    assert spec.command == (
        str(place.paths.tools_bin / "external-secrets"),
        f"--metrics-addr=127.0.0.1:{USUAL['external-secrets-metrics']}",
        "--concurrent=1",
        "--enable-push-secret-reconciler=false",
    )
    asked = "region=&cluster=&namespace=external-secrets&serviceAccount=external-secrets"
    endpoint = f"http://127.0.0.1:{USUAL['aws']}"
    assert spec.environment == {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{endpoint}/moto-api/local/pod-identity?{asked}",
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SECRETSMANAGER_ENDPOINT": endpoint,
        "AWS_STS_ENDPOINT": endpoint,
        "KUBECONFIG": str(place.paths.kubeconfig),
    }


def test_karpenter_has_its_containers_settings_and_its_own_ports_on_this_machine(place: Place) -> None:
    env = [
        {"name": "CLUSTER_NAME", "value": "c"},
        {"name": "AWS_REGION", "value": "us-west-2"},
        {"name": "METRICS_PORT", "value": "8080"},
        {"name": "HEALTH_PROBE_PORT", "value": "8081"},
        {"name": "SYSTEM_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]
    image = "public.ecr.aws/karpenter/controller:1.14.1"
    spec = wanted(
        place, pod("karpenter-0", image, namespace="kube-system", env=env, serviceAccountName="karpenter"), {}
    ).spec
    assert spec.command == (str(place.paths.tools_bin / "karpenter-controller"),)
    asked = "region=us-west-2&cluster=c&namespace=kube-system&serviceAccount=karpenter"
    assert spec.environment == {
        "AWS_REGION": "us-west-2",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{USUAL['aws']}/moto-api/local/pod-identity?{asked}",
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "CLUSTER_NAME": "c",
        "SYSTEM_NAMESPACE": "kube-system",
        "METRICS_PORT": str(USUAL["karpenter-metrics"]),
        "HEALTH_PROBE_PORT": str(USUAL["karpenter-health"]),
        "KUBECONFIG": str(place.paths.kubeconfig),
        "DISABLE_LEADER_ELECTION": "true",
    }
