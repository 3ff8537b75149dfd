"""`PrometheusStack`: kube-prometheus-stack with what differs on EKS, and Grafana's password in a Secret only.

Its namespace is `privileged`: node-exporter shares the node's network and process ids and reads its root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.alerts import StackRules, StackRulesArgs
from components.cluster.dashboards import Dashboards, DashboardsArgs
from components.cluster.namespace import namespace_manifest
from components.cluster.network_policies import monitoring_policies, register_policies
from components.helm import release_arguments
from components.manifest import Manifest, arguments
from planning.model import (
    OWN_LABELS,
    POOL_LABEL,
    PROMETHEUS_RELEASE,
    PROMETHEUS_SERVICE,
    MonitoringPlan,
    PullThroughPlan,
    WebhookPlan,
)
from planning.versions import pins
from planning.versions.pins import mirrored

GRAFANA_SECRET = "grafana-admin"
WEBHOOK_SECRET, WEBHOOK_KEY = "alertmanager-webhook", "url"
# Where the operator mounts a Secret that alertmanagerSpec.secrets names.
WEBHOOK_FILE = f"/etc/alertmanager/secrets/{WEBHOOK_SECRET}/{WEBHOOK_KEY}"
# kube-state-metrics shows no labels by itself; cost and spot alerts need these two of nodes.
NODE_LABELS = (POOL_LABEL, "node.kubernetes.io/instance-type")

# EKS runs these where they cannot be scraped (kube-proxy listens on 127.0.0.1): their targets would be down forever.
NOT_ON_EKS = ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy")
RULES_NOT_ON_EKS = (
    "etcd",
    "kubeControllerManager",
    "kubeProxy",
    "kubeSchedulerAlerting",
    "kubeSchedulerRecording",
)
# Alerts of the chart that fire forever in a healthy stack of ours.
ALERTS_NOT_FOR_US = (
    # They ask that the cluster could lose its largest node: here a pod asks for what its GPU node has, nodes are bought
    # for pods and go with them, and the plan has checked that they fit.
    "KubeCPUOvercommit",
    "KubeMemoryOvercommit",
    # Also where minReplicas is maxReplicas. Ours is VllmAutoscalerAtMax, per model and only where it may scale.
    "KubeHpaMaxedOut",
)
# Every monitor in every namespace counts; true would select only those labelled with the release's name.
SELECTORS = ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig")

UPGRADE_TAGS = {image.repository: image.tag for image in (pins.BUSYBOX, pins.KUBECTL)}

# Registry of each image (values.yaml of the chart and of its sub-charts) by path of its value.
IMAGE_REGISTRIES = {
    ("prometheus", "prometheusSpec", "image", "registry"): "quay.io",
    ("alertmanager", "alertmanagerSpec", "image", "registry"): "quay.io",
    ("prometheusOperator", "image", "registry"): "quay.io",
    ("prometheusOperator", "prometheusConfigReloader", "image", "registry"): "quay.io",
    ("prometheusOperator", "admissionWebhooks", "patch", "image", "registry"): "ghcr.io",
    ("crds", "upgradeJob", "image", "busybox", "registry"): "docker.io",
    ("crds", "upgradeJob", "image", "kubectl", "registry"): "registry.k8s.io",
    ("kube-state-metrics", "image", "registry"): "registry.k8s.io",
    ("prometheus-node-exporter", "image", "registry"): "quay.io",
}
GRAFANA_IMAGE_REGISTRIES = {
    ("grafana", "image", "registry"): "docker.io",
    ("grafana", "sidecar", "image", "registry"): "quay.io",
}


def prometheus_stack_values(plan: MonitoringPlan) -> dict[str, Any]:
    """Values of chart kube-prometheus-stack; no secret is among them."""
    values: dict[str, Any] = {
        "fullnameOverride": PROMETHEUS_RELEASE,  # names the Services, whatever the release is called
        "prometheus": {"prometheusSpec": _prometheus(plan)},
        "grafana": _grafana(plan),
        # The definitions of the new version before an upgrade (planning/facts/chart_crds.csv). The chart's own tags do
        # not do: `latest`, and the cluster's version, which on EKS is v1.35.4-eks-3cfe0ce and no tag of kubectl's.
        "crds": {"upgradeJob": {"enabled": True, "image": {name: {"tag": tag} for name, tag in UPGRADE_TAGS.items()}}},
        "kube-state-metrics": {"metricLabelsAllowlist": [f"nodes=[{','.join(NODE_LABELS)}]"]},
        "defaultRules": {
            "rules": dict.fromkeys(RULES_NOT_ON_EKS, False),
            "disabled": dict.fromkeys(ALERTS_NOT_FOR_US, True),
            **_workloads_watched(plan),
        },
        **{component: {"enabled": False} for component in NOT_ON_EKS},
    }
    if plan.webhook:
        values["alertmanager"] = _alertmanager(plan.webhook)
    if plan.mirror:
        images = IMAGE_REGISTRIES | (GRAFANA_IMAGE_REGISTRIES if plan.grafana else {})
        for path, registry in images.items():
            _set(values, path, mirrored(registry, plan.mirror))
        if isinstance(plan.mirror, PullThroughPlan) and plan.mirror.prefix_of("docker.io"):
            # The chart calls it busybox, which only Docker Hub itself completes.
            _set(values, ("crds", "upgradeJob", "image", "busybox", "repository"), "library/busybox")
    return values


def _workloads_watched(plan: MonitoringPlan) -> dict[str, str]:
    """Of the chart's rules of group kubernetes-apps: KubePodNotReady and its like would page for a placeholder that
    waits at `maxNodes`."""
    if not plan.pods_may_wait_in:
        return {}
    return {"appNamespacesOperator": "!~", "appNamespacesTarget": "|".join(plan.pods_may_wait_in)}


def _prometheus(plan: MonitoringPlan) -> dict[str, Any]:
    claim = {
        "storageClassName": plan.storage_class,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{plan.storage_gib}Gi"}},
    }
    size = {} if plan.retention_size_gib is None else {"retentionSize": f"{plan.retention_size_gib}GiB"}
    return {
        **{f"{kind}SelectorNilUsesHelmValues": False for kind in SELECTORS},
        "scrapeInterval": f"{plan.scrape_interval_seconds}s",
        "retention": f"{plan.retention_days}d",
        **size,
        "storageSpec": {"volumeClaimTemplate": {"spec": claim}},
        # Claims of a StatefulSet stay by default, and their volumes are billed forever.
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
        "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"memory": "4Gi"}},
    }


def _alertmanager(webhook: WebhookPlan) -> dict[str, Any]:
    """A secret address stays in its Secret, which Alertmanager reads as a file at each notification."""
    where = {"url": webhook.url} if webhook.url else {"url_file": WEBHOOK_FILE}
    mounted = {} if webhook.url else {"alertmanagerSpec": {"secrets": [WEBHOOK_SECRET]}}
    own = ["alertname", "namespace", "model"]
    return {
        **mounted,
        "config": {
            # The chart's four (a list of ours replaces it), the first two by model: one model's page must not hide
            # another's ticket. InfoInhibitor fires beside any info alert and holds it back until something worse fires.
            "inhibit_rules": [
                {
                    "source_matchers": ["severity = critical"],
                    "target_matchers": ["severity =~ warning|info"],
                    "equal": own,
                },
                {
                    "source_matchers": ["severity = warning"],
                    "target_matchers": ["severity = info"],
                    "equal": own,
                },
                {
                    "source_matchers": ["alertname = InfoInhibitor"],
                    "target_matchers": ["severity = info"],
                    "equal": ["namespace"],
                },
                {"target_matchers": ["alertname = InfoInhibitor"]},
            ],
            "route": {
                "receiver": "webhook",
                "group_by": own,
                "group_wait": "30s",
                "group_interval": "5m",
                "repeat_interval": "12h",
                # Watchdog fires always, InfoInhibitor only to inhibit.
                "routes": [{"receiver": "null", "matchers": ['alertname =~ "Watchdog|InfoInhibitor"']}],
            },
            "receivers": [
                {"name": "null"},
                {"name": "webhook", "webhook_configs": [{**where, "send_resolved": True}]},
            ],
        },
    }


def _grafana(plan: MonitoringPlan) -> dict[str, Any]:
    if not plan.grafana:
        return {"enabled": False}
    admin = {"existingSecret": GRAFANA_SECRET, "userKey": "admin-user", "passwordKey": "admin-password"}
    return {"enabled": True, "admin": admin}


def _set(values: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value


def grafana_secret() -> Manifest:
    """The Secret Grafana reads, without its data: the component puts the password in."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": GRAFANA_SECRET, "labels": dict(OWN_LABELS)},
        "type": "Opaque",
    }


def webhook_secret() -> Manifest:
    """The Secret Alertmanager reads, without its data: the component puts the address in."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": WEBHOOK_SECRET, "labels": dict(OWN_LABELS)},
        "type": "Opaque",
    }


@dataclass(frozen=True)
class PrometheusStackArgs:
    """`grafana_password`: needed where the plan has Grafana. `after`: the storage class, where we make it.

    `webhook_url`: needed where the plan names a config secret for it.
    """

    plan: MonitoringPlan
    grafana_password: pulumi.Input[str] | None = None
    webhook_url: pulumi.Input[str] | None = None
    after: tuple[pulumi.Resource, ...] = ()


class PrometheusStack(pulumi.ComponentResource):
    """Namespace, Secrets and the release, our rules and dashboards. `release` carries the CRDs that monitors need."""

    namespace: pulumi.Output[str]
    release: pulumi.Resource
    prometheus_url: pulumi.Output[str]

    def __init__(self, name: str, args: PrometheusStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:PrometheusStack", name, None, opts)
        plan = args.plan
        if plan.stack_chart is None:
            raise ValueError(f"{name}: the plan uses an existing Prometheus, so it needs ExistingPrometheus")
        if plan.grafana and args.grafana_password is None:
            raise ValueError(f"{name}: the plan has Grafana, so PrometheusStackArgs needs grafana_password")
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            **arguments(namespace_manifest(plan.namespace, "monitoring.namespace")),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.metadata["name"]
        child = pulumi.ResourceOptions(parent=self)
        before = [*args.after, *register_policies(name, monitoring_policies(plan), self.namespace, child)]
        if plan.grafana and args.grafana_password is not None:
            before.append(self._grafana_secret(name, args.grafana_password))
        if plan.webhook and plan.webhook.url_key:
            before.append(self._webhook_secret(name, plan.webhook.url_key, args.webhook_url))
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            **release_arguments(plan.stack_chart, PROMETHEUS_RELEASE, plan.timeout_seconds),
            namespace=self.namespace,
            values=prometheus_stack_values(plan),
            # Hidden ordering: values name the Secret and the StorageClass only as text, and the release waits for
            # pods that need both. No pod is there without its policies.
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )
        if plan.alert_groups:
            StackRules(name, StackRulesArgs(plan.alert_groups, self.namespace, (self.release,)), child)
        if plan.grafana:
            Dashboards(f"{name}-dashboards", DashboardsArgs(self.namespace), child)
        # The Service's name follows from fullnameOverride.
        self.prometheus_url = self.namespace.apply(lambda namespace: f"http://{PROMETHEUS_SERVICE}.{namespace}.svc")
        self.register_outputs({"namespace": self.namespace, "prometheusUrl": self.prometheus_url})

    def _grafana_secret(self, name: str, password: pulumi.Input[str]) -> pulumi.Resource:
        secret: pulumi.Resource = k8s.core.v1.Secret(
            f"{name}-grafana-admin",
            **arguments(grafana_secret(), self.namespace),
            string_data={"admin-user": "admin", "admin-password": pulumi.Output.secret(password)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return secret

    def _webhook_secret(self, name: str, key: str, url: pulumi.Input[str] | None) -> pulumi.Resource:
        if url is None:
            raise ValueError(
                f"{name}: the plan reads the webhook's URL from config secret {key}: "
                "PrometheusStackArgs.webhook_url is required"
            )
        secret: pulumi.Resource = k8s.core.v1.Secret(
            f"{name}-alert-webhook",
            **arguments(webhook_secret(), self.namespace),
            string_data={WEBHOOK_KEY: pulumi.Output.secret(url)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return secret
