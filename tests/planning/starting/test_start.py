"""The list of checks itself: GPUs that no stack file can name, and that nothing is said of what starts."""

from __future__ import annotations

from dataclasses import replace

from planning.architectures.layout import SIXTEEN_BIT
from planning.architectures.table import architecture
from planning.findings import Findings
from planning.nodes.instances import gpu
from planning.starting.start import Start, check_start
from tests.planning.stacks import QWEN, errors

GOOD = Start(
    source=QWEN,
    version=(0, 33, 0),
    architecture=architecture(QWEN),
    weights="none",
    layout=SIXTEEN_BIT,
    tensor_parallel=1,
    max_model_len=8192,
    dtype="auto",
    kv_cache_dtype="auto",
    gpu=gpu("l4"),
)


def told(start: Start) -> dict[str, str]:
    findings = Findings()
    check_start(start, lambda setting: setting, findings)
    return errors(findings.all())


def test_what_starts_is_told_nothing() -> None:
    assert told(GOOD) == {}


def test_volta_has_no_kernels_in_new_images() -> None:
    assert "compute capability 7.5 on" in told(replace(GOOD, gpu=gpu("v100")))["pool"]


def test_a_longer_context_is_the_users_own_where_the_config_is_overridden() -> None:
    longer = replace(GOOD, max_model_len=200_000)
    assert "maxModelLen" in told(longer)
    assert told(replace(longer, flags=frozenset({"--hf-overrides"}))) == {}


def test_nothing_is_said_of_a_gpu_that_nobody_named() -> None:
    assert told(replace(GOOD, gpu=None, dtype="bfloat16", kv_cache_dtype="fp8")) == {}
