"""One engine per pod: made when the pod is bound, serving when its container runs, drained when it is deleted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import aiohttp

from local.engine import adapters, flag_table, flags, rates
from local.engine.engine import VLLM_SURFACE, Engine, EngineState, SimulatedEngineConfig
from local.engine.flags import EngineArguments, UsageError
from local.engine.kube import remove
from local.engine.pods import PodView, crash_status, followed
from local.engine.rates import ModelShape
from local.engine.shapes import planned_shape
from local.engine.world import refuse_missing_gpus
from planning.nodes.instances import Gpu
from planning.versions import vllm_versions

ShapeLookup = Callable[[EngineArguments, Gpu, str], ModelShape | None]


class Api(Protocol):
    """What the fleet needs of the API server; `kube.KubeApi` has it."""

    async def get(self, path: str) -> dict[str, Any] | None: ...

    async def patch_status(self, path: str, patch: dict[str, Any]) -> bool: ...

    async def delete_now(self, path: str, uid: str) -> None: ...


@dataclass
class Member:
    """A pod and its engine; `engine` is None before the pod has a node and after a crash."""

    pod: PodView
    engine: Engine | None = None
    failure: UsageError | None = None
    task: asyncio.Task[None] | None = None

    @property
    def state(self) -> EngineState:
        if self.failure is not None:
            return EngineState.CRASHED
        return self.engine.state if self.engine else EngineState.LOADING


def version_of(pod: PodView, log: Callable[[str], None]) -> str:
    """The vLLM version of the pod's image tag; the pinned one where the tag names none."""
    match = re.search(r":v(\d+\.\d+\.\d+)", str(pod.container.get("image", "")))
    if match is None:
        log(f"WARNING (simulated) image names no vLLM version; taken for {flag_table.VLLM_VERSION}")
    return match[1] if match else flag_table.VLLM_VERSION


def _context(
    arguments: EngineArguments, shape: ModelShape, kv_cache_tokens: int, log: Callable[[str], None]
) -> tuple[int, int]:
    """Longest context and KV room, tokens. Raises UsageError when a known model's longest request has no room."""
    block = arguments.block_size_tokens
    room = (arguments.num_gpu_blocks_override or kv_cache_tokens // block) * block
    longest = arguments.max_model_len or shape.max_model_len
    if longest == -1:
        longest = max(block, min(shape.max_model_len, shape.longest_model_len or room))
    fits = room if shape.longest_model_len is None else shape.longest_model_len
    if fits >= longest or arguments.num_gpu_blocks_override:
        return longest, max(room, -(-longest // block) * block)
    if shape.longest_model_len is not None:
        estimate = f"Based on the available memory, the estimated maximum model length is {fits}. " if fits > 0 else ""
        raise UsageError(
            f"ValueError: To serve at least one request with the model's max seq len ({longest}), more KV cache is "
            f"needed, which is larger than the available KV cache memory (simulated by the planner's estimate). "
            f"{estimate}Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the "
            "engine.",
            1,
        )
    log("WARNING (simulated) the model's size is not known; room for one longest request is assumed")
    return longest, -(-longest // block) * block


@dataclass(frozen=True)
class Told:
    """What an engine is started with where its container does not say it."""

    words: Sequence[str]
    """After `vllm serve`."""
    version: str
    surface: str


def build_engine(
    pod: PodView,
    node_labels: dict[str, str],
    shape_of: ShapeLookup,
    speed: float,
    log: Callable[[str], None],
    told: Told | None = None,
) -> Engine:
    """The engine of a pod on a node with these labels. Raises UsageError where vLLM would not come up."""
    version = told.version if told else version_of(pod, log)
    words = told.words if told else flags.container_arguments(pod.container)
    arguments = flags.parse(words, vllm_versions.version_of(version))
    refuse_missing_gpus(arguments, pod.gpus)
    gpu = rates.gpu_of(node_labels)
    shape = shape_of(arguments, gpu, version)
    if shape is None:
        shape = rates.shape_from_name(" ".join((arguments.model, *arguments.served_names)))
    estimate = rates.roofline(
        gpu,
        shape,
        gpus=arguments.tensor_parallel_size * arguments.pipeline_parallel_size,
        dtype=arguments.dtype,
        quantization=arguments.quantization,
        kv_cache_dtype=arguments.kv_cache_dtype,
        gpu_memory_utilization=arguments.gpu_memory_utilization,
    )
    longest, room = _context(arguments, shape, estimate.kv_cache_tokens, log)
    sequences, batched_tokens = rates.default_batch(gpu)
    config = SimulatedEngineConfig(
        pod=f"{pod.namespace}/{pod.name}",
        arguments=arguments,
        rates=replace(estimate, kv_cache_tokens=room),
        max_model_len=longest,
        max_num_seqs=arguments.max_num_seqs or sequences,
        max_num_batched_tokens=arguments.max_num_batched_tokens or batched_tokens,
        version=version,
        speed=speed,
        surface=told.surface if told else VLLM_SURFACE,
        adapters_may_change=_is_set(pod, "VLLM_ALLOW_RUNTIME_LORA_UPDATING"),
    )
    engine = Engine(config, log)
    engine.adapters.update(adapters.named(arguments.lora_modules))
    return engine


def _is_set(pod: PodView, variable: str) -> bool:
    """As vLLM's envs.py reads a truth."""
    values = {entry["name"]: str(entry.get("value", "")) for entry in pod.container.get("env") or []}
    return values.get(variable, "0").strip().lower() in ("1", "true")


class EngineFleet:
    """All pods with a vLLM container, by (namespace, name)."""

    def __init__(
        self,
        api: Api,
        log_of: Callable[[PodView], Callable[[str], None]],
        shape_of: ShapeLookup = planned_shape,
        speed: float = 1.0,
    ) -> None:
        self.members: dict[tuple[str, str], Member] = {}
        self._api = api
        self._log_of = log_of
        self._shape_of = shape_of
        self._speed = speed
        self._node_labels: dict[str, dict[str, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def engine(self, namespace: str, pod: str) -> Engine | None:
        member = self.members.get((namespace, pod))
        return member.engine if member else None

    def on_pod(self, event: str, item: dict[str, Any]) -> None:
        """Takes a watch event; may come repeated or late, never blocks."""
        member = followed(self.members, event, item, Member, self._forget)
        if member is None:
            return
        pod = member.pod
        if pod.deleting:
            if member.task is None:
                member.task = self._spawn(self._terminate(member))
        elif pod.is_ray_worker or pod.group_rank:
            return  # local/engine/operators/ray starts and stops what is on it; a group's worker serves nothing
        elif member.failure is not None:
            self._spawn(self._write_crash(member))
        elif member.engine is None and pod.node:
            self._spawn(self._start(member))
        elif member.engine is not None and pod.container_running and pod.group_rank is None:
            member.engine.start_serving()

    def workers_of(self, leader: PodView) -> list[Member]:
        """The workers of its group."""
        return [
            member
            for member in self.members.values()
            if member.pod.group_rank and (member.pod.namespace, member.pod.leader_name) == leader.key
        ]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _forget(self, member: Member) -> None:
        """The object is gone. A drain under way goes on to its own end, as a process under SIGTERM does."""
        self.members.pop(member.pod.key, None)
        if member.engine is not None and member.task is None:
            member.engine.stop()

    async def _labels_of(self, node: str) -> dict[str, str]:
        if node not in self._node_labels:
            engine = await self._api.get(f"/api/v1/nodes/{node}")
            self._node_labels[node] = ((engine or {}).get("metadata") or {}).get("labels") or {}
        return self._node_labels[node]

    async def _read_labels(self, pod: PodView) -> dict[str, str]:
        try:
            return await self._labels_of(pod.node or "")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._log_of(pod)(f"WARNING node {pod.node} could not be read ({error}); default GPU taken")
            return {}

    async def engine_for(self, pod: PodView, told: Told) -> Engine:
        """An engine on this pod's node, not started yet. Raises UsageError where it would not come up."""
        labels = await self._read_labels(pod)
        return build_engine(pod, labels, self._shape_of, self._speed, self._log_of(pod), told)

    async def _start(self, member: Member) -> None:
        log = self._log_of(member.pod)
        labels = await self._read_labels(member.pod)
        if member.engine is not None or member.failure is not None:  # two events raced
            return
        try:
            member.engine = build_engine(member.pod, labels, self._shape_of, self._speed, log)
        except UsageError as failure:
            member.failure = failure
            log(f"ERROR (simulated) vLLM did not start, exit code {failure.exit_code}\n{failure.text}")
            await self._write_crash(member)
            return
        log(f"INFO (simulated) loading {member.engine.config.arguments.model}")
        if member.pod.container_running and member.pod.group_rank is None:
            member.engine.start_serving()

    async def end(self, member: Member, failure: UsageError) -> None:
        """Its process ends by itself while it serves: what is in flight is lost, and its container starts again."""
        assert member.engine is not None
        member.failure = failure
        self._log_of(member.pod)(f"ERROR (simulated) vLLM ended, exit code {failure.exit_code}\n{failure.text}")
        member.engine.stop(was_killed=True)
        await self._write_crash(member)

    async def _write_crash(self, member: Member) -> None:
        if member.failure is None or member.pod.crash_is_written or member.pod.deleting:
            return
        try:
            await self._api.patch_status(member.pod.path, crash_status(member.pod, member.failure))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._log_of(member.pod)(f"WARNING crash status not written: {error}")

    async def _with_leader(self, worker: PodView) -> None:
        """Until its leader's engine is gone, within the grace period."""
        deadline = asyncio.get_running_loop().time() + worker.grace_seconds / self._speed
        while asyncio.get_running_loop().time() < deadline:
            leader = self.engine(worker.namespace, worker.leader_name)
            if leader is None or leader.state not in (EngineState.SERVING, EngineState.DRAINING):
                return
            await asyncio.sleep(0.1)

    async def _terminate(self, member: Member) -> None:
        """preStop, SIGTERM, drain, gone: in the order and within the grace period of the kubelet."""
        pod, engine = member.pod, member.engine
        if engine is not None and engine.state is EngineState.SERVING:
            hook = min(pod.pre_stop_seconds, pod.grace_seconds)
            await asyncio.sleep(hook / self._speed)
            left = max(pod.grace_seconds - hook, 0)
            seconds = engine.config.arguments.shutdown_timeout_seconds
            if member.failure is None:  # its group may have fallen apart meanwhile
                await engine.drain(min(seconds, left) / self._speed, then_killed=left < seconds)
        elif engine is not None:
            engine.stop()
        elif pod.group_rank:
            await self._with_leader(pod)
        await remove(self._api, pod.path, pod.uid, self._log_of(pod))
