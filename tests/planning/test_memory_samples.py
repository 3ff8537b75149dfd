"""The memory model against public start-up logs: prints the error table, and holds it to its goals.

Run with -s to see the table.
"""

from __future__ import annotations

from statistics import median

import pytest

from planning.memory.fit import MemoryFit, fit
from planning.memory.weights import weights_bytes_per_gpu
from tests.planning.memory_samples import Sample, read_samples
from tests.reference_data import DATA


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(read_samples(DATA / "vllm_memory_samples.csv"))


def fitted(sample: Sample) -> MemoryFit | None:
    if sample.gpu_memory_bytes is None:
        return None
    return fit(sample.model, sample.engine, sample.gpu_memory_bytes, sample.gpu)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def show(title: str, lines: list[str], errors: list[float]) -> None:
    print(f"\n{title}")
    print("\n".join(lines))
    print(
        f"  {len(errors)} logs: median {median(errors):.2f} %, p95 {percentile(errors, 0.95):.2f} %, "
        f"worst {max(errors):.2f} %"
    )


def test_weights_are_within_0_3_percent_at_the_median_and_5_at_p95(samples: list[Sample]) -> None:
    lines, errors = [], []
    for sample in samples:
        if sample.weights_bytes is None:
            continue
        computed = weights_bytes_per_gpu(sample.model, sample.engine)
        error = 100 * (computed / sample.weights_bytes - 1)
        errors.append(abs(error))
        lines.append(f"  {sample.label} {sample.weights_bytes / 2**30:9.4f} {computed / 2**30:9.4f} GiB {error:7.2f} %")
    show("weights per GPU: logged, computed, error", lines, errors)
    assert len(errors) >= 25
    assert median(errors) <= 0.3
    assert percentile(errors, 0.95) <= 5


def test_kv_cache_tokens_on_v1_are_within_2_5_percent_at_the_median_and_12_at_p95(samples: list[Sample]) -> None:
    lines, errors = [], []
    for sample in samples:
        memory_fit = fitted(sample)
        if memory_fit is None or not sample.kv_cache_tokens or not sample.utilization_stated:
            continue
        if sample.row["engine"] != "v1":
            continue
        error = 100 * (memory_fit.kv_cache_tokens / sample.kv_cache_tokens - 1)
        errors.append(abs(error))
        lines.append(
            f"  {sample.label} {sample.kv_cache_tokens:9d} {memory_fit.kv_cache_tokens:9d} tokens {error:7.2f} %"
        )
    show("KV-cache tokens, V1 engine, utilization known: logged, computed, error", lines, errors)
    assert len(errors) >= 18
    assert median(errors) <= 2.5
    assert percentile(errors, 0.95) <= 12


def test_no_configuration_that_failed_is_called_fitting(samples: list[Sample]) -> None:
    """Where the length is known. At most one false "fits", 95 % right."""
    right, false_fits, wrong = 0, [], []
    for sample in samples:
        memory_fit = fitted(sample)
        if memory_fit is None or not sample.row["fits"] or not sample.length_stated:
            continue
        logged = sample.row["fits"] == "1"
        if memory_fit.fits == logged:
            right += 1
        else:
            wrong.append(sample.label)
        if memory_fit.fits and not logged:
            false_fits.append(sample.label)
    total = right + len(wrong)
    print(f"\nfits: {right} of {total} right, {len(false_fits)} false fits {false_fits}, wrong {wrong}")
    assert total >= 30
    assert len(false_fits) <= 1
    assert right / total >= 0.95
