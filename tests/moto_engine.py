"""The recording engine over moto: each AWS registration is checked and made by the stand-in provider, in process.

A replay and more: ids, ARNs and outputs are those of the endpoint, so references between resources are true ones,
and a wrong reference, enum, name or policy is refused by botocore's model, the provider's own checks or moto.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pulumi
from moto import mock_aws
from pulumi.runtime.proto import provider_pb2 as pb

from local.aws_endpoint.extension import install_extension
from local.providers.aws.cloud import Cloud
from local.providers.aws.provider import AwsProvider
from local.providers.rpc import from_struct, plain, to_struct
from tests.engine import Engine, record


class Refused(Exception):
    """The provider refuses inputs of the program."""


class MotoEngine(Engine):
    """`answers` of the tables are used for everything but AWS. Make and use it inside `moto_account()`."""

    def __init__(self, region: str) -> None:
        super().__init__()
        self.region = region
        self.provider = AwsProvider(cloud=Cloud(region))
        self._one_at_a_time = threading.Lock()  # moto's backends in process are not thread-safe

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Check, then Create; raises `Refused` with every problem of the inputs."""
        if not args.typ.startswith("aws:"):
            return super().new_resource(args)
        urn = f"urn:pulumi:test::vllm-on-eks::{args.typ}::{args.name}"
        with self._one_at_a_time:
            checked = self.provider.Check(pb.CheckRequest(urn=urn, news=to_struct(args.inputs)), None)
            if checked.failures:
                problems = [f"{failure.property}: {failure.reason}" for failure in checked.failures]
                raise Refused(f"{args.typ} {args.name}: " + "; ".join(problems))
            made = self.provider.Create(pb.CreateRequest(urn=urn, properties=checked.inputs), None)
        return made.id, plain(from_struct(made.properties))

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Invokes of AWS, answered by the provider from what is in moto."""
        if not args.token.startswith("aws:"):
            return super().call(args)
        with self._one_at_a_time:
            answer = self.provider.Invoke(pb.InvokeRequest(tok=args.token, args=to_struct(args.args)), None)
        return plain(from_struct(getattr(answer, "return"))), []


@contextmanager
def moto_account(region: str) -> Iterator[None]:
    """An empty account in this process, with our EKS extension; nothing leaves the process."""
    install_extension()
    before = os.environ.get("AWS_REGION")
    os.environ["AWS_REGION"] = region
    try:
        with mock_aws():
            yield
    finally:
        if before is None:
            del os.environ["AWS_REGION"]
        else:
            os.environ["AWS_REGION"] = before


def replay(build: Callable[[], Any], region: str, **options: Any) -> MotoEngine:
    """Runs a program against an empty account (call inside `moto_account`) and returns its record."""
    engine = MotoEngine(region)
    record(build, engine=engine, **options)
    return engine
