"""The served provider, spoken to over a real gRPC connection as the engine does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import status_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from local.providers.rpc import to_struct

REPO = Path(__file__).resolve().parents[3]
PROVIDER = """
from local.providers.rpc import BaseProvider, InitFailed, ProviderError, from_struct, serve
from pulumi.runtime.proto import provider_pb2 as pb

class Example(BaseProvider):
    def configure(self, config):
        self.seen = config
    def Check(self, request, context):
        raise ProviderError("the answer is no")
    def Create(self, request, context):
        raise InitFailed("id-1", {"a": 1}, {"b": 2}, ["not ready", "at all"])
    def Delete(self, request, context):
        raise KeyError("bug")

serve(Example)
"""


@pytest.fixture(scope="module")
def started() -> Iterator[tuple[Any, Any]]:
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    process = subprocess.Popen([sys.executable, "-c", PROVIDER], stdout=subprocess.PIPE, env=env, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield process, ResourceProviderStub(channel)
    process.kill()
    process.wait()


def test_the_engine_is_told_that_secrets_and_previews_are_understood(started: Any) -> None:
    answer = started[1].Configure(pb.ConfigureRequest(args=to_struct({"region": "eu-west-1"})))
    assert answer.acceptSecrets
    assert answer.supportsPreview
    assert not answer.acceptResources


def test_an_error_of_the_provider_is_the_text_that_the_user_reads(started: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        started[1].Check(pb.CheckRequest(urn="u"))
    assert caught.value.details() == "the answer is no"


def test_a_failed_initialisation_carries_id_state_and_reasons(started: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        started[1].Create(pb.CreateRequest(urn="u"))
    details = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(details)
    failed = pb.ErrorResourceInitFailed()
    assert status.details[0].Unpack(failed)
    assert failed.id == "id-1"
    assert list(failed.reasons) == ["not ready", "at all"]
    assert dict(failed.properties) == {"a": 1}


def test_a_bug_in_a_provider_is_named_and_does_not_end_it(started: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        started[1].Delete(pb.DeleteRequest(urn="u"))
    assert caught.value.details() == "KeyError: 'bug'"
    assert started[0].poll() is None


def test_there_is_no_schema_and_it_says_so(started: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        started[1].GetSchema(pb.GetSchemaRequest())
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


SCRIPT = REPO / "local/providers/bin/pulumi-resource-aws"


def test_the_script_that_the_engine_starts_is_executable_and_no_other_is_there() -> None:
    assert os.access(SCRIPT, os.X_OK)
    assert [path.name for path in SCRIPT.parent.iterdir()] == [SCRIPT.name]


def test_the_script_prints_a_port_and_ends_quietly_when_asked(tmp_path: Path) -> None:
    env = {**os.environ, "VLLM_ON_EKS_PYTHON": sys.executable}
    process = subprocess.Popen(
        [str(SCRIPT)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=tmp_path
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) > 0
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
