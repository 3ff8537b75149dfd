"""The recording engine over moto: each AWS registration is checked and made by the stand-in provider, in process.

A replay and more: ids, ARNs and outputs are those of the endpoint, so references between resources are true ones,
and a wrong reference, enum, name or policy is refused by botocore's model, the provider's own checks or moto.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pulumi
from google.protobuf import struct_pb2
from moto import mock_aws
from moto.utilities.utils import get_partition
from pulumi.runtime.proto import provider_pb2 as pb

from local.aws_endpoint.contract.account import ACCOUNT_ID, Account, current, use
from local.aws_endpoint.contract.gate import judge
from local.aws_endpoint.contract.rule import Asked
from local.aws_endpoint.contract.world import AccountWorld
from local.aws_endpoint.extension import install_extension
from local.providers.aws.cloud import Cloud
from local.providers.aws.provider import AwsProvider
from local.providers.rpc import ProviderError, from_struct, plain, to_struct
from tests.engine import Engine, record


class Refused(Exception):
    """The provider refuses inputs of the program."""


class _NoAnswer(grpc.RpcError):  # type: ignore[misc]  # grpc has no type hints here
    """A function that fails, as the SDK knows it: by its status, which a program may take for an answer."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(str(error))

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Made:
    """A resource that exists in moto; `inputs` as the provider completed them."""

    type: str
    name: str
    id: str
    inputs: struct_pb2.Struct
    properties: struct_pb2.Struct


class MotoEngine(Engine):
    """`answers` of the tables are used for everything but AWS. Make and use it inside `moto_account()`."""

    def __init__(self, region: str, *, plays_kubernetes: bool = False, before: MotoEngine | None = None) -> None:
        """`before`: the stack as an earlier program left it; this one changes it. End with `finish`."""
        super().__init__()
        self._old = {(made.type, made.name): made for made in before.made} if before else {}
        self._going: list[Made] = []
        self.plays_kubernetes = plays_kubernetes
        self.inside: list[Made] = []
        self.region = region
        self.provider = AwsProvider(cloud=Cloud(region))
        self.made: list[Made] = []
        self._before: dict[str, frozenset[str]] = {}
        self._one_at_a_time = threading.Lock()  # moto's backends in process are not thread-safe

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Check, then Create; raises `Refused` with every problem of the inputs."""
        if args.typ.startswith("kubernetes:") and self.plays_kubernetes:
            with self._one_at_a_time:
                self._ask_cluster("Install" if args.typ.endswith(":Release") else "Create", args.typ, args.inputs)
                empty = struct_pb2.Struct()
                self.inside.append(Made(args.typ, args.name, args.name, to_struct(args.inputs), empty))
        if not args.typ.startswith("aws:"):
            return super().new_resource(args)
        with self._one_at_a_time:
            old = self._old.pop((args.typ, args.name), None)
            if args.resource_id and (old is None or old.id != args.resource_id):
                made = self._imported(args.typ, args.name, args.resource_id, args.inputs)
            else:
                inputs = (
                    args.inputs if old is None else self._without_ignored(args.typ, args.name, args.inputs, old.inputs)
                )
                checked = self.check(args.typ, args.name, inputs, old)
                made = self._made(args.typ, args.name, checked) if old is None else self._changed(old, checked)
            self.made.append(made)
        return made.id, plain(from_struct(made.properties))

    def _made(self, type_: str, name: str, inputs: struct_pb2.Struct) -> Made:
        created = self.provider.Create(pb.CreateRequest(urn=_urn(type_, name), properties=inputs), None)
        return Made(type_, name, created.id, inputs, created.properties)

    def _without_ignored(self, type_: str, name: str, inputs: dict[str, Any], old: struct_pb2.Struct) -> dict[str, Any]:
        """Inputs with `ignoreChanges` applied: what they name is as it was, also where it was not there."""
        was, now = plain(from_struct(old)), copy.deepcopy(inputs)
        for path in self.named(name, type_).ignore_changes:
            *parents, last = path.split(".")
            before, after = was, now
            for parent in parents:
                before, after = before.get(parent, {}), after.setdefault(parent, {})
            if last in before:
                after[last] = before[last]
            else:
                after.pop(last, None)
        return now

    def _imported(self, type_: str, name: str, id_: str, inputs: dict[str, Any]) -> Made:
        """As the engine does it: where what is there differs from the inputs in what is not ignored, it is refused."""
        seen = self.provider.Read(pb.ReadRequest(id=id_, urn=_urn(type_, name)), None)
        assert seen.id, f"{type_} {id_} is not there"
        checked = self.check(type_, name, self._without_ignored(type_, name, inputs, seen.inputs))
        both = {"old_inputs": seen.inputs, "olds": seen.properties, "news": checked}
        diff = self.provider.Diff(pb.DiffRequest(id=seen.id, urn=_urn(type_, name), **both), None)
        if diff.changes == pb.DiffResponse.DIFF_SOME:
            raise Refused(f"{type_} {name}: inputs to import do not match the existing resource: {diff.detailedDiff}")
        return Made(type_, name, seen.id, checked, seen.properties)

    def _changed(self, old: Made, inputs: struct_pb2.Struct) -> Made:
        """As the engine does it: nothing, an update, or a new one in the old one's place, which goes at the end."""
        urn = _urn(old.type, old.name)
        both = {"id": old.id, "urn": urn, "old_inputs": old.inputs, "olds": old.properties, "news": inputs}
        diff = self.provider.Diff(pb.DiffRequest(**both), None)
        if diff.replaces:
            if diff.deleteBeforeReplace:
                self.delete(old)
            else:
                self._going.append(old)
            return self._made(old.type, old.name, inputs)
        if diff.changes != pb.DiffResponse.DIFF_SOME:
            return old
        updated = self.provider.Update(pb.UpdateRequest(**both), None)
        return Made(old.type, old.name, old.id, inputs, updated.properties)

    def finish(self) -> None:
        """What was replaced, and what the program does not name any more, goes: newest first."""
        for made in [*self._going, *reversed(self._old.values())]:
            self.delete(made)
        self._going, self._old = [], {}

    def check(self, type_: str, name: str, inputs: dict[str, Any], old: Made | None = None) -> struct_pb2.Struct:
        """The inputs as the provider completes them; raises `Refused` when it finds anything wrong."""
        olds = old.inputs if old else None
        answer = self.provider.Check(pb.CheckRequest(urn=_urn(type_, name), news=to_struct(inputs), olds=olds), None)
        if answer.failures:
            problems = "; ".join(f"{failure.property}: {failure.reason}" for failure in answer.failures)
            raise Refused(f"{type_} {name}: {problems}")
        completed: struct_pb2.Struct = answer.inputs
        return completed

    def drift(self, made: Made) -> dict[str, str]:
        """What `pulumi refresh` and the next `pulumi up` would want to change: paths and kinds of difference."""
        urn = _urn(made.type, made.name)
        read_request = pb.ReadRequest(id=made.id, urn=urn, inputs=made.inputs, properties=made.properties)
        seen = self.provider.Read(read_request, None)
        diff_request = pb.DiffRequest(
            id=made.id, urn=urn, old_inputs=seen.inputs, olds=seen.properties, news=made.inputs
        )
        difference = self.provider.Diff(diff_request, None)
        return {path: pb.PropertyDiff.Kind.Name(diff.kind) for path, diff in difference.detailedDiff.items()}

    def _ask_cluster(self, verb: str, type_: str, inputs: Mapping[str, Any]) -> None:
        """What the contract says to a call of the cluster's API, and to what its pods need of AWS."""
        world = AccountWorld(ACCOUNT_ID, self.region, get_partition(self.region))
        (cluster,) = list(world.eks.clusters) or [None]
        volumes = "volumeClaimTemplate" in str(inputs) or type_.endswith("PersistentVolumeClaim")
        given = {"clusterName": cluster, "volumes": volumes}
        for operation in ("kubernetes:*", f"kubernetes:{verb}"):
            judge(Asked(operation, given, world, current()))

    def delete(self, made: Made) -> None:
        """Deletes one resource; half a second for what others still use to be let go."""
        if made.type.startswith("kubernetes:"):
            verb = "Uninstall" if made.type.endswith(":Release") else "Delete"
            self._ask_cluster(verb, made.type, plain(from_struct(made.inputs)))
            return
        urn = _urn(made.type, made.name)
        request = pb.DeleteRequest(id=made.id, urn=urn, old_inputs=made.inputs, properties=made.properties, timeout=0.5)
        self.provider.Delete(request, None)

    def destroy(
        self,
        choose: Callable[[Sequence[str]], str] = lambda free: free[0],
        forgets: Callable[[int], bool] = lambda _: False,
    ) -> list[str]:
        """Deletes everything, each when nothing that is left depends on it; names in order.

        `choose` takes one of the URNs that nobody needs any more (AWS' first, oldest first): Pulumi may take any.
        `forgets`: whether the run is killed after its n-th deletion went through and before the state said so: the next
        run finds the resource in its state and deletes it once more.
        """
        gone: list[str] = []
        left = {self.named(made.name, made.type).urn: made for made in [*self.made, *self.inside]}
        before = {urn: self.comes_after(urn) for urn in left}
        while left:
            needed = {urn for dependent in left for urn in before[dependent]}
            urn = choose([urn for urn in left if urn not in needed])
            made = left.pop(urn)
            self.delete(made)
            if forgets(len(gone)):
                self.delete(made)
            gone.append(made.name)
        return gone

    def comes_after(self, urn: str) -> frozenset[str]:
        """Everything that is there before a resource and after it: what it depends on, its provider and its parents,
        and what those come after."""
        if urn not in self._before:
            registered = self._registrations[urn]
            direct = {*registered.dependencies, registered.provider.rpartition("::")[0], registered.parent}
            known = {each for each in direct if each in self._registrations}
            self._before[urn] = frozenset(known).union(*(self.comes_after(each) for each in known))
        return self._before[urn]

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Invokes of AWS, answered by the provider from what is in moto."""
        if not args.token.startswith("aws:"):
            return super().call(args)
        with self._one_at_a_time:
            try:
                answer = self.provider.Invoke(pb.InvokeRequest(tok=args.token, args=to_struct(args.args)), None)
            except ProviderError as error:
                raise _NoAnswer(error) from error
        return plain(from_struct(getattr(answer, "return"))), []


def _urn(type_: str, name: str) -> str:
    return f"urn:pulumi:test::vllm-on-eks::{type_}::{name}"


@contextmanager
def moto_account(region: str, account: Account | None = None) -> Iterator[None]:
    """An empty account in this process, with our EKS extension; nothing leaves the process."""
    install_extension()
    before = os.environ.get("AWS_REGION")
    os.environ["AWS_REGION"] = region
    try:
        with mock_aws(), use(account or Account()):
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
