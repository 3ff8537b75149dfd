"""The recording engine of all component and program tests.

`record(build)` runs `build` as a Pulumi program under mocks until every registration is through, and returns
what was registered. Assert on that afterwards, never inside an `apply`: an apply on an unknown value does not
run, and what was NOT created is only known at the end.

    engine = record(lambda: Network("net", args))
    assert engine.only("aws:ec2/vpc:Vpc").inputs["cidrBlock"] == "10.0.0.0/16"
    assert engine.all("aws:ec2/natGateway:NatGateway") == []

`preview=True` is a first preview: nothing exists, so outputs that no input gives are unknown, as
with the real engine.

`record` is what `@pulumi.runtime.test` is elsewhere (it waits, and raises what registrations raised): a test that
calls it is not decorated. Outputs, like resources, are made inside `build`.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime.mocks import MockEngine, MockMonitor
from pulumi.runtime.settings import Settings

from preview.recorder import run_program
from tests.engine_answers import ANSWERS, INVOKES, Answer, Asked, answer_for
from tests.engine_record import UNKNOWN, Registration, Secret, name_of, plain, read_registration, redacted, registration

__all__ = [
    "UNKNOWN",
    "Call",
    "Engine",
    "Registration",
    "Secret",
    "name_of",
    "record",
    "redacted",
]

PROJECT = "vllm-on-eks"
DEFAULT_REGION = "us-west-2"


@dataclass(frozen=True)
class Call:
    """One invoke."""

    token: str
    args: dict[str, Any]


class Engine(pulumi.runtime.Mocks):
    """Answers like a cloud and keeps every request. `answers` and `invokes` add to or replace the tables."""

    def __init__(
        self,
        *,
        preview: bool = False,
        answers: Mapping[str, Answer] | None = None,
        invokes: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] | None = None,
    ) -> None:
        self.preview = preview
        self.calls: list[Call] = []
        self.outputs: dict[str, dict[str, Any]] = {}
        self._answers = {**ANSWERS, **(answers or {})}
        self._invokes = {**INVOKES, **(invokes or {})}
        self._registrations: dict[str, Registration] = {}
        self._lock = threading.Lock()  # registrations come from the SDK's thread pool

    # -- what Pulumi asks --

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Id and outputs as the cloud would give them; in a preview only what the inputs already say."""
        if self.preview and not args.resource_id:
            return None, dict(args.inputs)
        asked = Asked(args.typ, args.name, args.inputs, self._region_of(args.provider or ""))
        outputs = {**args.inputs, **answer_for(self._answers, asked)}
        identity = args.resource_id or outputs.pop("id", None) or f"{args.name}-id"
        return str(identity), outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The table's answer; a token it lacks is an error, so that no test passes on an empty answer."""
        with self._lock:
            self.calls.append(Call(args.token, dict(args.args)))
        if args.token not in self._invokes:
            raise KeyError(f"no answer for invoke {args.token}; tests/engine_answers.py has {sorted(self._invokes)}")
        return self._invokes[args.token](args.args), []

    # -- what tests ask --

    @property
    def registrations(self) -> list[Registration]:
        """Everything but the stack itself, sorted: registration order is not deterministic."""
        return sorted(self._registrations.values(), key=lambda r: (r.type, r.name, r.urn))

    def all(self, type_: str) -> list[Registration]:
        """All registrations of a type; `aws:eks/cluster:Cluster`, or its last part `Cluster` for short."""
        return [r for r in self.registrations if type_ in (r.type, r.type.rsplit(":", 1)[-1])]

    def only(self, type_: str) -> Registration:
        """The one registration of a type."""
        registered = self.all(type_)
        assert len(registered) == 1, (
            f"{len(registered)} of {type_}, not 1: {[r.name for r in registered]}; all: {self.summary()}"
        )
        return registered[0]

    def named(self, name: str, type_: str | None = None) -> Registration:
        """The one registration of a logical name (and type, where a name is used for several)."""
        pool = self.registrations if type_ is None else self.all(type_)
        named = [r for r in pool if r.name == name]
        assert len(named) == 1, f"{len(named)} named {name!r}, not 1; all: {self.summary()}"
        return named[0]

    def children(self, parent: Registration) -> list[Registration]:
        """Direct children."""
        return [r for r in self.registrations if r.parent == parent.urn]

    def outputs_of(self, registration: Registration) -> dict[str, Any]:
        """What a component registered as its outputs; fails when it registered none."""
        assert registration.urn in self.outputs, f"{registration.name} never called register_outputs"
        return self.outputs[registration.urn]

    @property
    def stack_outputs(self) -> dict[str, Any]:
        """What the program exported."""
        return next((o for urn, o in self.outputs.items() if "::pulumi:pulumi:Stack::" in urn), {})

    def summary(self) -> list[str]:
        """`type name` of every registration, sorted: a golden of what a program makes."""
        return [f"{r.type} {r.name}" for r in self.registrations]

    def keep(self, request: Registration) -> None:
        """Called by the monitor. One URN twice is the program's error, as in the real engine."""
        with self._lock:
            assert request.urn not in self._registrations, f"duplicate URN {request.urn}"
            self._registrations[request.urn] = request

    def _region_of(self, provider: str) -> str:
        registered = self._registrations.get(provider.rpartition("::")[0])
        region = registered.inputs.get("region") if registered else None
        return region if isinstance(region, str) else DEFAULT_REGION


class _Monitor(MockMonitor):
    """The SDK's mock monitor, which also hands the whole request over: parents, protect, ignoreChanges, …"""

    mocks: Engine

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._program = contextvars.copy_context()

    def RegisterResource(self, request: Any) -> Any:
        urn = self._in_program(self.make_urn, request.parent, request.type, request.name)
        if request.type != "pulumi:pulumi:Stack":
            self.mocks.keep(registration(request, urn))
        return self._in_program(super().RegisterResource, request)

    def ReadResource(self, request: Any) -> Any:
        urn = self._in_program(self.make_urn, request.parent, request.type, request.name)
        self.mocks.keep(read_registration(request, urn))
        return self._in_program(super().ReadResource, request)

    def Invoke(self, request: Any) -> Any:
        return self._in_program(super().Invoke, request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.mocks.outputs[request.urn] = plain(request.outputs)
        return empty_pb2.Empty()

    def _in_program(self, function: Callable[..., Any], *args: Any) -> Any:
        """Requests come from pool threads, which do not see the program's settings (project, stack, dry run)."""
        return self._program.copy().run(function, *args)


def record(
    build: Callable[[], Any],
    preview: bool = False,
    *,
    stack: str = "test",
    config: Mapping[str, str] | None = None,
    secret_keys: tuple[str, ...] = (),
    engine: Engine | None = None,
) -> Engine:
    """Runs `build` as a program to its end and returns the record; `config` keys are full (`project:key`)."""
    engine = engine or Engine(preview=preview)
    settings = Settings(PROJECT, stack, engine=MockEngine(None), dry_run=engine.preview, organization="test")
    run_program(build, settings, lambda: _Monitor(engine), config or {}, secret_keys)
    return engine
