"""`Dashboards`: one ConfigMap per dashboard, labelled so that Grafana's sidecar loads it.

The JSON files beside this one are made by `tools/dashboards.py` with Grafana's own SDK and are the same for every
stack: namespace, model and pod are variables. So the program needs neither the SDK nor a second to build them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import Manifest, arguments, labels

HERE = Path(__file__).parent
# What the sidecar of kube-prometheus-stack's Grafana looks for (grafana.sidecar.dashboards), in every namespace.
SIDECAR_LABEL: Mapping[str, str] = MappingProxyType({"grafana_dashboard": "1"})
LARGEST_CONFIG_MAP_BYTES = 1024 * 1024


def dashboard_names() -> tuple[str, ...]:
    """The dashboards, by file name."""
    return tuple(sorted(path.stem for path in HERE.glob("*.json")))


def dashboard_config_map(name: str, found_by: Mapping[str, str] = SIDECAR_LABEL) -> Manifest:
    """The ConfigMap of one dashboard, its JSON without blanks. Raises ValueError where it is too large for one."""
    text = json.dumps(json.loads((HERE / f"{name}.json").read_text(encoding="utf-8")), separators=(",", ":"))
    if len(text.encode()) >= LARGEST_CONFIG_MAP_BYTES:
        raise ValueError(f"dashboard {name} has {len(text.encode())} bytes; a ConfigMap holds less than 1 MiB")
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"dashboard-{name}",
            "labels": {**labels("grafana", name, "dashboard"), **found_by},
        },
        "data": {f"{name}.json": text},
    }


@dataclass(frozen=True)
class DashboardsArgs:
    """`namespace`: one in which Grafana's sidecar looks, for ConfigMaps with the labels `found_by`."""

    namespace: pulumi.Input[str]
    found_by: Mapping[str, str] = field(default_factory=lambda: SIDECAR_LABEL)


class Dashboards(pulumi.ComponentResource):
    """All dashboards. Only for a stack that has Grafana, which alone reads them."""

    def __init__(self, name: str, args: DashboardsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Dashboards", name, None, opts)
        for dashboard in dashboard_names():
            k8s.core.v1.ConfigMap(
                f"{name}-{dashboard}",
                **arguments(dashboard_config_map(dashboard, args.found_by), args.namespace),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
