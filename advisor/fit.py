"""`python -m planning fit`: does a model fit these GPUs, and what would."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from advisor import burst, option_types, sharing, start_checks
from advisor.fit_table import FitTarget, print_table
from planning.architectures.plausible import described_config
from planning.architectures.table import Architecture, architecture
from planning.findings import Findings
from planning.memory.engine import UNKNOWN_VERSION, EngineConfig, with_defaults
from planning.memory.fit import MemoryFit, fit, token_range
from planning.memory.picture_limits import LIMIT_FLAG, PROCESSOR_FLAG, Pictures, pictures_of
from planning.memory.runner import reserves_graphs
from planning.memory.vision import without_tower
from planning.memory.weights import FORMATS
from planning.model import Severity, ThroughputPlan
from planning.nodes.instances import UnknownGpu, gpu, instance_type, usable_memory_bytes
from planning.scaling.replica import throughput
from planning.throughput.roofline import Traffic
from planning.throughput.serving_rates import lengths, replica_rates
from planning.throughput.slo_load import Promise
from planning.units import GIB
from settings.documents import json_file
from settings.lengths import USUAL_INPUT_TOKENS, USUAL_OUTPUT_TOKENS


def add_to(commands: Any) -> None:
    """Registers the command with argparse."""
    parser = commands.add_parser("fit", help="does a model fit these GPUs", description=__doc__)
    parser.add_argument("model", nargs="?", help="Hugging Face id; may be left out with --config")
    where = parser.add_argument_group("where, one of them")
    where.add_argument("--instance", help="EC2 type, for example g6.xlarge")
    where.add_argument("--gpu", help="GPU name, for example l4 or a100-80gb")
    where.add_argument(
        "--gpu-memory-gib",
        type=option_types.number(1, 2048),
        help="whole: as sold; with a fraction: as CUDA reports it",
    )
    how = parser.add_argument_group("how vLLM is started")
    how.add_argument("--max-model-len", type=option_types.tokens, help="tokens; default: what the model was made for")
    how.add_argument("--dtype", default="auto", choices=["auto", *option_types.SIXTEEN_BIT])
    how.add_argument(
        "--quantization",
        type=option_types.quantization,
        default="none",
        help=f"{', '.join(FORMATS)}; none: as the checkpoint is",
    )
    how.add_argument("--kv-cache-dtype", default="auto", choices=option_types.KV_CACHE_DTYPES)
    how.add_argument("--tensor-parallel", type=option_types.gpus, default=1)
    how.add_argument("--pipeline-parallel", type=option_types.gpus, default=1)
    how.add_argument("--gpu-memory-utilization", type=option_types.utilization, default=0.9)
    how.add_argument("--max-num-seqs", type=option_types.sequences)
    how.add_argument("--max-num-batched-tokens", type=option_types.tokens)
    how.add_argument("--enforce-eager", action="store_true")
    how.add_argument("--language-model-only", action="store_true", help="no tower for pictures or sound is loaded")
    how.add_argument(LIMIT_FLAG, metavar="JSON", help='as vLLM takes it: {"image": 1, "video": 0}')
    how.add_argument(PROCESSOR_FLAG, metavar="JSON", help='as vLLM takes it: {"max_pixels": 1003520}')
    how.add_argument("--enable-expert-parallel", action="store_true", help="each GPU holds whole experts")
    how.add_argument(
        "--vllm-version", type=option_types.vllm_version, help="default: unknown, so a range over versions is shown"
    )
    sharing.add_to(parser)
    load = parser.add_argument_group("requests for which throughput is estimated")
    mean = option_types.mean_tokens
    load.add_argument("--input-tokens", type=mean, help=f"mean; default: {USUAL_INPUT_TOKENS}, or what fits")
    load.add_argument("--output-tokens", type=mean, help=f"mean; default: {USUAL_OUTPUT_TOKENS}, or what fits")
    load.add_argument(
        "--at-once", type=option_types.whole(1, burst.MOST_REQUESTS), metavar="N", help="and of a burst of N of them"
    )
    parser.add_argument("--config", type=Path, help="config.json of a model outside the catalogue")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answers 0 where the model fits, else 1; raises LookupError or ValueError on wrong input."""
    model = _model(arguments)
    limits = _pictures(arguments)
    model = model.text_only if arguments.language_model_only else model
    share = sharing.wanted(arguments)
    target = _shared(_target(arguments), share)
    engine = replace(_engine(arguments, model), pictures=limits)
    model, engine = without_tower(model, engine), sharing.as_started(target.sharing, engine, target.whole)
    memory_fit = _with_counts(fit(model, engine, target.gpu_memory_bytes, target.gpu), engine, target)
    whole_experts = arguments.enable_expert_parallel
    said = start_checks.checked(model, engine, target.instance, target.whole, whole_experts)
    memory_fit, notes = _with_checks(memory_fit, said)
    traffic = _traffic(arguments, engine.max_model_len)
    plan = _throughput(model, engine, target, memory_fit, traffic)
    together = None
    if plan is not None and arguments.at_once and target.gpu is not None:
        together = burst.of_equal_requests(
            model, engine, target.gpu, traffic[0], memory_fit.kv_cache_tokens, arguments.at_once
        )
    if arguments.json:
        extra = {"warnings": list(notes), "gpu_sharing": share.setting, "burst": burst.as_json(together)}
        print(json.dumps(as_json(model, engine, target, memory_fit, plan) | extra, indent=2))
    else:
        print_table(model, engine, target, memory_fit, plan, _usd_per_million_tokens(engine, target, plan))
        if together is not None:
            print(burst.words(together))
        for note in notes:
            print(f"  note: {note}")
    return 0 if memory_fit.fits else 1


def _pictures(arguments: argparse.Namespace) -> Pictures:
    stated = ((LIMIT_FLAG, arguments.limit_mm_per_prompt), (PROCESSOR_FLAG, arguments.mm_processor_kwargs))
    return pictures_of((flag, value) for flag, value in stated if value is not None)


def _traffic(arguments: argparse.Namespace, max_model_len: int) -> tuple[Traffic, bool]:
    """The lengths, and whether they were stated."""
    prompt, answer = arguments.input_tokens, arguments.output_tokens
    if prompt is None and answer is None:
        return lengths(None, max_model_len), False
    asked = Traffic(prompt or USUAL_INPUT_TOKENS, answer or USUAL_OUTPUT_TOKENS)
    if asked.input_tokens + asked.output_tokens > max_model_len:
        raise ValueError("--max-model-len is shorter than the mean request")
    return asked, True


def _throughput(
    model: Architecture, engine: EngineConfig, target: FitTarget, memory_fit: MemoryFit, traffic: tuple[Traffic, bool]
) -> ThroughputPlan | None:
    """None where it does not fit, or where nothing is known of the GPU but its memory."""
    if target.gpu is None or not memory_fit.fits:
        return None
    mean, declared = traffic
    rates = replica_rates(model, engine, target.gpu, mean, memory_fit.kv_cache_tokens, declared=declared)
    return throughput(rates, Promise())


def as_json(
    model: Architecture, engine: EngineConfig, target: FitTarget, memory_fit: MemoryFit, plan: ThroughputPlan | None
) -> dict[str, Any]:
    """The documented keys; GiB are 2^30 bytes, per GPU. `throughput` as ThroughputPlan has it, of one replica.

    Of a divided GPU all are of one share, with its neighbours at work; `gpu` and `usd_per_hour` are of the whole.
    """
    filled = with_defaults(engine, target.gpu_memory_bytes, target.gpu)
    return {
        "model": model.model_id,
        "instance": target.instance.name if target.instance else None,
        "gpu": target.whole.name if target.whole else None,
        "gpu_memory_gib": _gib(target.gpu_memory_bytes),
        "replicas_per_gpu": target.sharing.pods_per_gpu,
        "fits": memory_fit.fits,
        "weights_gib_per_gpu": _gib(memory_fit.weights_bytes_per_gpu),
        "activation_gib_per_gpu": _gib(memory_fit.activation_bytes),
        "reserve_gib_per_gpu": _gib(memory_fit.reserve_bytes),
        "graph_gib_per_gpu": _gib(memory_fit.graph_bytes),
        "graphs_reserved": reserves_graphs(model, engine),
        "kv_cache_gib_per_gpu": _gib(memory_fit.kv_cache_bytes_per_gpu),
        "kv_cache_tokens": memory_fit.kv_cache_tokens,
        "kv_cache_tokens_range": list(token_range(model, engine, target.gpu_memory_bytes, target.gpu)),
        "max_concurrency": round(memory_fit.max_concurrency, 2),
        "longest_model_len": memory_fit.longest_model_len,
        "max_model_len": engine.max_model_len,
        "max_num_seqs": filled.max_num_seqs,
        "max_num_batched_tokens": filled.max_num_batched_tokens,
        "vllm_version": engine.vllm_version,
        "usd_per_hour": target.instance.usd_per_hour if target.instance else None,
        "reasons": list(memory_fit.reasons),
        "throughput": asdict(plan) if plan else None,
        "usd_per_million_tokens": _usd_per_million_tokens(engine, target, plan),
    }


def _usd_per_million_tokens(engine: EngineConfig, target: FitTarget, plan: ThroughputPlan | None) -> float | None:
    """Prompts and answers alike, of a node full of saturated replicas, at the on-demand price."""
    if plan is None or target.instance is None or target.instance.usd_per_hour is None:
        return None
    replicas = target.instance.gpu_count * target.sharing.pods_per_gpu // engine.world_size
    tokens = plan.total_tokens_per_second * 3600 * replicas
    return round(target.instance.usd_per_hour / tokens * 1e6, 4)


def _model(arguments: argparse.Namespace) -> Architecture:
    if arguments.config is None:
        if not arguments.model:
            raise ValueError("name a model or hand over its --config config.json")
        return architecture(arguments.model)
    config = json_file(arguments.config)
    if not isinstance(config, dict):
        raise ValueError(f"{arguments.config}: not a config.json, which is an object")
    for name, unless in (("hf_quant_config", "quantization_config"), ("preprocessor_config", "preprocessor_config")):
        beside = arguments.config.parent / f"{name}.json"
        if unless not in config and beside.is_file():
            config = {**config, name: json_file(beside)}
    read = described_config(config)
    return replace(read, model_id=arguments.model) if arguments.model else read


def _target(arguments: argparse.Namespace) -> FitTarget:
    memory_gib = arguments.gpu_memory_gib
    if arguments.instance and (arguments.gpu or memory_gib is not None):
        raise ValueError("say where once: --instance TYPE, or --gpu NAME (with --gpu-memory-gib G) without it")
    if arguments.instance:
        instance = instance_type(arguments.instance)
        if instance.gpu is None:
            raise ValueError(f"{instance.name} has no GPU; types with one: families g4dn, g5, g6, g6e, g7e, p4d, p5")
        return FitTarget(instance, instance.gpu, instance.gpu.usable_memory_bytes, instance.gpu)
    if arguments.gpu:
        try:
            card = gpu(arguments.gpu, memory_gib)
        except UnknownGpu:
            if memory_gib is None:
                raise
            return FitTarget(None, None, usable_memory_bytes(memory_gib), None)
        stated = memory_gib is not None and not memory_gib.is_integer()
        return FitTarget(None, card, usable_memory_bytes(memory_gib) if stated else card.usable_memory_bytes, card)
    if memory_gib is None:
        raise ValueError("say where: --instance TYPE, --gpu NAME or --gpu-memory-gib G")
    return FitTarget(None, None, usable_memory_bytes(memory_gib), None)


def _shared(target: FitTarget, share: sharing.WantedShare) -> FitTarget:
    """One share of the target's GPU; raises ValueError where it has none."""
    if share.is_whole:
        return target
    if target.gpu is None:
        raise ValueError("--gpu-sharing: say which GPU is divided: --instance or --gpu")
    whole_gpu = replace(target.gpu, usable_memory_bytes=target.gpu_memory_bytes)
    plan, gpu = share.on(whole_gpu)
    return FitTarget(target.instance, gpu, gpu.usable_memory_bytes, whole_gpu, plan)


def _engine(arguments: argparse.Namespace, model: Architecture) -> EngineConfig:
    return option_types.startable(
        EngineConfig(
            max_model_len=model.max_position_embeddings if arguments.max_model_len is None else arguments.max_model_len,
            max_num_seqs=arguments.max_num_seqs,
            dtype=arguments.dtype,
            quantization=arguments.quantization,
            kv_cache_dtype=arguments.kv_cache_dtype,
            tensor_parallel=arguments.tensor_parallel,
            pipeline_parallel=arguments.pipeline_parallel,
            gpu_memory_utilization=arguments.gpu_memory_utilization,
            max_num_batched_tokens=arguments.max_num_batched_tokens,
            enforce_eager=arguments.enforce_eager,
            vllm_version=arguments.vllm_version or UNKNOWN_VERSION,
        )
    )


def _with_counts(memory_fit: MemoryFit, engine: EngineConfig, target: FitTarget) -> MemoryFit:
    """A replica needs as many GPUs as tensor × pipeline parallel; several nodes per replica are not planned."""
    reason = sharing.trouble(target.sharing, engine)
    if target.instance is not None and engine.world_size > target.instance.gpu_count:
        reason = f"the replica needs {engine.world_size} GPUs, {target.instance.name} has {target.instance.gpu_count}"
    return replace(memory_fit, fits=False, reasons=(reason, *memory_fit.reasons)) if reason else memory_fit


def _with_checks(memory_fit: MemoryFit, findings: Findings) -> tuple[MemoryFit, tuple[str, ...]]:
    """The memory's answer with what else keeps vLLM from starting, and what works but is worth knowing."""
    said = [(finding.severity, str(finding)) for finding in findings.all()]
    errors = tuple(text for severity, text in said if severity is Severity.ERROR)
    notes = tuple(text for severity, text in said if severity is not Severity.ERROR)
    return (replace(memory_fit, fits=False, reasons=(*errors, *memory_fit.reasons)) if errors else memory_fit), notes


def _gib(size_bytes: float) -> float:
    return round(size_bytes / GIB, 3)
