"""What is installed in the cluster beside the models. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.cloud import GPU_TAINT, TaintPlan


@dataclass(frozen=True)
class ChartRef:
    """A pinned Helm chart; `repository` is None for an OCI chart, whose `chart` is the whole address."""

    chart: str
    version: str
    repository: str | None


@dataclass(frozen=True)
class SmokeTestPlan:
    """One nvidia-smi Job per GPU pool, which models wait for. `taints` of the pool's nodes are tolerated."""

    image: str
    pool: str
    gpus: int
    node_selector: dict[str, str]
    timeout_seconds: int
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)


@dataclass(frozen=True)
class GpuOperatorPlan:
    """The GPU Operator release. `taints` of all GPU pools: its DaemonSets tolerate them."""

    chart: ChartRef
    namespace: str
    driver: bool
    toolkit: bool
    device_plugin: bool
    gpu_feature_discovery: bool
    dcgm_exporter: bool
    dcgm_scrape_interval_seconds: int
    mirror: str | None
    smoke_tests: tuple[SmokeTestPlan, ...]
    timeout_seconds: int = 900
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)


@dataclass(frozen=True)
class MetricRule:
    """A per-pod metric the adapter serves to the HPA: Prometheus series `series` under the name `name`."""

    series: str
    name: str
    source: str


@dataclass(frozen=True)
class MonitoringPlan:
    """kube-prometheus-stack and prometheus-adapter.

    `retention_size_gib`: Prometheus drops the oldest samples there; below `storage_gib`, or the disk fills first.
    """

    stack_chart: ChartRef
    adapter_chart: ChartRef
    namespace: str
    retention_days: int
    storage_gib: int
    storage_class: str
    scrape_interval_seconds: int
    grafana: bool
    grafana_password_key: str | None
    adapter_rules: tuple[MetricRule, ...]
    mirror: str | None
    timeout_seconds: int = 900
    retention_size_gib: int | None = None
