"""Drives the provider as the engine does, message by message, without the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime.proto import provider_pb2 as pb

from local.providers.aws.cloud import Cloud
from local.providers.aws.provider import AwsProvider
from local.providers.rpc import from_struct, to_struct

REGION = "us-west-2"


class Refused(Exception):
    """Check found problems; `failures` maps the property path to the reason."""

    def __init__(self, failures: dict[str, str]) -> None:
        super().__init__(str(failures))
        self.failures = failures


@dataclass
class Deployed:
    """A resource as the engine's state holds it."""

    token: str
    name: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    @property
    def urn(self) -> str:
        return f"urn:pulumi:test::project::{self.token}::{self.name}"


@dataclass
class Differences:
    """What Diff said: path -> kind name, the replacing paths, and whether the old object goes first."""

    paths: dict[str, str]
    replaces: list[str]
    delete_first: bool


@dataclass
class Driver:
    """One provider, configured."""

    provider: AwsProvider = field(default_factory=lambda: AwsProvider("7.51.1", Cloud(REGION)))

    seeds: int = 0
    """How many random seeds the engine has given: each resource gets its own names."""

    def configure(self, **settings: Any) -> None:
        self.provider.Configure(pb.ConfigureRequest(args=to_struct(settings)), None)

    def check(
        self, token: str, name: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Checked inputs; raises Refused."""
        request = pb.CheckRequest(
            urn=f"urn:pulumi:test::project::{token}::{name}",
            olds=to_struct(olds or {}),
            news=to_struct(inputs),
            randomSeed=self._seed(),
        )
        answer = self.provider.Check(request, None)
        if answer.failures:
            reasons: dict[str, list[str]] = {}
            for failure in answer.failures:
                reasons.setdefault(failure.property, []).append(failure.reason)
            raise Refused({path: "; ".join(texts) for path, texts in reasons.items()})
        return from_struct(answer.inputs)

    def _seed(self) -> bytes:
        self.seeds += 1
        return str(self.seeds).encode()

    def preview(self, token: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        checked = self.check(token, name, inputs)
        request = pb.CreateRequest(
            urn=f"urn:pulumi:test::project::{token}::{name}", properties=to_struct(checked), preview=True
        )
        return from_struct(self.provider.Create(request, None).properties)

    def create(self, token: str, name: str, inputs: dict[str, Any]) -> Deployed:
        checked = self.check(token, name, inputs)
        deployed = Deployed(token, name, "", checked, {})
        answer = self.provider.Create(pb.CreateRequest(urn=deployed.urn, properties=to_struct(checked)), None)
        deployed.id, deployed.outputs = answer.id, from_struct(answer.properties)
        return deployed

    def diff(self, deployed: Deployed, inputs: dict[str, Any]) -> Differences:
        checked = self.check(deployed.token, deployed.name, inputs, deployed.inputs)
        answer = self.provider.Diff(
            pb.DiffRequest(
                urn=deployed.urn,
                id=deployed.id,
                olds=to_struct(deployed.outputs),
                news=to_struct(checked),
                old_inputs=to_struct(deployed.inputs),
            ),
            None,
        )
        kinds = {path: pb.PropertyDiff.Kind.Name(item.kind) for path, item in answer.detailedDiff.items()}
        return Differences(kinds, list(answer.replaces), answer.deleteBeforeReplace)

    def update(self, deployed: Deployed, inputs: dict[str, Any], preview: bool = False) -> dict[str, Any]:
        checked = self.check(deployed.token, deployed.name, inputs, deployed.inputs)
        answer = self.provider.Update(
            pb.UpdateRequest(
                urn=deployed.urn,
                id=deployed.id,
                olds=to_struct(deployed.outputs),
                news=to_struct(checked),
                old_inputs=to_struct(deployed.inputs),
                preview=preview,
            ),
            None,
        )
        outputs = from_struct(answer.properties)
        if not preview:
            deployed.inputs, deployed.outputs = checked, outputs
        return outputs

    def refresh(self, deployed: Deployed) -> bool:
        """Reads the object into `deployed`; False when it is gone."""
        answer = self.provider.Read(
            pb.ReadRequest(
                urn=deployed.urn,
                id=deployed.id,
                inputs=to_struct(deployed.inputs),
                properties=to_struct(deployed.outputs),
            ),
            None,
        )
        if not answer.id:
            return False
        deployed.inputs, deployed.outputs = from_struct(answer.inputs), from_struct(answer.properties)
        return True

    def import_(self, token: str, name: str, object_id: str) -> Deployed | None:
        urn = f"urn:pulumi:test::project::{token}::{name}"
        answer = self.provider.Read(pb.ReadRequest(urn=urn, id=object_id), None)
        if not answer.id:
            return None
        return Deployed(token, name, answer.id, from_struct(answer.inputs), from_struct(answer.properties))

    def delete(self, deployed: Deployed, timeout_seconds: float = 0) -> None:
        self.provider.Delete(
            pb.DeleteRequest(
                urn=deployed.urn,
                id=deployed.id,
                properties=to_struct(deployed.outputs),
                old_inputs=to_struct(deployed.inputs),
                timeout=timeout_seconds,
            ),
            None,
        )

    def invoke(self, token: str, **args: Any) -> dict[str, Any]:
        answer = self.provider.Invoke(pb.InvokeRequest(tok=token, args=to_struct(args)), None)
        return from_struct(getattr(answer, "return"))
