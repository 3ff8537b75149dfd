"""What is installed in the cluster beside the models: GPU Operator and monitoring."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from settings.findings import WrongValue
from settings.monitoring import ExistingPrometheusSettings, InstalledPrometheus, Prometheus
from settings.names import MirrorPrefix, ObjectName, RunbookBase
from settings.pull_through import PullThrough
from settings.types import ChartSource, ConfigKey, DnsLabel, Section, described, kind_defaults_to
from settings.urls import WebAddress


class GpuOperatorSettings(Section):
    """The NVIDIA GPU Operator. Driver and toolkit are in the EKS AMIs and stay off."""

    enabled: bool = described("install the operator", default=True)
    namespace: DnsLabel = described("its namespace", default="gpu-operator")
    driver: bool = described("let the operator install the GPU driver", default=False)
    toolkit: bool = described("let the operator install the container toolkit", default=False)
    device_plugin: bool = described("advertise nvidia.com/gpu", default=True)
    gpu_feature_discovery: bool = described("label nodes with GPU product and memory", default=True)
    dcgm_exporter: bool = described("export GPU metrics", default=True)
    smoke_test: bool = described("run nvidia-smi on each pool before models start", default=True)


class Grafana(Section):
    """Grafana of the Prometheus stack."""

    enabled: bool = described("install Grafana", default=True)
    password_key: ConfigKey = described("pulumi config secret that holds the admin password", default="grafanaPassword")


class NoReceiver(Section):
    """Alerts are shown by Prometheus and Alertmanager, and not sent."""

    kind: Literal["none"] = "none"


ReceiverUrl = Annotated[str, WebAddress(credentials=True)]  # the plan says where one with a password goes


class WebhookReceiver(Section):
    """Alertmanager posts each group of alerts to one address (its webhook JSON, version 4)."""

    kind: Literal["webhook"]
    url: ReceiverUrl | None = described("the address, where it is no secret", default=None)
    url_key: ConfigKey | None = described("pulumi config secret that holds the address", default=None)

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_key is None):
            raise WrongValue(
                "has one of url and urlKey", "write urlKey where knowing the address is enough to post to it, else url"
            )
        return self


Receiver = Annotated[NoReceiver | WebhookReceiver, Field(discriminator="kind"), kind_defaults_to("webhook")]


class Alerts(Section):
    """What is alerted on follows from each model's `slo`, scaling and cold start; thresholds are a dated table."""

    enabled: bool = described("write alert rules", default=True)
    receiver: Receiver = described("where alerts are sent", default_factory=NoReceiver)
    runbook_base_url: RunbookBase = described(
        "where each alert's page is, <base>/<AlertName>.md; the default is the folder of this repository",
        default="docs/runbooks",
    )


class Monitoring(Section):
    """kube-prometheus-stack and the metrics adapter the autoscaler reads; or a Prometheus that is there already."""

    enabled: bool = described("Prometheus, dashboards, alerts and the metrics adapter", default=True)
    prometheus: Prometheus = described(
        "whose Prometheus: installed by the stack, or {kind: existing, namespace: ...} of an existing cluster",
        default_factory=InstalledPrometheus,
    )
    namespace: DnsLabel = described(
        "namespace of what the stack installs; another one than an existing Prometheus'", default="monitoring"
    )
    retention_days: int = described("how long Prometheus keeps samples, days", default=15, ge=1, le=365)
    storage_gib: int = described("Prometheus volume, GiB", default=50, ge=5, le=16384)
    storage_class: ObjectName = described("storage class of that volume", default="gp3")
    scrape_interval_seconds: int = described("how often pods are scraped, s", default=15, ge=5, le=120)
    grafana: Grafana = described("dashboards", default_factory=Grafana)
    alerts: Alerts = described("alert rules and where alerts are sent", default_factory=Alerts)

    @property
    def installed(self) -> bool:
        """Whether the stack brings Prometheus and its operator."""
        return self.enabled and isinstance(self.prometheus, InstalledPrometheus)

    @property
    def existing(self) -> ExistingPrometheusSettings | None:
        """An existing Prometheus, where the stack uses one."""
        return self.prometheus if self.enabled and isinstance(self.prometheus, ExistingPrometheusSettings) else None


class KedaSettings(Section):
    """KEDA, in a stack whose models ask for it. It owns external.metrics.k8s.io."""

    install: bool = described("install it where a model needs it; false: the cluster has its own", default=True)
    namespace: DnsLabel = described("its namespace", default="keda")


class ExternalSecretsSettings(Section):
    """External Secrets Operator, in a stack where a model's token is in AWS Secrets Manager."""

    install: bool = described(
        "install it where a model needs it, with an IAM role for exactly the secrets named; false: the cluster has its "
        "own, whose role is yours to give",
        default=True,
    )
    namespace: DnsLabel = described("its namespace", default="external-secrets")


class LoadBalancerControllerSettings(Section):
    """AWS Load Balancer Controller, in a stack whose gateway is reached through one of AWS' load balancers."""

    install: bool = described(
        "install it, with an IAM role for load balancers of this cluster: an Ingress of class alb then has its "
        "controller, and the network load balancer of gatewayApi is its too; false: the cluster has its own, or none",
        default=False,
    )
    namespace: DnsLabel = described("its namespace", default="load-balancers")


class Registry(Section):
    """Where charts and images come from in a network without internet."""

    mirror: MirrorPrefix | None = described(
        "prefix put before every image, and before the charts too (oci://<mirror>/charts) unless charts is set; "
        "e.g. 123456789012.dkr.ecr.us-east-1.amazonaws.com/mirror",
        default=None,
    )
    pull_through: PullThrough | None = described(
        "instead of a mirror: ECR of the stack's account as a cache of public registries; needs account",
        default=None,
    )
    pull_secrets: tuple[DnsLabel, ...] = described(
        "Secrets (kubernetes.io/dockerconfigjson) with which our own pods pull their images; each exists in the "
        "namespaces of the models and of the GPU operator, and in spare-nodes where a pool has spareNodes; of "
        "an Ingress' proxies in gateway.namespace",
        default=(),
        max_length=20,
    )
    charts: ChartSource | None = described(
        "where every Helm chart is taken from instead of its own repository: a folder of charts as `helm pull` leaves "
        "them, oci://<registry>/<prefix>, or one https:// Helm repository that holds all of them",
        default=None,
    )
