"""The generator of planning/facts/vllm.csv, on a source tree of a few lines."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

SOURCES = {
    "vllm/engine/arg_utils.py": (
        'group.add_argument("--max-model-len", type=int)\ngroup.add_argument("--tp-size", "-tp")\n'
    ),
    "vllm/entrypoints/openai/cli_args.py": "class FrontendArgs:\n    root_path: str = ''\n",
    "vllm/v1/metrics/loggers.py": (
        'self._gauge_cls(name="vllm:num_requests_waiting")\nself._counter_cls(name="vllm:prompt_tokens")\n'
        'self._gauge_cls(name="other:thing")\n'
    ),
    "vllm/config/cache.py": 'CacheDType = Literal["auto", "fp8"]\n',
    "vllm/model_executor/layers/quantization/__init__.py": 'QuantizationMethods = Literal["awq"]\n',
    "docker/Dockerfile": "ARG CUDA_VERSION=13.0.3\nARG torch_cuda_arch_list='7.5 9.0+PTX'\n",
}


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).parents[2] / "tools" / "vllm_facts.py"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_every_kind_of_fact_is_found(generator: dict[str, Any], tree: Path) -> None:
    assert generator["facts"](tree) == {
        ("flag", "--max-model-len"),
        ("flag", "--tp-size"),
        ("alias of --tp-size", "-tp"),
        ("flag", "--root-path"),
        ("gauge", "vllm:num_requests_waiting"),
        ("counter", "vllm:prompt_tokens"),
        ("kv-cache-dtype", "auto"),
        ("kv-cache-dtype", "fp8"),
        ("quantization", "awq"),
        ("cuda", "13.0.3"),
        ("compute-capability", "7.5"),
        ("compute-capability", "9.0"),
    }


def test_a_folder_that_holds_no_vllm_is_an_error(generator: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no vLLM source tree"):
        generator["facts"](tmp_path)


def test_a_name_has_the_first_and_last_version_that_holds_it(
    generator: dict[str, Any], tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = tmp_path / "later"
    (later / "vllm/engine").mkdir(parents=True)
    (later / "vllm/engine/arg_utils.py").write_text('group.add_argument("--tp-size")\n', encoding="utf-8")
    generator["main"]([f"0.1.0={tree}", f"0.2.0={later}"])
    lines = capsys.readouterr().out.splitlines()
    assert "flag,--max-model-len,0.1.0,0.1.0" in lines
    assert "flag,--tp-size,0.1.0,0.2.0" in lines
