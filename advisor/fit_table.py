"""The answer of `python -m planning fit` for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from planning.architectures.shape import Architecture
from planning.memory.engine import UNKNOWN_VERSION, EngineConfig
from planning.memory.fit import MemoryFit, token_range
from planning.memory.runner import reserves_graphs
from planning.model import GpuSharingPlan, ThroughputPlan
from planning.nodes.instances import Gpu, InstanceType
from planning.throughput.slo_load import Promise
from planning.units import GIB


@dataclass(frozen=True)
class FitTarget:
    """Where the model is to run; `instance` None: GPUs named on the command line.

    Of a divided GPU, `gpu` and the memory are those of one share, and `whole` is the GPU.
    """

    instance: InstanceType | None
    gpu: Gpu | None
    gpu_memory_bytes: int
    whole: Gpu | None
    sharing: GpuSharingPlan = field(default_factory=GpuSharingPlan)

    @property
    def name(self) -> str:
        """For the title."""
        card = self.gpu.name if self.gpu else "GPU"
        memory = f"{card}, {self.gpu_memory_bytes / GIB:.2f} GiB"
        shares = self.instance.gpu_count * self.sharing.pods_per_gpu if self.instance else 0
        return f"{self.instance.name} ({shares} × {memory})" if self.instance else memory


def print_table(
    model: Architecture,
    engine: EngineConfig,
    target: FitTarget,
    memory_fit: MemoryFit,
    plan: ThroughputPlan | None,
    usd_per_million_tokens: float | None,
) -> None:
    """Parts of the memory, what they hold, why not, and what it would serve."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    verdict = "[green]fits[/]" if memory_fit.fits else "[red]does not work[/]"
    console.print(f"[bold]{model.model_id}[/] on {target.name}: {verdict}")
    table = Table(show_header=True, header_style="bold")
    for column, justify in (("per GPU", "left"), ("GiB", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    budget = target.gpu_memory_bytes * engine.gpu_memory_utilization
    graphs = "CUDA graphs" if reserves_graphs(model, engine) else "CUDA graphs (beside the budget)"
    for what, size in (
        (f"budget ({engine.gpu_memory_utilization:g} of {target.gpu_memory_bytes / GIB:.2f})", budget),
        ("weights", memory_fit.weights_bytes_per_gpu),
        ("activation peak", memory_fit.activation_bytes),
        ("context and buffers", memory_fit.reserve_bytes),
        (graphs, memory_fit.graph_bytes),
        ("KV cache", memory_fit.kv_cache_bytes_per_gpu),
    ):
        table.add_row(what, f"{size / GIB:.2f}")
    console.print(table)
    console.print(
        f"KV cache: {memory_fit.kv_cache_tokens:,} tokens, {memory_fit.max_concurrency:.2f} sequences of "
        f"{engine.max_model_len:,}; longest that fits: {memory_fit.longest_model_len:,}"
    )
    for words in _range_words(model, engine, target):
        console.print(words)
    for reason in memory_fit.reasons:
        console.print(f"  • {reason}")
    if plan is not None:
        console.print(_throughput_words(plan, usd_per_million_tokens))


def _range_words(model: Architecture, engine: EngineConfig, target: FitTarget) -> Iterator[str]:
    low, high = token_range(model, engine, target.gpu_memory_bytes, target.gpu)
    if engine.vllm_version == UNKNOWN_VERSION:
        yield f"The version of vLLM is not given (--vllm-version): versions since 0.8.3 hold {low:,} to {high:,}"
    elif low < high:
        yield f"A start with a warm compile cache holds up to {high:,}; do not rely on it"


def _throughput_words(plan: ThroughputPlan, usd: float | None) -> str:
    price = f", ${usd:.3f} per million tokens" if usd is not None else ""
    return (
        f"Throughput ({plan.input_tokens:g} + {plan.output_tokens:g} tokens, to a factor {plan.range_factor:g}): "
        f"{plan.requests_per_second:.2g} requests/s and {plan.output_tokens_per_second:,.0f} tokens/s out saturated"
        f"{price}; {plan.slo_requests_per_second:.2g} requests/s with {plan.slo_share:.0%} within "
        f"{Promise.ttft_seconds:g} s and {Promise.tpot_seconds * 1000:g} ms per token; alone "
        f"{plan.idle_time_to_first_token_seconds:.2g} s to the first token, "
        f"{plan.idle_time_per_output_token_seconds * 1000:.0f} ms per token; limited by {plan.limited_by}"
    )
