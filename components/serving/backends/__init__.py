"""What makes a model's server pods: one file each, with the same arguments and outputs, and one row in the table.

`planning/facts/backends.csv` says what each is called and who owns its replicas, `backend_features.csv` what it does.
Everything else of a model (account, network, token, cache, Service, budget, monitor, alerts, autoscaler) is the same
whatever the backend: it goes by the labels of the pods (docs/adr/0022).
"""

from __future__ import annotations

from collections.abc import Mapping

from components.serving.backends.aibrix import AIBRIX
from components.serving.backends.deployment import DEPLOYMENT
from components.serving.backends.kserve import KSERVE
from components.serving.backends.kubeai import KUBEAI
from components.serving.backends.llm_d import LLM_D
from components.serving.backends.production_stack import PRODUCTION_STACK
from components.serving.backends.ray import RAY
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs

BACKENDS: Mapping[str, BackendManifests] = {
    "deployment": DEPLOYMENT,
    "kserve": KSERVE,
    "ray": RAY,
    "llm-d": LLM_D,
    "production-stack": PRODUCTION_STACK,
    "aibrix": AIBRIX,
    "kubeai": KUBEAI,
}

__all__ = ["BACKENDS", "BackendManifests", "ServingWorkload", "WorkloadArgs"]
