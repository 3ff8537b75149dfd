"""What torch.compile makes of a model, kept on the stack's file system: by which name, and what keeping it takes."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from planning.findings import Findings
from planning.model import CompiledPlan, PodResources, ServedModel
from planning.nodes.quantity import as_cpu, as_mib
from planning.nodes.sidecars import KEEPER
from settings.models import Model
from settings.shared_files import keeps_compiled

# What a server leaves of its cores, one at most: packing is one thread.
CPU_LIMIT = "1"
# Where its request is its limit: the server waits for what is unpacked. It runs before the server and takes nothing
# from it, and with a fraction it holds no core. Estimate.
RESTORE_MILLICORES = 500


def with_compiled(model: ServedModel, gpu: str | None) -> ServedModel:
    """The model with the name of its archive. vLLM's own key inside it has these and more (compilation/backends.py)."""
    digest = sha256(repr((model.image, gpu, model.args)).encode()).hexdigest()[:12]
    key = f"{model.vllm_version}-{gpu or 'gpu'}-{digest}".lower().replace(" ", "-")
    request = as_cpu(KEEPER.cpu_millicores)
    if model.resources.cpu_limit is None:
        shared = _resources(request, CPU_LIMIT)
        return replace(model, compiled=CompiledPlan(key, shared, shared))
    # Cores of the server's own want a pod of QoS class Guaranteed, limits equal to requests in every container.
    restore = as_cpu(RESTORE_MILLICORES)
    return replace(model, compiled=CompiledPlan(key, _resources(restore, restore), _resources(request, request)))


def _resources(cpu_request: str, cpu_limit: str) -> PodResources:
    memory, ephemeral = as_mib(KEEPER.memory_mib), as_mib(KEEPER.ephemeral_mib)
    return PodResources(cpu_request, memory, ephemeral, None, 0, cpu_limit)


def check_compiled(model: Model, path: str, findings: Findings) -> None:
    """Nothing to keep where nothing is compiled."""
    if keeps_compiled(model) and model.enforce_eager:
        findings.error(
            f"{path}.compileCache",
            "compile-nothing",
            "efs, and enforceEager: true compiles nothing",
            "leave one of them out",
        )
