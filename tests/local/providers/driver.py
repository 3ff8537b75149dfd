"""Calls a provider as the engine does, with plain trees in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime.proto import provider_pb2 as pb

from local.providers.rpc import BaseProvider, from_struct, to_struct


def urn(type_token: str, name: str) -> str:
    return f"urn:pulumi:dev::project::{type_token}::{name}"


@dataclass
class Driver:
    """One provider, configured; `lines` collects what it said, as (severity, text)."""

    provider: BaseProvider
    lines: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        def record(severity: str, message: str, urn: str = "", *, ephemeral: bool = False) -> None:
            self.lines.append((severity, message))

        self.provider.log = record  # type: ignore[method-assign, assignment]

    def check(self, type_token: str, name: str, news: Mapping[str, Any], olds: Mapping[str, Any] = {}) -> Any:
        """(inputs, [failure texts])"""
        request = pb.CheckRequest(
            urn=urn(type_token, name), olds=to_struct(olds), news=to_struct(news), randomSeed=b"seed"
        )
        response = self.provider.Check(request, None)
        return from_struct(response.inputs), [failure.reason for failure in response.failures]

    def diff(self, type_token: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> pb.DiffResponse:
        state = to_struct({"__inputs": dict(old)})
        request = pb.DiffRequest(urn=urn(type_token, "x"), olds=state, old_inputs=to_struct(old), news=to_struct(new))
        return self.provider.Diff(request, None)

    def create(
        self, type_token: str, name: str, inputs: Mapping[str, Any], *, preview: bool = False, timeout: float = 0
    ) -> tuple[str, dict[str, Any]]:
        request = pb.CreateRequest(
            urn=urn(type_token, name), properties=to_struct(inputs), preview=preview, timeout=timeout
        )
        response = self.provider.Create(request, None)
        return response.id, from_struct(response.properties)

    def update(
        self, type_token: str, name: str, state: Mapping[str, Any], news: Mapping[str, Any], *, preview: bool = False
    ) -> dict[str, Any]:
        request = pb.UpdateRequest(
            urn=urn(type_token, name), olds=to_struct(state), news=to_struct(news), preview=preview
        )
        return from_struct(self.provider.Update(request, None).properties)

    def read(
        self, type_token: str, object_id: str, inputs: Mapping[str, Any] = {}, state: Mapping[str, Any] = {}
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """(id, inputs, state); the id is empty when the object is gone."""
        request = pb.ReadRequest(
            id=object_id, urn=urn(type_token, "x"), inputs=to_struct(inputs), properties=to_struct(state)
        )
        response = self.provider.Read(request, None)
        return response.id, from_struct(response.inputs), from_struct(response.properties)

    def delete(self, type_token: str, object_id: str, state: Mapping[str, Any], *, timeout: float = 0) -> None:
        request = pb.DeleteRequest(id=object_id, urn=urn(type_token, "x"), properties=to_struct(state), timeout=timeout)
        self.provider.Delete(request, None)
