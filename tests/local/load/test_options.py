"""Wrong values: all of them at once; a platform that is stopped, a model that is not there."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException

from local.__main__ import main
from local.commands.completion import RunningModel
from local.load.options import CannotLoad, Options, add_arguments, read
from local.load.target import arguments_of, choose, declared
from tests.local.places import paths_in


def options(tmp_path: Path, *words: str) -> Options:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return read(parser.parse_args(words), tmp_path)


def test_without_arguments_it_is_a_burst(tmp_path: Path) -> None:
    read = options(tmp_path)
    assert (read.profile, read.rate, read.seconds) == ("burst", 4.0, 120.0)
    assert read.out == tmp_path / "load.svg"
    assert isinstance(read.most_requests, int)
    assert read == Options(out=read.out)


def test_every_wrong_value_is_named_at_once(tmp_path: Path) -> None:
    words = ["--profile", "brst", "--rate", "1e9", "--seconds", "nan", "--seed", "1.5", "--out", f"{tmp_path}/no/x.gif"]
    with pytest.raises(CannotLoad) as problem:
        options(tmp_path, *words)
    said = str(problem.value)
    assert "\n" not in said
    for part in (
        "--profile brst: write one of burst, steady, diurnal; did you mean burst?",
        "--rate 1e9: write a number from 0.01 to 200",
        "--seconds nan: write a number from 1 to 7200",
        "--seed 1.5: write a whole number from 0 to 4294967295",
        "x.gif: write a name that ends in .png or .svg",
        "is not there or cannot be written",
    ):
        assert part in said


def test_against_a_stopped_platform_it_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VLLM_ON_EKS_LOCAL_DIR", str(tmp_path / "state"))
    assert main(["load", "--seconds", "1"]) == 2
    printed = capsys.readouterr()
    assert printed.err == "error: the platform is stopped: make up\n"
    assert printed.out == ""


def model(name: str, namespace: str = "models") -> RunningModel:
    return RunningModel(namespace, name, 1, 1, 1, 1)


def test_the_only_model_needs_no_name() -> None:
    assert choose([model("qwen")], "") == model("qwen")
    with pytest.raises(CannotLoad, match=r"which model\? .*: models/llama, models/qwen"):
        choose([model("llama"), model("qwen")], "")


def test_an_unknown_model_is_met_with_the_nearest_names() -> None:
    with pytest.raises(CannotLoad, match=r"no such model; did you mean qwen\?; models: llama, qwen"):
        choose([model("llama"), model("qwen")], "qwn")
    with pytest.raises(CannotLoad, match="no model is on the platform"):
        choose([], "qwen")


def test_a_name_in_two_namespaces_needs_the_namespace() -> None:
    both = [model("qwen", "a"), model("qwen", "b")]
    assert choose(both, "b/qwen") == both[1]
    with pytest.raises(CannotLoad, match="several namespaces; write one of a/qwen, b/qwen"):
        choose(both, "qwen")


def test_a_model_without_replicas_is_known_by_its_deployments_arguments() -> None:
    assert declared(["Qwen/Qwen2.5", "--served-model-name=Qwen", "--max-model-len=8192", "--x"]) == ("Qwen", 8192)
    with pytest.raises(CannotLoad, match="no Ready replica"):
        declared(["Qwen/Qwen2.5", "--max-model-len=auto"])


@pytest.mark.parametrize(
    ("status", "told"), [(404, "has no Ready replica, and is no Deployment"), (403, "answers 403")]
)
def test_a_model_that_is_no_deployment_and_has_no_ready_replica_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, told: str
) -> None:
    """A Rollout, or a RayService."""

    def absent(name: str, namespace: str) -> None:
        raise ApiException(status=status)

    apis = SimpleNamespace(apps=SimpleNamespace(read_namespaced_deployment=absent))
    monkeypatch.setattr("local.load.target.connect", lambda kubeconfig: apis)
    with pytest.raises(CannotLoad, match=told):
        arguments_of(paths_in(tmp_path), RunningModel("models", "qwen", 1, 0, 0, 0))
