from __future__ import annotations

import re
from pathlib import Path

import pytest

from planning.versions import pins, vllm_versions
from tests.reference_data import chart_versions


def test_an_image_goes_behind_the_mirror_once() -> None:
    mirror = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mirror"
    once = pins.mirrored("vllm/vllm-openai:v0.33.0", mirror)
    assert once == f"{mirror}/vllm/vllm-openai:v0.33.0"
    assert pins.mirrored(once, mirror) == once
    assert pins.mirrored("vllm/vllm-openai:v0.33.0", None) == "vllm/vllm-openai:v0.33.0"


def test_a_digest_is_written_behind_the_tag() -> None:
    pin = pins.ImagePin("vllm/vllm-openai", "v0.33.0", "sha256:" + "0" * 64, "")
    assert pins.image_reference(pin, "mirror.example") == f"mirror.example/vllm/vllm-openai:v0.33.0@sha256:{'0' * 64}"


def test_the_pinned_vllm_is_a_version_we_know() -> None:
    assert vllm_versions.version_of(pins.VLLM.tag) == vllm_versions.newest_known()


def test_the_smoke_test_runs_the_cuda_of_the_vllm_image() -> None:
    assert pins.CUDA_BASE.tag.startswith(vllm_versions.cuda(vllm_versions.newest_known()))


def test_every_pin_has_a_renovate_line() -> None:
    text = Path(pins.__file__).read_text(encoding="utf-8")
    pinned = re.findall(r'^ +(?:tag|version)="', text, re.M)
    assert len(pinned) == len(re.findall(r"# renovate: datasource=", text)) == 8 + len(pins.CHARTS)


@pytest.mark.parametrize("name", sorted(pins.CHARTS))
def test_charts_are_those_whose_values_were_checked(name: str) -> None:
    pin = pins.CHARTS[name]
    assert chart_versions()[name] == (pin.version, pin.repository)
