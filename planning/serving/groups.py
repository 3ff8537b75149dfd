"""Replicas on several nodes: what of them is refused, and the group of pods that each of them is.

vLLM's own processes on each node (multiprocessing, `--nnodes`), no Ray: the leader serves, the others run
`--headless` (vllm 0.16.0 to 0.33.0, entrypoints/cli/serve.py run_headless, v1/executor/multiproc_executor.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from planning.architectures.shape import Architecture
from planning.facts import rows
from planning.findings import Findings, listed
from planning.model import DrainPlan, GroupPlan
from planning.nodes.pools import Pool
from planning.versions.vllm_versions import Version, has_flag
from settings.models import Model, VolumeCache
from settings.pools import ManagedPool
from settings.shared_files import keeps_compiled

OPERATOR = "lws"
# vLLM's default of --master-port (config/parallel.py).
RENDEZVOUS_PORT = 29501
# NCCL, Gloo and vLLM's queues listen where the kernel lets them (net.ipv4.ip_local_port_range, from 32768); the
# rendezvous port is below.
PORTS = (1024, 65535)
# What the leader is called by its workers, and which one a worker is: LeaderWorkerSet's webhook writes both
# (sigs.k8s.io/lws v0.7.0, pkg/utils/pod/pod_utils.go, AddLWSVariables).
LEADER, RANK = "$(LWS_LEADER_ADDRESS)", "$(LWS_WORKER_INDEX)"
OWN_ADDRESS = "$(VLLM_HOST_IP)"


def group_name(model: str) -> str:
    """Not the model's own name: the headless Service that the controller makes is called as the set is, and the
    model's Service has that name."""
    return f"{model}-group"


def leader_pods(model: str) -> str:
    """A regular expression of their names; workers are called <leader>-<number>."""
    return f"{group_name(model)}-[0-9]+"


def plan_group(model: Model, pool: Pool, version: Version, drain: DrainPlan, wait_seconds: float) -> GroupPlan | None:
    """None: a replica is one pod. `wait_seconds`: that the first pod of a group waits for the last, on a bad day."""
    if model.nodes == 1:
        return None
    common = [f"--nnodes={model.nodes}", f"--master-port={RENDEZVOUS_PORT}"]
    if has_flag("--distributed-timeout-seconds", version):
        # By default ten minutes (PyTorch's, NCCL), which the node of the last pod may take.
        common.append(f"--distributed-timeout-seconds={max(600, round(wait_seconds))}")
    return GroupPlan(
        name=group_name(model.name),
        pods=model.nodes,
        leader_args=(*common, "--node-rank=0", f"--master-addr={OWN_ADDRESS}"),
        worker_args=(*common, f"--node-rank={RANK}", f"--master-addr={LEADER}", "--headless"),
        rendezvous_port=RENDEZVOUS_PORT,
        ports=PORTS,
        network_gbps=pool.network_gbps,
        leave_seconds=drain.pre_stop_seconds + drain.engine_wait_seconds + drain.shutdown_timeout_seconds,
    )


def check_nodes(model: Model, pool: Pool, path: str, findings: Findings) -> bool:
    """Whether the GPUs of a replica are those of whole nodes; says what else a group of pods cannot have."""
    if model.nodes == 1:
        return True
    _check_around(model, pool, path, findings)
    return _check_gpus(model, pool, path, findings)


def _check_gpus(model: Model, pool: Pool, path: str, findings: Findings) -> bool:
    gpus, per_node = model.tensor_parallel * model.pipeline_parallel, pool.gpus_per_node
    usual = f"write tensorParallel: {per_node} and pipelineParallel: {model.nodes}"
    if gpus != model.nodes * per_node:
        findings.error(
            f"{path}.nodes",
            "group-gpus",
            f"{model.nodes} whole nodes of {pool.settings.name} ({pool.smallest.name}) have "
            f"{model.nodes * per_node} GPUs, tensorParallel {model.tensor_parallel} × pipelineParallel "
            f"{model.pipeline_parallel} uses {gpus}",
            usual if gpus % per_node or gpus == per_node else f"write nodes: {gpus // per_node}, or {usual[6:]}",
        )
        return False
    if per_node % model.tensor_parallel:
        findings.error(
            f"{path}.tensorParallel",
            "group-tensor-parallel",
            f"{model.tensor_parallel}, and a node of {pool.settings.name} ({pool.smallest.name}) has {per_node}: GPUs "
            "that share each layer exchange it twice per layer, which a network between nodes is too slow for",
            usual,
        )
        return False
    return True


def _check_around(model: Model, pool: Pool, path: str, findings: Findings) -> None:
    places = pool.settings.zones or (pool.group.subnet_ids if isinstance(pool.settings, ManagedPool) else ())
    if len(places) != 1:
        findings.error(
            f"{pool.path}.zones",
            "group-zone",
            f"{listed(places) or 'all of the network'}, and {model.name} ({path}.nodes: {model.nodes}) needs its nodes "
            "in one: between zones every token is slower and billed",
            "write one zone, for example zones: [us-east-1a]",
        )
    if isinstance(model.cache, VolumeCache) and model.cache.access_mode == "ReadWriteOnce":
        findings.error(
            f"{path}.cache.accessMode",
            "group-cache",
            f"ReadWriteOnce: one node mounts the volume, and a replica is on {model.nodes}",
            "write kind: efs or emptyDir",
        )
    if keeps_compiled(model):
        findings.error(
            f"{path}.compileCache",
            "group-compile-cache",
            "efs keeps what one pod compiles, and each pod of a group compiles other layers",
            "leave it out",
        )
    if model.rollout.kind == "canary":
        findings.error(
            f"{path}.rollout.kind",
            "group-canary",
            f"canary, and Argo Rollouts knows no LeaderWorkerSets (nodes: {model.nodes})",
            "leave rollout out: groups are replaced one after another",
        )
    if pool.settings.may_be_spot:
        findings.warning(
            f"{path}.nodes",
            "group-spot",
            f"{model.nodes} nodes of {pool.settings.name}, which may be spot: one that is taken back ends its whole "
            "group",
            "take on-demand nodes",
        )


def check_stages(model: Model, known: Architecture | None, path: str, findings: Findings) -> None:
    """Whether vLLM divides the model's layers into stages."""
    stages = model.pipeline_parallel
    if stages == 1:
        return
    if known is not None and known.family in _undivided():
        findings.error(
            f"{path}.pipelineParallel",
            "stages-model",
            f"{stages}, and vLLM does not divide {known.family} into stages (its class is no SupportsPP)",
            "write pipelineParallel: 1",
        )
    elif known is not None and known.layers < stages:
        findings.error(
            f"{path}.pipelineParallel",
            "stages-layers",
            f"{stages} stages of {known.layers} layers",
            f"write {known.layers} or less",
        )
    if model.draft_model is not None:
        findings.error(
            f"{path}.draftModel",
            "stages-draft",
            f"with pipelineParallel {stages}: of most models vLLM does not draft with stages (vllm 0.32.0 "
            "v1/worker/gpu/spec_decode/eagle/eagle3_utils.py)",
            "leave draftModel out, or write pipelineParallel: 1",
        )


def _undivided() -> Sequence[str]:
    return [row["family"] for row in rows("undivided_models.csv")]
