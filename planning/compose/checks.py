"""Checks that need settings alone: one row of `CHECKS` each; findings appear in the order of the rows."""

from __future__ import annotations

from collections.abc import Callable

from planning.alerts.choose import check_receiver
from planning.backends.features import check_backends
from planning.cluster.addons import check_gpu_operator
from planning.cluster.ages import check_ages
from planning.cluster.aibrix import check_aibrix
from planning.cluster.entry_checks import check_ingress
from planning.cluster.existing import check_existing
from planning.cluster.external_secrets import check_external_secrets
from planning.cluster.gateway import check_gateway
from planning.cluster.gateway_features import check_gateway_features
from planning.cluster.karpenter import check_karpenter
from planning.cluster.kubeai import check_kubeai
from planning.cluster.load_balancers import check_load_balancers
from planning.cluster.monitoring import check_prometheus
from planning.cluster.namespaces import check_namespaces
from planning.cluster.regions import check_families
from planning.cluster.tracing import check_tracing
from planning.cluster.versions import check_sessions, check_versions
from planning.compose.request import Request
from planning.findings import Findings
from planning.names import check_names
from planning.nodes.floor import check_floor
from planning.nodes.numa import check_numa
from planning.nodes.volumes import check_classes
from planning.serving.shared import check_downloads_once
from planning.serving.way_in import check_downloads
from planning.versions.pull_through import check_pull_through
from settings.stack import StackSettings

Check = Callable[[Request, Findings], None]


def _of_settings(check: Callable[[StackSettings, Findings], None]) -> Check:
    return lambda request, findings: check(request.settings, findings)


def _in_production(check: Callable[[StackSettings, Findings], None]) -> Check:
    return lambda request, findings: check(request.settings, findings) if request.production else None


def _families(request: Request, findings: Findings) -> None:
    pools = [(f"nodePools[{index}]", pool.instance_types) for index, pool in enumerate(request.settings.node_pools)]
    check_families(request.settings.region, pools, findings)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("instance families of the region", _families),
    ("gpuOperator", _of_settings(check_gpu_operator)),
    ("storage classes", _of_settings(check_classes)),
    ("ECR as a cache", _of_settings(check_pull_through)),
    ("downloads", _of_settings(check_downloads)),
    ("one download of a revision", _of_settings(check_downloads_once)),
    ("existing cluster", _of_settings(check_existing)),
    ("existing Prometheus", _of_settings(check_prometheus)),
    ("namespaces", _of_settings(check_namespaces)),
    ("names", _of_settings(check_names)),
    ("alert receiver", _of_settings(check_receiver)),
    ("Karpenter", _of_settings(check_karpenter)),
    ("NUMA nodes", _of_settings(check_numa)),
    ("floor of spot nodes", _in_production(check_floor)),
    ("backends", _of_settings(check_backends)),
    ("AIBrix", _of_settings(check_aibrix)),
    ("KubeAI", _of_settings(check_kubeai)),
    ("external secrets", _of_settings(check_external_secrets)),
    ("gateway", _of_settings(check_gateway)),
    ("features of the gateway", _of_settings(check_gateway_features)),
    ("ingress", _of_settings(check_ingress)),
    ("load balancers", _of_settings(check_load_balancers)),
    ("versions", _of_settings(check_versions)),
    ("sessions", _of_settings(check_sessions)),
    ("tracing", _of_settings(check_tracing)),
    ("ages of versions", lambda request, findings: check_ages(request.settings, request.today, findings)),
)


def check_settings(request: Request, findings: Findings) -> None:
    """Every check of the table, in its order."""
    for _, check in CHECKS:
        check(request, findings)
