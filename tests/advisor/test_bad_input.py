"""Wrong input to every command of `python -m planning`: exit 2, one line that names it, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from planning.__main__ import main

MODEL = "meta-llama/Llama-3.1-8B"
SIMULATE = ["simulate", "--model", MODEL, "--instance", "g6e.xlarge"]
PROFILE = [*SIMULATE, "--profile", "poisson:1"]
FIT = ["fit", MODEL, "--instance", "g6.xlarge"]
RECOMMEND = [
    "recommend", MODEL, "--max-model-len", "2048", "--requests-per-second", "1", "--input-tokens", "100",
    "--output-tokens", "100",
]  # fmt: skip
HUGE = "9" * 30
OPTIONS = [
    (PROFILE, "--min-replicas 5 --max-replicas 2", "--min-replicas 5 is more than --max-replicas 2"),
    (PROFILE, "--start-replicas 5 --max-replicas 2", "--start-replicas"),
    *((PROFILE, f"--min-replicas {value}", "--min-replicas") for value in ("-1", "1.5", "x", "nan", HUGE)),
    *((PROFILE, f"--max-replicas {value}", "--max-replicas") for value in ("0", "-3", "inf", HUGE)),
    *((PROFILE, f"--seed {value}", "--seed") for value in ("x", "-1", "nan", "1e3", HUGE)),
    *((PROFILE, f"--duration {value}", "--duration") for value in ("x", "0", "-5", "nan", "inf", "1e30")),
    *((PROFILE, f"--max-num-batched-tokens {value}", "--max-num-batched-tokens") for value in ("0", "-1", "nan")),
    (PROFILE, "--max-num-batched-tokens 16 --max-num-seqs 64", "--max-num-batched-tokens: 16 batched tokens"),
    (FIT, "--max-num-batched-tokens 16 --max-num-seqs 64", "--max-num-batched-tokens: 16 batched tokens"),
    *((PROFILE, f"--slo-ttft {value}", "--slo-ttft") for value in ("0", "-1", "nan", "inf")),
    *((PROFILE, f"--cold-start {value}", "--cold-start") for value in ("-1", "nan", "inf")),
    *((PROFILE, f"--launch-failure {value}", "--launch-failure") for value in ("1", "-0.1", "nan")),
    (PROFILE, "--scrape-interval 0", "--scrape-interval"),
    (PROFILE, "--policy defualt", "did you mean default"),
    (PROFILE, "--tensor-parallel 0", "--tensor-parallel"),
    (PROFILE, "--kv-cache-dtype fp3", "--kv-cache-dtype"),
    (PROFILE, "--quantization q9", "--quantization"),
    *((SIMULATE, f"--profile {value}", "--profile") for value in ("poisson:", "poisson:nan", "burst:1,2,0", "x:1")),
    *((FIT, f"--max-model-len {value}", "--max-model-len") for value in ("0", "-1", "1e5", "nan", HUGE)),
    *((FIT, f"--gpu-memory-utilization {value}", "--gpu-memory-utilization") for value in ("0", "1.5", "nan", "-1")),
    *((FIT, f"--at-once {value}", "--at-once") for value in ("0", "-1", "nan", HUGE)),
    *((FIT, f"--vllm-version {value}", "--vllm-version") for value in ("abc", "99.0", "-1")),
    (FIT, "--instance g6.xlrge", "did you mean g6.xlarge"),
    *((RECOMMEND, f"--requests-per-second {value}", "--requests-per-second") for value in ("0", "-1", "nan", "inf")),
    *((RECOMMEND, f"--input-tokens {value}", "--input-tokens") for value in ("0", "-1", "nan", HUGE)),
    (["fit", "meta-lama/Llama-3.1-8B", "--instance", "g6.xlarge"], "", "did you mean meta-llama/Llama-3.1-8B"),
    (["fit", "", "--instance", "g6.xlarge"], "", "name a model"),
    (["simulate", "--stack", "nosuch", "--profile", "poisson:1"], "", "Pulumi.nosuch.yaml"),
    (["fti"], "", "invalid choice: 'fti'"),
]
HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
STAMP = "2023-11-16 18:17:03"
TRACES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "blank lines": (b"\n\n", "empty"),
    "header alone": (HEADER.encode(), "no requests"),
    "other encoding": (HEADER.encode("utf-16"), "not UTF-8"),
    "quoted": (f'{HEADER}"{STAMP}","10","5"\n'.encode(), "quoted"),
    "a column twice": (
        f"TIMESTAMP,ContextTokens,ContextTokens,GeneratedTokens\n{STAMP},1,2,3\n".encode(),
        "column ContextTokens stands twice",
    ),
    "negative": (f"{HEADER}{STAMP},-10,5\n".encode(), "-10 input"),
    "no number": (f"{HEADER}{STAMP},nan,5\n".encode(), "wanted is for example"),
    "infinite": (f"{HEADER}{STAMP},inf,5\n".encode(), "wanted is for example"),
    "a number without end": (f"{HEADER}{STAMP},{'9' * 5000},5\n".encode(), "wanted is for example"),
    "a key twice": (
        b'{"timestamp": 0, "timestamp": 5, "input_length": 5, "output_length": 1}\n',
        "the key 'timestamp' twice",
    ),
}
CONFIGS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "cut off": (b'{"a": 1', "not JSON"),
    "a list": (b"[]", "which is an object"),
    "nothing in it": (b"{}", "num_hidden_layers"),
    "other encoding": (b"\xff\xfe{}", "UTF-8"),
    "byte order mark": (b"\xef\xbb\xbf{}", "BOM"),
    "no number": (b'{"num_hidden_layers": NaN}', "no finite number"),
    "infinite": (b'{"num_hidden_layers": Infinity}', "no finite number"),
    "a key twice": (b'{"hidden_size": 2048, "hidden_size": 4096}', "the key 'hidden_size' twice"),
}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert "Traceback" not in shown.err
    return shown.err


@pytest.mark.parametrize(("command", "options", "words"), OPTIONS, ids=lambda value: str(value)[-60:])
def test_a_wrong_option_is_refused_by_its_name(
    capsys: pytest.CaptureFixture[str], command: list[str], options: str, words: str
) -> None:
    assert words in refused(capsys, *command, *options.split())


@pytest.mark.parametrize("name", TRACES)
def test_a_wrong_trace_is_refused_by_its_name(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    content, words = TRACES[name]
    (tmp_path / "some-trace").write_bytes(content)
    told = refused(capsys, *SIMULATE, "--max-replicas", "2", "--trace", str(tmp_path / "some-trace"))
    assert "some-trace" in told
    assert words in told


@pytest.mark.parametrize("name", CONFIGS)
def test_a_wrong_config_json_is_refused_by_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    content, words = CONFIGS[name]
    (tmp_path / "some-config.json").write_bytes(content)
    told = refused(capsys, "fit", "--config", str(tmp_path / "some-config.json"), "--instance", "g6.xlarge")
    assert words in told


@pytest.mark.parametrize("option", ["--trace", "--config"])
def test_a_directory_and_what_is_not_there_are_no_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str
) -> None:
    rest = ["--instance", "g6.xlarge"]
    command = ["fit", *rest] if option == "--config" else [*SIMULATE, "--max-replicas", "2"]
    assert "no file" in refused(capsys, *command, option, str(tmp_path))
    assert "no" in refused(capsys, *command, option, str(tmp_path / "nosuch"))


def test_a_trace_from_windows_is_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = "".join(f"2023-11-16 18:17:{second:02},10,5\r\n" for second in range(20))
    (tmp_path / "trace").write_bytes(b"\xef\xbb\xbf" + (HEADER.strip() + "\r\n" + rows).encode())
    asked = ["--trace", str(tmp_path / "trace"), "--max-replicas", "2", "--policy", "fixed-maximum", "--json"]
    assert main([*SIMULATE, *asked]) == 0
    assert '"requests": 20' in capsys.readouterr().out
