"""`python -m local.engine`: its arguments, its logs."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from local.engine.__main__ import pod_log, port_range
from local.engine.pods import view
from tests.local.engine.simulated import pod


def test_a_port_range_is_read() -> None:
    assert port_range("18000-18999") == (18000, 18999)


@pytest.mark.parametrize("text", ["80-90", "18000", "19000-18000", "a-b", "60000-70000"])
def test_a_wrong_port_range_is_named(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not FIRST-LAST"):
        port_range(text)


def test_each_engine_has_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = view(pod("qwen-0"))
    assert seen is not None
    log = pod_log(tmp_path)(seen)
    log("ERROR (simulated) vLLM did not start\nusage: vllm")
    log("INFO (simulated) again")
    text = (tmp_path / "pods" / "models" / "qwen-0.log").read_text()
    assert "usage: vllm" in text
    assert text.count("(simulated)") == 2
    said = capsys.readouterr().err
    assert "models/qwen-0 ERROR (simulated) vLLM did not start" in said
    assert "usage: vllm" not in said
