"""From command line or stack file to what the simulator takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from advisor import option_types
from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.memory.weights import checkpoint_bytes
from planning.model import ColdStartTerm, NodeGroupPlan, PlanRefused, ServedModel
from planning.nodes.instances import InstanceType, instance_type
from planning.serving.cold_start import IMAGE_TERM, ColdStartInputs, cold_start
from planning.throughput.traffic_shape import BURST_EVERY_SECONDS, BURST_FACTOR, BURST_SECONDS, rate_share
from settings.demand import DeclaredTraffic as DeclaredTraffic
from settings.yaml_text import yaml_file
from simulation.engine_limits import engine_model
from simulation.outcome import SimulatedSlo
from simulation.own_scaling import not_simulated, own_scaler
from simulation.profiles import Lengths, generate, profile
from simulation.scalers import Scaler
from simulation.supply import NODE_TERMS, ColdStart, Supply, fixed_cold_start
from simulation.traces import Requests, read_trace
from simulation.world import Setting

REPO = Path(__file__).resolve().parent.parent
DEFAULT_DISK_MIBPS = 500
DEFAULT_SCRAPE_SECONDS = 15.0


@dataclass(frozen=True)
class ServedSetting:
    """What is simulated, its title, and what a stack file states: bounds, traffic, its own autoscaling.

    `own_reason`: why its own autoscaling is not simulated, where it is not.
    """

    title: str
    setting: Setting
    min_replicas: int = 1
    max_replicas: int | None = None
    traffic: DeclaredTraffic | None = None
    own: Callable[[int], Scaler] | None = None
    own_reason: str | None = None


@dataclass(frozen=True)
class SimulatedLoad:
    """What comes: its name, and a function that starts it from its beginning."""

    name: str
    start: Callable[[], Iterator[Requests]]


def load(arguments: argparse.Namespace, served: ServedSetting) -> SimulatedLoad:
    """A trace, a profile, or the traffic that the stack file declares; raises ValueError where it is not one."""
    traffic = served.traffic
    if arguments.trace is not None and arguments.profile is not None:
        raise ValueError("say one load: --trace FILE or --profile poisson:2")
    if arguments.trace is not None:
        path: Path = arguments.trace
        return SimulatedLoad(str(path), lambda: read_trace(path))
    text = arguments.profile or (profile_of(traffic) if traffic is not None else None)
    if text is None:
        declared = ", or declare the model's traffic in the stack file" if arguments.stack else ""
        raise ValueError(f"say what load: --trace FILE or --profile poisson:2{declared}")
    chosen = profile(text, arguments.duration)
    usual = Lengths()
    prompt = arguments.input_tokens or (traffic.input_tokens if traffic else usual.input_tokens)
    answer = arguments.output_tokens or (traffic.output_tokens if traffic else usual.output_tokens)
    longest = served.setting.engine.max_model_len
    lengths = Lengths(prompt, answer, most_tokens=max(1, longest - 1))
    return SimulatedLoad(text, lambda: generate(chosen, lengths, arguments.seed))


def profile_of(traffic: DeclaredTraffic) -> str:
    """Declared traffic as a profile; its rate is the busiest hour's, a day's profile is named by its mean."""
    rate = traffic.requests_per_second
    if traffic.shape.value == "diurnal":
        # A weekday peaks at twice its mean (simulation/profiles.py).
        return f"diurnal:{rate / 2:g}"
    if traffic.shape.value == "burst":
        between = rate * rate_share("burst", 0.0)
        return f"burst:{between:g},{between * BURST_FACTOR:g},{BURST_EVERY_SECONDS},{BURST_SECONDS}"
    return f"poisson:{rate:g}"


def setting(arguments: argparse.Namespace) -> ServedSetting:
    """The replica, its nodes and its metrics; raises LookupError or ValueError on wrong input."""
    setting_read = _from_stack(arguments) if arguments.stack else _from_arguments(arguments)
    supply = replace(setting_read.setting.supply, launch_failure=arguments.launch_failure)
    if arguments.cold_start is not None:
        supply = replace(supply, cold_start=fixed_cold_start(arguments.cold_start, arguments.cold_start / 8))
    changed = replace(
        setting_read.setting,
        supply=supply,
        slo=replace(
            setting_read.setting.slo,
            ttft_seconds=arguments.slo_ttft or setting_read.setting.slo.ttft_seconds,
            tpot_seconds=arguments.slo_tpot or setting_read.setting.slo.tpot_seconds,
        ),
        scrape_seconds=arguments.scrape_interval or setting_read.setting.scrape_seconds,
        seed=arguments.seed,
    )
    return replace(setting_read, setting=changed)


def _from_arguments(arguments: argparse.Namespace) -> ServedSetting:
    if not arguments.model or not arguments.instance:
        raise ValueError("say what serves: --stack NAME, or --model ID and --instance TYPE")
    instance = instance_type(arguments.instance)
    shape = architecture(arguments.model)
    engine = EngineConfig(
        max_model_len=arguments.max_model_len,
        max_num_seqs=arguments.max_num_seqs,
        max_num_batched_tokens=arguments.max_num_batched_tokens,
        quantization=arguments.quantization,
        kv_cache_dtype=arguments.kv_cache_dtype,
        tensor_parallel=arguments.tensor_parallel,
    )
    option_types.startable(engine)
    if instance.gpu is None:
        raise ValueError(f"{instance.name} has no GPU")
    if instance.gpu_count < engine.world_size:
        raise ValueError(f"a replica needs {engine.world_size} GPUs, {instance.name} has {instance.gpu_count}")
    terms = cold_start(
        ColdStartInputs(
            weights_on_disk_bytes=checkpoint_bytes(shape, engine),
            gpus=engine.world_size,
            disk_mibps=DEFAULT_DISK_MIBPS,
            ebs_bandwidth_mbps=instance.ebs_bandwidth_mbps,
            network_gbps=instance.network_gbps,
            enforce_eager=False,
            downloads_per_pod=True,
        )
    )
    simulated = Setting(engine_model(shape, engine, instance.gpu), _supply(terms, instance, engine.world_size))
    return ServedSetting(f"{arguments.model} on {instance.name}", simulated)


def _from_stack(arguments: argparse.Namespace) -> ServedSetting:
    from planning.architectures.described import architecture_of
    from planning.memory.check import engine_config
    from planning.nodes.moves import group_room, pod_room
    from planning.nodes.sharing import share_of
    from planning.plan import plan
    from planning.versions.vllm_versions import version_of
    from settings.read import read

    sections = sections_of(REPO / f"Pulumi.{arguments.stack}.yaml")
    loaded = read(sections, arguments.stack)
    if loaded.settings is None or loaded.problems:
        raise ValueError("; ".join(str(problem) for problem in loaded.problems))
    try:
        planned = plan(loaded.settings, arguments.stack)
    except PlanRefused as refusal:
        raise ValueError(str(refusal)) from None
    names = [model.name for model in planned.models]
    model_name = arguments.model or (names[0] if len(names) == 1 else None)
    if model_name not in names:
        said = f"--model {model_name!r}: " if model_name else "--model: "
        raise LookupError(f"{said}Pulumi.{arguments.stack}.yaml has {', '.join(names) or 'no model'}; name one of them")
    place = names.index(model_name)
    served, asked = planned.models[place], loaded.settings.models[place]
    pool = next(node_pool for node_pool in loaded.settings.node_pools if node_pool.name == served.pool)
    instance = instance_type(pool.instance_types[0])
    shape = architecture_of(asked)
    if shape is None:
        raise LookupError(
            f"{asked.model_id} is not in the table; describe it in the stack file (models[].architecture)"
        )
    network = served.group.network_gbps if served.group else None
    engine = engine_config(asked, shape.native_quantization, version_of(f"v{served.vllm_version}"), network)
    if instance.gpu is None:
        raise ValueError(f"{instance.name} has no GPU")
    group = next(gpu_pool for gpu_pool in planned.gpu_pools if gpu_pool.name == served.pool)
    sharing = group.sharing
    supply = _supply(served.cold_start, instance, engine.world_size, sharing.pods_per_gpu)
    held = max(1, group_room(planned, group).holds(pod_room(served)))  # CPU, memory or disk may be gone before the GPUs
    supply = replace(supply, pods_per_node=min(supply.pods_per_node, held))
    simulated = Setting(
        engine_model(shape, engine, share_of(instance.gpu, sharing)),
        _drained(
            replace(supply, min_nodes=group.min_nodes, spare_nodes=group.spare_nodes, max_nodes=_most_nodes(group)),
            served,
        ),
        SimulatedSlo(asked.slo.time_to_first_token_seconds, asked.slo.time_per_output_token_seconds, asked.slo.share),
        scrape_seconds=float(served.scrape_interval_seconds or DEFAULT_SCRAPE_SECONDS),
    )
    scaling = served.autoscaling
    return ServedSetting(
        f"{model_name} of {arguments.stack}: {asked.model_id} on {instance.name}",
        simulated,
        scaling.min_replicas,
        scaling.max_replicas,
        asked.traffic,
        None if not_simulated(scaling) else lambda start: own_scaler(scaling, start),
        not_simulated(scaling),
    )


def _supply(terms: tuple[ColdStartTerm, ...], instance: InstanceType, gpus: int, pods_per_gpu: int = 1) -> Supply:
    image = tuple(term for term in terms if term.name == IMAGE_TERM)
    others = tuple(term for term in terms if term.name != IMAGE_TERM)
    return Supply(
        cold_start=ColdStart(NODE_TERMS, image, others),
        pods_per_node=max(1, instance.gpu_count * pods_per_gpu // gpus),
        gpus_per_node=instance.gpu_count,
        usd_per_node_hour=instance.usd_per_hour,
    )


def _most_nodes(group: NodeGroupPlan) -> int | None:
    """Where it holds spare nodes back. A model has its pool alone here: replicas are never held back by it."""
    return group.max_nodes if group.spare_nodes else None


def _drained(supply: Supply, served: ServedModel) -> Supply:
    grace = float(served.drain.grace_period_seconds)
    return replace(supply, pre_stop_seconds=float(served.drain.pre_stop_seconds), grace_seconds=grace)


def sections_of(path: Path) -> dict[str, Any]:
    """Our sections of a stack file, without the secrets; raises LookupError where it is not there."""
    if not path.exists():
        stacks = sorted(path.name.split(".")[1] for path in path.parent.glob("Pulumi.*.yaml"))
        raise LookupError(f"no stack file {path.name}; stacks: {', '.join(stacks)}")
    document = yaml_file(path)
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise ValueError(f"{path.name}: no mapping under config:")
    prefix = "vllm-on-eks:"
    plain = {key.removeprefix(prefix): value for key, value in config.items() if str(key).startswith(prefix)}
    return {key: value for key, value in plain.items() if not (isinstance(value, dict) and set(value) == {"secure"})}
