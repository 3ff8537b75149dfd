"""`aws` on the platform: a token for the API server, anything else to the real CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.local.places import script

SHIM = REPO / "local" / "bin" / "aws"
GET_TOKEN = ["eks", "get-token", "--cluster-name", "vllm", "--region", "us-east-1", "--output", "json"]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("k8s-aws-v1.secret")
    return file


def run(arguments: list[str], path: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    search = os.pathsep.join([str(SHIM.parent), *([path] if path else []), "/usr/bin", "/bin"])
    return subprocess.run(
        [str(SHIM), *arguments], env={"PATH": search, **environment}, capture_output=True, text=True, check=False
    )


def test_it_answers_get_token_as_the_real_cli_does(token_file: Path) -> None:
    answer = json.loads(run(GET_TOKEN, VLLM_ON_EKS_TOKEN_FILE=str(token_file)).stdout)
    assert answer == {
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "spec": {},
        "status": {"token": "k8s-aws-v1.secret"},
    }


def test_it_answers_in_the_version_that_the_caller_asks_for(token_file: Path) -> None:
    info = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}'
    done = run(GET_TOKEN, VLLM_ON_EKS_TOKEN_FILE=str(token_file), KUBERNETES_EXEC_INFO=info)
    assert json.loads(done.stdout)["apiVersion"] == "client.authentication.k8s.io/v1"


def test_options_before_the_command_do_not_matter(token_file: Path) -> None:
    done = run(["--region", "us-east-1", *GET_TOKEN], VLLM_ON_EKS_TOKEN_FILE=str(token_file))
    assert json.loads(done.stdout)["kind"] == "ExecCredential"


def test_without_a_platform_it_says_what_to_do() -> None:
    done = run(GET_TOKEN)
    assert done.returncode == 255
    assert "make up" in done.stderr


def test_every_other_call_goes_to_the_next_aws_on_path(tmp_path: Path) -> None:
    script(tmp_path / "real bin" / "aws", 'printf "%s|" real "$@"')
    done = run(["s3", "ls", "a b"], path=str(tmp_path / "real bin"))
    assert done.stdout == "real|s3|ls|a b|"


@pytest.mark.skipif(Path("/usr/bin/aws").exists() or Path("/bin/aws").exists(), reason="a system-wide aws is there")
def test_without_a_real_cli_the_platforms_stand_in_is_asked() -> None:
    done = run(["s3", "ls"], VLLM_ON_EKS_PYTHON=sys.executable)
    assert done.returncode == 252
    assert "no AWS CLI on this machine" in done.stderr


@pytest.mark.skipif(Path("/usr/bin/aws").exists() or Path("/bin/aws").exists(), reason="a system-wide aws is there")
def test_outside_of_the_platform_it_says_that_there_is_no_cli() -> None:
    done = run(["s3", "ls"])
    assert done.returncode == 127
    assert "no AWS CLI" in done.stderr
