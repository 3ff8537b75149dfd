"""Every kind of pod that answers for servers behind it, for the router (local/engine/router.py)."""

from __future__ import annotations

from collections.abc import Callable

from local.engine.fleet import EngineFleet
from local.engine.kube import KubeApi
from local.engine.operators.aibrix.door import AibrixControlPlane
from local.engine.operators.kubeai.door import KubeaiReleases
from local.engine.operators.production_stack import StackRouters
from local.engine.pod_ports import PodPorts
from local.engine.router import Proxies


def proxies(fleet: EngineFleet, api: KubeApi, ports: PodPorts, log: Callable[[str], None]) -> list[Proxies]:
    """One of each kind; a new one is a line here."""
    return [StackRouters(fleet, log), KubeaiReleases(api, ports, log), AibrixControlPlane(api, ports, log)]
