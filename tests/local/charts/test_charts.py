"""The stand-in charts: what they render for our values, and that they refuse what they do not know.

Rendering is offline, so Helm takes monitoring.coreos.com for not served: the ServiceMonitor of the DCGM exporter, which
the vendor's operator skips in that case too, is absent here.
"""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from helm_python.chart import Chart
from helm_python.errors import HelmError

from components.cluster.cluster_autoscaler import cluster_autoscaler_values
from components.cluster.external_secrets import external_secrets_values
from components.cluster.gpu_operator import gpu_operator_values
from components.cluster.karpenter.controller import karpenter_values
from components.cluster.keda import keda_values
from components.cluster.load_balancers import load_balancer_controller_values
from components.cluster.metrics_adapter import metrics_adapter_values
from components.cluster.operators.argo_rollouts import argo_rollouts_values
from components.cluster.operators.cert_manager import cert_manager_values
from components.cluster.operators.collector import collector_values
from components.cluster.operators.envoy_gateway import envoy_gateway_values
from components.cluster.operators.kserve import kserve_values
from components.cluster.operators.kubeai import kubeai_values
from components.cluster.operators.kuberay import kuberay_values
from components.cluster.prometheus_stack import prometheus_stack_values
from components.serving.backends.production_stack import router_values
from local.monitoring.programs import program_of
from local.nodes.gpu_features import CONFIG_SELECTOR, DEFAULT_ANNOTATION, MIG_MANAGER, MPS_DAEMON
from planning.model import AddonNetworkPlan, ImageMirror
from planning.versions.pins import mirrored
from tests.components.plans import (
    ARGO_ROLLOUTS,
    CACHE,
    CERT_MANAGER,
    CLUSTER_AUTOSCALER,
    COLLECTOR,
    ECR,
    ENVOY_GATEWAY,
    EXTERNAL_SECRETS,
    GPU_OPERATOR,
    KARPENTER,
    KEDA,
    KSERVE,
    KUBEAI,
    KUBERAY,
    LOAD_BALANCER_CONTROLLER,
    MIRROR,
    MODEL,
    MONITORING,
    ROUTER,
    SHARING_OPERATOR,
    on,
)
from tests.golden import assert_matches
from tests.reference_data import custom_resource_validator

CHARTS = Path(__file__).parents[3] / "local" / "charts"
GOLDENS = Path(__file__).parent / "goldens"
PROMETHEUS = "http://kube-prometheus-stack-prometheus.monitoring.svc"

Values = dict[str, Any]
BALANCERS = replace(LOAD_BALANCER_CONTROLLER, network=AddonNetworkPlan(monitoring_namespace="monitoring"))
ROUTED = on(MODEL, "production-stack")
OURS: dict[str, Values] = {
    "argo-rollouts": argo_rollouts_values(ARGO_ROLLOUTS),
    "aws-load-balancer-controller": load_balancer_controller_values(BALANCERS, "vpc-0a"),
    "cluster-autoscaler": cluster_autoscaler_values(CLUSTER_AUTOSCALER),
    "external-secrets": external_secrets_values(EXTERNAL_SECRETS),
    "gateway-helm": envoy_gateway_values(ENVOY_GATEWAY),
    "gpu-operator": gpu_operator_values(GPU_OPERATOR),
    "karpenter": karpenter_values(KARPENTER, "interruptions"),
    "keda": keda_values(KEDA),
    "cert-manager": cert_manager_values(CERT_MANAGER),
    "kserve-resources": kserve_values(KSERVE),
    "kubeai": kubeai_values(KUBEAI),
    "kuberay-operator": kuberay_values(KUBERAY),
    "kube-prometheus-stack": prometheus_stack_values(MONITORING),
    "opentelemetry-collector": collector_values(COLLECTOR),
    "prometheus-adapter": metrics_adapter_values(MONITORING, PROMETHEUS),
    "vllm-stack": router_values(ROUTED, ROUTER),
}


def _behind(mirror: ImageMirror) -> dict[str, Values]:
    """The values of each chart in a stack whose images come from there."""
    return {
        "argo-rollouts": argo_rollouts_values(replace(ARGO_ROLLOUTS, mirror=mirror)),
        "aws-load-balancer-controller": load_balancer_controller_values(replace(BALANCERS, mirror=mirror), "vpc-0a"),
        "cluster-autoscaler": cluster_autoscaler_values(replace(CLUSTER_AUTOSCALER, mirror=mirror)),
        "external-secrets": external_secrets_values(replace(EXTERNAL_SECRETS, mirror=mirror)),
        "gateway-helm": envoy_gateway_values(replace(ENVOY_GATEWAY, mirror=mirror)),
        "gpu-operator": gpu_operator_values(replace(GPU_OPERATOR, mirror=mirror)),
        "karpenter": karpenter_values(replace(KARPENTER, mirror=mirror), "interruptions"),
        "keda": keda_values(replace(KEDA, mirror=mirror)),
        "cert-manager": cert_manager_values(replace(CERT_MANAGER, mirror=mirror)),
        "kserve-resources": kserve_values(replace(KSERVE, mirror=mirror)),
        "kubeai": kubeai_values(replace(KUBEAI, mirror=mirror)),
        "kuberay-operator": kuberay_values(replace(KUBERAY, mirror=mirror)),
        "kube-prometheus-stack": prometheus_stack_values(replace(MONITORING, mirror=mirror)),
        "opentelemetry-collector": collector_values(replace(COLLECTOR, mirror=mirror)),
        "prometheus-adapter": metrics_adapter_values(replace(MONITORING, mirror=mirror), PROMETHEUS),
        "vllm-stack": router_values(ROUTED, replace(ROUTER, repository=mirrored(ROUTER.repository, mirror))),
    }


MIRRORED, CACHED = _behind(MIRROR), _behind(CACHE)
VERSIONS = {
    "argo-rollouts": "2.41.0",
    "aws-load-balancer-controller": "3.5.0",
    "cert-manager": "v1.21.1",
    "cluster-autoscaler": "9.59.0",
    "external-secrets": "2.9.0",
    "gateway-helm": "v1.9.0",
    "gpu-operator": "v26.7.0",
    "karpenter": "1.14.1",
    "keda": "2.20.2",
    "kserve-resources": "v0.20.0",
    "kubeai": "0.21.0",
    "kuberay-operator": "1.7.0",
    "kube-prometheus-stack": "88.5.3",
    "opentelemetry-collector": "0.170.0",
    "prometheus-adapter": "5.3.0",
    "vllm-stack": "0.1.12",
}
EVERY = sorted(OURS)


@cache
def _chart(name: str) -> Chart:
    return Chart.load(CHARTS / name)


def _render(name: str, values: Values) -> list[dict[str, Any]]:
    namespace = name if name in ("gpu-operator", "keda") else "monitoring"
    files = _chart(name).render(values, name=name, namespace=namespace)
    documents = (yaml.safe_load_all(text) for _, text in sorted(files.items()))
    rendered = [document for file in documents for document in file if document]
    for document in rendered:
        if document.get("type") == "kubernetes.io/tls":  # keys are other ones each time
            document["data"] = dict.fromkeys(document["data"], "bWFkZQ==")
        for webhook in document.get("webhooks", []):
            webhook["clientConfig"]["caBundle"] = "bWFkZQ=="
    return rendered


def _with(values: Values, path: str, value: Any) -> Values:
    changed = copy.deepcopy(values)
    *parents, last = path.split(".")
    target = changed
    for key in parents:
        target = target.setdefault(key, {})
    target[last] = value
    return changed


def _of(documents: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def _pod_specs(documents: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents:
        if document["kind"] in ("Deployment", "DaemonSet"):
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", EVERY)
def test_a_chart_says_what_it_is_and_has_the_real_ones_name_and_version(name: str) -> None:
    metadata = _chart(name).metadata
    assert (metadata["name"], metadata["version"]) == (name, VERSIONS[name])
    assert metadata["description"] == "stand-in for the embedded platform, not the vendor chart"
    assert "not the vendor chart" in (CHARTS / name / "README.md").read_text()


@pytest.mark.parametrize("name", EVERY)
def test_our_values_render(name: str) -> None:
    text = "---\n".join(yaml.safe_dump(document, sort_keys=False, width=1000) for document in _render(name, OURS[name]))
    assert_matches(GOLDENS / f"{name}.yaml", text)


@pytest.mark.parametrize("name", EVERY)
def test_built_in_objects_are_valid(name: str) -> None:
    for document in _render(name, OURS[name]):
        if not document["apiVersion"].startswith(("monitoring.coreos.com", "serving.kserve.io")):
            kubernetes_validate.validate(document, "1.36", strict=True)


def test_custom_resources_are_valid_against_their_definitions() -> None:
    checked = set()
    for document in _render("kube-prometheus-stack", OURS["kube-prometheus-stack"]):
        if document["apiVersion"] == "monitoring.coreos.com/v1":
            custom_resource_validator(document["apiVersion"], document["kind"]).validate(
                {key: document[key] for key in document if key != "metadata"}
            )
            checked.add(document["kind"])
    assert checked == {"Prometheus", "Alertmanager", "ServiceMonitor", "PrometheusRule"}


def _images(name: str, values: Values) -> list[str]:
    documents = _render(name, values)
    images = [c["image"] for _, spec in _pod_specs(documents) for c in spec["containers"]]
    assert images
    return [*images, *(d["spec"]["image"] for d in documents if d["kind"] in ("Prometheus", "Alertmanager"))]


@pytest.mark.parametrize("name", EVERY)
def test_a_mirror_reaches_every_image(name: str) -> None:
    assert [image for image in _images(name, MIRRORED[name]) if not image.startswith(MIRROR)] == []


@pytest.mark.parametrize("name", EVERY)
def test_a_cache_has_each_image_below_its_registrys_prefix_and_nvidias_stay_where_they_are(name: str) -> None:
    expected = [mirrored(_with_registry(image), CACHE) for image in _images(name, OURS[name])]
    assert sorted(_images(name, CACHED[name])) == sorted(expected)
    assert [image for image in expected if not image.startswith((f"{ECR}/prod/", "nvcr.io/"))] == []


def _with_registry(image: str) -> str:
    return image if "." in image.partition("/")[0] else f"docker.io/{image}"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gpu-operator", "drivers"),
        ("gpu-operator", "operator.defaultRuntime"),  # gone since v25.3.4; guides still set it
        ("gpu-operator", "dcgmExporter.serviceMonitor.enable"),
        ("kube-prometheus-stack", "prometheus.prometheusSpec.retentoin"),
        ("kube-prometheus-stack", "grafana.adminPassword"),
        ("prometheus-adapter", "rules.defaults"),
        ("prometheus-adapter", "prometheus.host"),
        ("cluster-autoscaler", "extraArgs.scale-down-unneeded-tme"),
        ("external-secrets", "processClusterStores"),
        ("opentelemetry-collector", "alternateConfigs"),
        ("aws-load-balancer-controller", "enableWafV2"),
        ("karpenter", "settings.interruptionQueu"),
        ("karpenter", "settings.featureGates.drift"),  # gone since v1; guides still set it
        ("karpenter", "controller.image.digest"),
        ("kubeai", "modelAutoscaling.window"),
        ("kubeai", "resourceProfiles.llama.gpus"),
    ],
)
def test_a_value_that_the_chart_does_not_know_is_refused(name: str, path: str) -> None:
    with pytest.raises(HelmError, match=path.rpartition(".")[2]):
        _render(name, _with(OURS[name], path, "x"))


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        ("gpu-operator", "cdi.nriPluginEnabled", True, "refuses NRI without its container toolkit"),
        ("gpu-operator", "gpuCluster.deployCR", True, "excludes the ClusterPolicy"),
        (
            "gpu-operator",
            "devicePlugin.config",
            {"create": True, "name": "c", "default": "b", "data": {"a": "version: v1"}},
            'devicePlugin.config.default "b" is not a key',
        ),
        ("gpu-operator", "daemonsets.tolerations", [{"key": "k", "effect": "NoScedule"}], "effect"),
        ("kube-prometheus-stack", "grafana.admin.existingSecret", "", "grafana.admin.existingSecret is needed"),
        ("kube-prometheus-stack", "prometheus.prometheusSpec.retentionSize", "45G", "retentionSize"),
        ("prometheus-adapter", "rules.external", [{"seriesQuery": "up", "metricsQuery": "up"}], "external"),
    ],
)
def test_a_value_that_cannot_work_is_refused(name: str, path: str, value: Any, message: str) -> None:
    with pytest.raises(HelmError, match=re.escape(message)):
        _render(name, _with(OURS[name], path, value))


def test_the_operands_run_where_the_operator_puts_them() -> None:
    daemonsets = _of(_render("gpu-operator", OURS["gpu-operator"]), "DaemonSet")
    selectors = {name: d["spec"]["template"]["spec"].get("nodeSelector") for name, d in daemonsets.items()}
    assert selectors == {
        "nvidia-operator-validator": {"nvidia.com/gpu.deploy.operator-validator": "true"},
        "nvidia-device-plugin-daemonset": {"nvidia.com/gpu.deploy.device-plugin": "true"},
        "gpu-feature-discovery": {"nvidia.com/gpu.deploy.gpu-feature-discovery": "true"},
        "nvidia-dcgm-exporter": {"nvidia.com/gpu.deploy.dcgm-exporter": "true"},
        "gpu-operator-node-feature-discovery-worker": None,
    }


def test_the_switches_of_the_operands_work() -> None:
    everything = _with(_with(OURS["gpu-operator"], "driver.enabled", True), "toolkit.enabled", True)
    nothing = OURS["gpu-operator"]
    for operand in ("devicePlugin", "gfd", "dcgmExporter"):
        nothing = _with(nothing, f"{operand}.enabled", False)
    assert {"nvidia-driver-daemonset", "nvidia-container-toolkit-daemonset"} <= set(
        _of(_render("gpu-operator", everything), "DaemonSet")
    )
    assert set(_of(_render("gpu-operator", nothing), "DaemonSet")) == {
        "nvidia-operator-validator",
        "gpu-operator-node-feature-discovery-worker",
    }
    assert "nvidia-dcgm-exporter" not in _of(_render("gpu-operator", nothing), "Service")


def test_the_tolerations_of_the_operands_are_those_of_the_values_and_no_others() -> None:
    odd = [{"key": "other", "operator": "Exists", "effect": "NoSchedule"}]
    documents = _render("gpu-operator", _with(OURS["gpu-operator"], "daemonsets.tolerations", odd))
    for name, spec in _pod_specs(documents):
        if name.startswith(("nvidia-", "gpu-feature")):
            assert spec["tolerations"] == odd, name


def test_sharing_brings_its_config_map_its_daemons_and_a_mig_manager_that_may_reboot() -> None:
    documents = _render("gpu-operator", gpu_operator_values(SHARING_OPERATOR))
    config = _of(documents, "ConfigMap")["device-plugin-config"]
    assert set(config["data"]) == {"whole", "mps-2", "time-slicing-4"}
    key, value = CONFIG_SELECTOR.split("=")
    assert config["metadata"]["labels"][key] == value
    assert config["metadata"]["annotations"][DEFAULT_ANNOTATION] == "whole"
    daemonsets = _of(documents, "DaemonSet")
    mps = daemonsets[MPS_DAEMON]["spec"]["template"]["spec"]
    assert mps["nodeSelector"] == {"nvidia.com/gpu.deploy.device-plugin": "true", "nvidia.com/mps.capable": "true"}
    mig = daemonsets[MIG_MANAGER]["spec"]["template"]["spec"]
    assert mig["nodeSelector"] == {"nvidia.com/gpu.deploy.mig-manager": "true"}
    assert mig["containers"][0]["env"] == [{"name": "WITH_REBOOT", "value": "true"}]
    for document in documents:
        kubernetes_validate.validate(document, "1.36", strict=True)


def test_a_device_plugin_configuration_becomes_its_config_map() -> None:
    config = {"create": True, "name": "device-plugin-config", "default": "a", "data": {"a": "version: v1\n"}}
    config_map = _of(_render("gpu-operator", _with(OURS["gpu-operator"], "devicePlugin.config", config)), "ConfigMap")
    assert config_map["device-plugin-config"]["data"] == {"a": "version: v1\n"}
    assert _of(_render("gpu-operator", OURS["gpu-operator"]), "ConfigMap") == {}


@pytest.mark.parametrize("kind", ["serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"])
def test_monitors_are_selected_as_the_values_ask(kind: str) -> None:
    def selector(values: Values) -> Any:
        prometheus = _of(_render("kube-prometheus-stack", values), "Prometheus")
        return prometheus["kube-prometheus-stack-prometheus"]["spec"][f"{kind}Selector"]

    ours, path = OURS["kube-prometheus-stack"], "prometheus.prometheusSpec"
    assert selector(ours) == {}  # every one
    of_release = {"matchLabels": {"release": "kube-prometheus-stack"}}
    assert selector(_with(ours, f"{path}.{kind}SelectorNilUsesHelmValues", True)) == of_release
    wanted = {"matchLabels": {"team": "a"}}
    assert selector(_with(ours, f"{path}.{kind}Selector", wanted)) == wanted


def test_services_have_the_names_that_others_rely_on() -> None:
    services = _of(_render("kube-prometheus-stack", OURS["kube-prometheus-stack"]), "Service")
    assert {name: service["spec"]["ports"][0]["port"] for name, service in services.items()} == {
        "kube-prometheus-stack-prometheus": 9090,
        "kube-prometheus-stack-alertmanager": 9093,
        "kube-prometheus-stack-operator": 443,
        "kube-prometheus-stack-grafana": 80,
        "kube-prometheus-stack-kube-state-metrics": 8080,
        "kube-prometheus-stack-prometheus-node-exporter": 9100,
    }


def test_what_eks_hides_is_not_monitored() -> None:
    hidden = {f"kube-prometheus-stack-kube-{part}" for part in ("controller-manager", "scheduler", "etcd", "proxy")}
    ours = OURS["kube-prometheus-stack"]
    assert hidden & set(_of(_render("kube-prometheus-stack", ours), "ServiceMonitor")) == set()
    switched_on = _with(ours, "kubeProxy.enabled", True)
    assert "kube-prometheus-stack-kube-proxy" in _of(_render("kube-prometheus-stack", switched_on), "ServiceMonitor")


def test_grafanas_password_comes_from_its_secret_only() -> None:
    deployment = _of(_render("kube-prometheus-stack", OURS["kube-prometheus-stack"]), "Deployment")[
        "kube-prometheus-stack-grafana"
    ]
    grafana = next(c for c in deployment["spec"]["template"]["spec"]["containers"] if c["name"] == "grafana")
    references = {e["name"]: e["valueFrom"]["secretKeyRef"] for e in grafana["env"]}
    assert references["GF_SECURITY_ADMIN_PASSWORD"] == {"name": "grafana-admin", "key": "admin-password"}
    without = _render("kube-prometheus-stack", prometheus_stack_values(replace(MONITORING, grafana=False)))
    assert "kube-prometheus-stack-grafana" not in _of(without, "Deployment")


def test_the_adapters_rules_are_those_of_the_values() -> None:
    values = OURS["prometheus-adapter"]
    config = _of(_render("prometheus-adapter", values), "ConfigMap")["prometheus-adapter"]["data"]["config.yaml"]
    assert yaml.safe_load(config) == {"rules": values["rules"]["custom"]}


def test_the_autoscaler_is_told_what_the_plan_says_and_looks_for_the_clusters_tags() -> None:
    documents = _render("cluster-autoscaler", OURS["cluster-autoscaler"])
    deployment = _of(documents, "Deployment")["cluster-autoscaler"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    discovery = "asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/main"
    assert f"--node-group-auto-discovery={discovery}" in container["command"]
    for name, value in CLUSTER_AUTOSCALER.arguments.items():
        assert f"--{name}={str(value).lower() if isinstance(value, bool) else value}" in container["command"]
    monitor = _of(documents, "ServiceMonitor")["cluster-autoscaler"]
    service = _of(documents, "Service")["cluster-autoscaler"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_a_changed_rule_restarts_the_adapter() -> None:
    def checksum(values: Values) -> str:
        deployment = _of(_render("prometheus-adapter", values), "Deployment")["prometheus-adapter"]
        return str(deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"])

    ours = OURS["prometheus-adapter"]
    assert checksum(ours) == checksum(copy.deepcopy(ours))
    assert checksum(ours) != checksum(_with(ours, "rules.default", True))


def test_the_adapter_asks_the_prometheus_of_the_values() -> None:
    deployment = _of(_render("prometheus-adapter", OURS["prometheus-adapter"]), "Deployment")["prometheus-adapter"]
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert f"--prometheus-url={PROMETHEUS}:9090" in arguments


def test_an_api_service_leads_to_a_service_of_its_own_chart() -> None:
    """Without a server behind it an APIService blocks the deletion of every namespace."""
    registered = {}
    for name in EVERY:
        documents = _render(name, OURS[name])
        for api_service in _of(documents, "APIService").values():
            registered[api_service["spec"]["group"]] = name
            port = api_service["spec"]["service"]["port"]
            service = _of(documents, "Service")[api_service["spec"]["service"]["name"]]
            assert port in [port["port"] for port in service["spec"]["ports"]]
    assert registered == {"custom.metrics.k8s.io": "prometheus-adapter", "external.metrics.k8s.io": "keda"}


@pytest.mark.parametrize("chart", ["keda", "kube-prometheus-stack", "prometheus-adapter"])
def test_a_program_that_runs_here_is_found_by_the_image_of_a_chart_also_from_a_mirror(chart: str) -> None:
    """The supervisor starts a real program for pods with its image; Prometheus' pods come from the operator."""
    expected = {
        "keda": {"keda-operator", "keda-adapter"},
        "kube-prometheus-stack": {"prometheus-operator"},
        "prometheus-adapter": {"prometheus-adapter"},
    }
    for values in (OURS[chart], MIRRORED[chart]):
        specs = [{"spec": spec} for _, spec in _pod_specs(_render(chart, values))]
        assert {container[0].name for container in map(program_of, specs) if container} == expected[chart]


def test_definitions_put_beside_a_chart_are_applied_first_and_not_rendered(tmp_path: Path) -> None:
    copied = shutil.copytree(CHARTS / "kube-prometheus-stack", tmp_path / "kube-prometheus-stack")
    (copied / "crds").mkdir()
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "x"},
    }
    (copied / "crds" / "x.yaml").write_text(yaml.safe_dump(definition))
    chart = Chart.load(copied)
    assert [crd["filename"].rpartition("/")[2] for crd in chart.crds] == ["x.yaml"]
    rendered = chart.render(OURS["kube-prometheus-stack"], name="x", namespace="y")
    assert not any("CustomResourceDefinition" in text for text in rendered.values())


def test_no_definitions_are_kept_in_git() -> None:
    assert list(CHARTS.glob("*/crds")) == []


def test_karpenters_replicas_stand_on_nodes_that_it_does_not_end_each_on_its_own() -> None:
    (spec,) = (spec for _, spec in _pod_specs(_render("karpenter", OURS["karpenter"])))
    own = {"matchLabels": {"app.kubernetes.io/name": "karpenter", "app.kubernetes.io/instance": "karpenter"}}
    apart = spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart == [{"topologyKey": "kubernetes.io/hostname", "labelSelector": own}]
    assert [constraint["labelSelector"] for constraint in spec["topologySpreadConstraints"]] == [own]
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}]


def test_the_chart_of_karpenters_definitions_has_the_real_ones_name_and_version_and_refuses_values() -> None:
    """What it brings comes out of the Go module (local/build/definitions.py): nothing is rendered without it."""
    metadata = _chart("karpenter-crd").metadata
    assert (metadata["name"], metadata["version"]) == ("karpenter-crd", VERSIONS["karpenter"])
    assert _render("karpenter-crd", {}) == []
    with pytest.raises(HelmError, match="webhook"):
        _render("karpenter-crd", {"webhook": {"enabled": True}})
