"""The throughput model against public measurements: prints the error table, and holds it to its goals.

Run with -s to see the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from planning.throughput.roofline import saturated
from tests.planning.throughput_samples import Measured, accelmark_samples, vllm_samples
from tests.reference_data import DATA


def factors(title: str, samples: Iterable[Measured]) -> list[float]:
    print(f"\n{title}: measured, computed output tokens/s, factor")
    found = []
    for each in samples:
        rate = saturated(each.model, each.engine, each.gpu, each.traffic, each.concurrency)
        ratio = rate.output_tokens_per_second / each.output_tokens_per_second
        found.append(max(ratio, 1 / ratio))
        measured = each.output_tokens_per_second
        print(f"  {each.label:60} {measured:9.1f} {rate.output_tokens_per_second:9.1f} {ratio:5.2f} {rate.limited_by}")
    inside = sum(factor <= 1.3 for factor in found)
    print(f"  {len(found)} rows: median {median(found):.2f}, {inside} within 1.3, worst {max(found):.2f}")
    return found


def test_current_vllm_is_within_a_factor_1_3() -> None:
    rows = [*vllm_samples(DATA / "vllm_throughput_samples.csv")]
    rows += accelmark_samples(DATA / "gpu_throughput.csv")
    found = factors("V1 engine", [row for row in rows if row.engine.is_v1])
    assert len(found) >= 17
    assert max(found) <= 1.3
    assert median(found) <= 1.15


def test_the_old_engine_is_mostly_within_a_factor_1_3() -> None:
    rows = [*vllm_samples(DATA / "vllm_throughput_samples.csv")]
    rows += accelmark_samples(DATA / "gpu_throughput.csv")
    found = factors("V0 engine", [row for row in rows if not row.engine.is_v1])
    assert len(found) >= 55
    assert sum(factor <= 1.3 for factor in found) / len(found) >= 0.75
    assert max(found) <= 2.0
