"""`aws` on the platform: a token for the API server, anything else to the real CLI."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from awscli.clidriver import create_clidriver

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


def test_every_other_call_is_the_pinned_clis(tmp_path: Path) -> None:
    script(tmp_path / "aws", "echo another one on PATH")
    done = run(["--version"], path=str(tmp_path), VLLM_ON_EKS_PYTHON=sys.executable)
    assert done.stdout.startswith(f"aws-cli/{version('awscli')} ")


def test_outside_of_the_platform_it_says_what_to_do() -> None:
    done = run(["s3", "ls"])
    assert done.returncode == 127
    assert "source .local/env" in done.stderr


def named_commands() -> set[tuple[str, ...]]:
    """Service, operation and options of each `aws` command that our documents and reports tell to run."""
    named = re.compile(r"\baws ([a-z0-9]+(?:-[a-z0-9]+)*) ([a-z]+(?:-[a-z]+)+)([^`\"\n|;)]*)")
    texts = [
        *(REPO / "docs").glob("*.md"),
        *(f for room in ("preflight", "planning") for f in (REPO / room).rglob("*.py")),
    ]
    matches = (match for text in texts for match in named.findall(text.read_text(encoding="utf-8")))
    return {(service, operation, *re.findall(r"--[a-z-]+", options)) for service, operation, options in matches}


def test_the_real_cli_knows_every_command_and_option_that_we_tell_to_run() -> None:
    services = create_clidriver().create_help_command()
    everywhere = {f"--{name}" for name in services.arg_table}
    named = sorted(named_commands())
    assert len(named) >= 10
    for service, operation, *options in named:
        operations = services.command_table[service].create_help_command().command_table
        assert operation in operations, (service, operation)
        known = {f"--{name}" for name in operations[operation].create_help_command().arg_table}
        assert set(options) - known - everywhere == set(), (service, operation)
