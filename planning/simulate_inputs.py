"""From command line or stack file to what the simulator takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from planning.architectures import architecture
from planning.cold_start import ColdStartInputs, cold_start
from planning.engine import EngineConfig
from planning.instances import InstanceType, instance_type
from planning.model import ColdStartTerm, PlanRefused, ServedModel
from planning.simulation.engine_limits import engine_model
from planning.simulation.outcome import Slo
from planning.simulation.profiles import Lengths, generate, profile
from planning.simulation.supply import NODE_TERMS, ColdStart, Supply, fixed_cold_start
from planning.simulation.traces import Requests, read_trace
from planning.simulation.world import Setting
from planning.weights import checkpoint_bytes

REPO = Path(__file__).resolve().parent.parent
DEFAULT_DISK_MIBPS = 500
DEFAULT_SCRAPE_SECONDS = 15.0


@dataclass(frozen=True)
class ServedSetting:
    """What is simulated, its title, and the bounds that a stack file states."""

    title: str
    setting: Setting
    min_replicas: int = 1
    max_replicas: int | None = None


def trace(arguments: argparse.Namespace) -> Callable[[], Iterator[Requests]]:
    """A function that starts the load from its beginning; raises ValueError where not exactly one is named."""
    if (arguments.trace is None) == (arguments.profile is None):
        raise ValueError("say what load: --trace FILE or --profile poisson:2")
    if arguments.trace is not None:
        path: Path = arguments.trace
        return lambda: read_trace(path)
    chosen = profile(arguments.profile, arguments.duration)
    if not (1 <= arguments.input_tokens <= 1e6 and 1 <= arguments.output_tokens <= 1e6):
        raise ValueError("--input-tokens and --output-tokens: 1 to 1,000,000")
    lengths = Lengths(arguments.input_tokens, arguments.output_tokens, most_tokens=max(1, arguments.max_model_len - 1))
    return lambda: generate(chosen, lengths, arguments.seed)


def setting(arguments: argparse.Namespace) -> ServedSetting:
    """The replica, its nodes and its metrics; raises LookupError or ValueError on wrong input."""
    if arguments.slo_ttft <= 0 or arguments.slo_tpot <= 0:
        raise ValueError("--slo-ttft and --slo-tpot are seconds above 0")
    found = _from_stack(arguments) if arguments.stack else _from_arguments(arguments)
    supply = replace(found.setting.supply, launch_failure=arguments.launch_failure)
    if arguments.cold_start is not None:
        if not 0 <= arguments.cold_start <= 86_400:
            raise ValueError("--cold-start: seconds, 0 to 86400")
        supply = replace(supply, cold_start=fixed_cold_start(arguments.cold_start, arguments.cold_start / 8))
    changed = replace(
        found.setting,
        supply=supply,
        slo=Slo(arguments.slo_ttft, arguments.slo_tpot),
        scrape_seconds=arguments.scrape_interval or found.setting.scrape_seconds,
        seed=arguments.seed,
    )
    if not 1 <= changed.scrape_seconds <= 300:
        raise ValueError("--scrape-interval: 1 to 300 s")
    return replace(found, setting=changed)


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
    from planning.memory_check import engine_config
    from planning.plan import plan
    from planning.vllm_versions import version_of
    from settings.read import read

    sections = _sections(REPO / f"Pulumi.{arguments.stack}.yaml")
    loaded = read(sections, arguments.stack)
    if loaded.settings is None or loaded.problems:
        raise ValueError("; ".join(f"{problem.path}: {problem.message}" for problem in loaded.problems))
    try:
        planned = plan(loaded.settings, arguments.stack)
    except PlanRefused as refusal:
        raise ValueError(str(refusal)) from None
    names = [model.name for model in planned.models]
    wanted = arguments.model or (names[0] if len(names) == 1 else None)
    if wanted not in names:
        raise LookupError(
            f"--model: Pulumi.{arguments.stack}.yaml has {', '.join(names) or 'no model'}; name one of them"
        )
    place = names.index(wanted)
    served, asked = planned.models[place], loaded.settings.models[place]
    pool = next(each for each in loaded.settings.node_pools if each.name == served.pool)
    instance = instance_type(pool.instance_types[0])
    shape = architecture(asked.source)
    engine = engine_config(asked, shape.native_quantization, version_of(f"v{served.vllm_version}"))
    if instance.gpu is None:
        raise ValueError(f"{instance.name} has no GPU")
    simulated = Setting(
        engine_model(shape, engine, instance.gpu),
        _drained(replace(_supply(served.cold_start, instance, engine.world_size), min_nodes=pool.min_nodes), served),
        scrape_seconds=float(served.scrape_interval_seconds or DEFAULT_SCRAPE_SECONDS),
    )
    scaling = served.autoscaling
    title = f"{wanted} of {arguments.stack}: {asked.source} on {instance.name}"
    return ServedSetting(title, simulated, scaling.min_replicas, scaling.max_replicas)


def _supply(terms: tuple[ColdStartTerm, ...], instance: InstanceType, gpus: int) -> Supply:
    image = tuple(term for term in terms if term.name == "pull image")
    others = tuple(term for term in terms if term.name != "pull image")
    return Supply(
        cold_start=ColdStart(NODE_TERMS, image, others),
        pods_per_node=max(1, instance.gpu_count // gpus),
        gpus_per_node=instance.gpu_count,
        usd_per_node_hour=instance.usd_per_hour,
    )


def _drained(supply: Supply, served: ServedModel) -> Supply:
    grace = float(served.drain.grace_period_seconds)
    return replace(supply, pre_stop_seconds=float(served.drain.pre_stop_seconds), grace_seconds=grace)


def _sections(path: Path) -> dict[str, Any]:
    import yaml

    if not path.exists():
        stacks = sorted(each.name.split(".")[1] for each in path.parent.glob("Pulumi.*.yaml"))
        raise LookupError(f"no stack file {path.name}; stacks: {', '.join(stacks)}")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as problem:
        raise ValueError(f"{path.name}: {problem}") from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise ValueError(f"{path.name}: no mapping under config:")
    prefix = "vllm-on-eks:"
    plain = {key.removeprefix(prefix): value for key, value in config.items() if str(key).startswith(prefix)}
    return {key: value for key, value in plain.items() if not (isinstance(value, dict) and set(value) == {"secure"})}
