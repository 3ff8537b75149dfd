from __future__ import annotations

import pytest

from planning.versions import vllm_versions
from planning.versions.vllm_versions import canonical_flag, has_flag, metrics, names, near_flag, version_of, why_unknown

NEW = (0, 33, 0)


@pytest.mark.parametrize(
    ("tag", "version"), [("v0.33.0", NEW), ("v0.33.0-cu129", NEW), ("0.9.2", (0, 9, 2)), ("v0.10.1.1", (0, 10, 1))]
)
def test_a_tag_names_a_version(tag: str, version: tuple[int, int, int]) -> None:
    assert version_of(tag) == version


def test_a_tag_without_version_is_refused() -> None:
    with pytest.raises(ValueError, match=r"v0\.33\.0"):
        version_of("latest")


def test_flags_come_and_go_with_versions() -> None:
    assert not has_flag("--shutdown-timeout", (0, 17, 1))
    assert has_flag("--shutdown-timeout", (0, 18, 0))
    assert has_flag("--shutdown-timeout", (0, 27, 1))  # a patch release has its minor's flags
    assert has_flag("--swap-space", (0, 17, 0))
    assert not has_flag("--swap-space", (0, 18, 0))


def test_every_flag_we_may_set_is_in_the_newest_version() -> None:
    from planning.serving.engine_args import verdicts

    ever = names("flag", NEW) | names("flag", (0, 16, 0))
    assert set(verdicts()) - ever == set()
    kinds = {flag: {each.verdict for each in of_flag} for flag, of_flag in verdicts().items()}
    assert set().union(*kinds.values()) == {"planned", "refused", "warned", "code"}
    assert {flag for flag, of_flag in kinds.items() if "planned" in of_flag} <= names("flag", NEW)


def test_a_version_beyond_the_table_is_taken_for_its_newest() -> None:
    assert vllm_versions.newest_known() == NEW
    assert names("flag", (1, 2, 0)) == names("flag", NEW)


@pytest.mark.parametrize(
    ("spelled", "flag"),
    [
        ("--max-model-len", "--max-model-len"),
        ("--max_model_len", "--max-model-len"),
        ("-tp", "--tensor-parallel-size"),
        ("--tensor-parallel", "--tensor-parallel-size"),  # argparse takes unique beginnings
        ("--no-enable-prefix-caching", "--enable-prefix-caching"),
        ("--compilation-config.mode", "--compilation-config"),
        ("-cc.mode", "--compilation-config"),
        ("--device-memory-utilization", "--gpu-memory-utilization"),
        ("-O3", "--optimization-level"),
        ("--max-num", None),  # ambiguous
        ("--nonsense", None),
        ("-x", None),
    ],
)
def test_spellings_are_read_as_vllm_reads_them(spelled: str, flag: str | None) -> None:
    assert canonical_flag(spelled, NEW) == flag


def test_an_unknown_flag_is_explained() -> None:
    assert why_unknown("--max-model-length", NEW) == "is not known"
    assert "did you mean --max-model-len" in near_flag("--max-model-length", NEW)
    assert near_flag("--swap_space", NEW) == ""
    assert "0.17.0" in why_unknown("--swap_space", NEW)
    assert "came with vLLM 0.18.0" in why_unknown("--shutdown-timeout", (0, 16, 0))


def test_metrics_are_named_as_prometheus_shows_them() -> None:
    shown = metrics(NEW)
    assert {"vllm:num_requests_waiting", "vllm:kv_cache_usage_perc", "vllm:prompt_tokens_total"} <= shown
    assert "vllm:gpu_cache_usage_perc" not in shown
    assert "vllm:num_requests_waiting_by_reason" not in metrics((0, 19, 0))


def test_the_image_of_the_newest_version_runs_on_turing_and_needs_cuda_13() -> None:
    assert vllm_versions.lowest_compute_capability(NEW) == (7, 5)
    assert vllm_versions.lowest_compute_capability((0, 16, 0)) == (7, 0)
    assert vllm_versions.cuda(NEW) == "13.0.3"
    assert vllm_versions.cuda((0, 19, 1)) == "12.9.1"
