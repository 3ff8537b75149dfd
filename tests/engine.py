"""The recording engine of all component and program tests.

`record(build)` runs `build` as a Pulumi program under mocks until every registration is through, and returns what
was registered. Assert on that afterwards, never inside an `apply`: an apply on an unknown value does not run, and
what was NOT created is only known at the end.

    engine = record(lambda: Network("net", args))
    assert engine.only("aws:ec2/vpc:Vpc").inputs["cidrBlock"] == "10.0.0.0/16"
    assert engine.all("aws:ec2/natGateway:NatGateway") == []

`preview=True` is a first preview: nothing exists, so outputs that no input gives are unknown, as with the real engine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import config as pulumi_config
from pulumi.runtime.mocks import MockMonitor

from tests.engine_answers import ANSWERS, INVOKES, Answer, Asked, answer_for

PROJECT = "vllm-on-eks"
DEFAULT_REGION = "us-west-2"

# The wire's own marks (pulumi/runtime/rpc.py).
_SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
_UNKNOWN_ON_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class _Unknown:
    """Stands in recorded inputs for a value that is not known during a preview."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Secret:
    """Stands in recorded inputs for a value marked secret, exactly where the mark is. Its repr does not tell."""

    value: Any = field(repr=False)


@dataclass(frozen=True)
class Registration:
    """One RegisterResource (or ReadResource, `read`) request. `parent`, `dependencies`, `urn` are URNs."""

    type: str
    name: str
    inputs: dict[str, Any]
    urn: str
    parent: str
    custom: bool
    read: bool = False
    provider: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, str] = field(default_factory=dict)
    import_id: str = ""
    deleted_with: str = ""

    @property
    def parent_name(self) -> str:
        """Logical name of the parent."""
        return name_of(self.parent)

    @property
    def dependency_names(self) -> set[str]:
        """Logical names of everything this waits for, by data or depends_on."""
        return {name_of(urn) for urn in self.dependencies}

    @property
    def depends_on(self) -> set[str]:
        """Names this waits for with no property saying so: the explicit `depends_on`."""
        by_data = {urn for urns in self.property_dependencies.values() for urn in urns}
        return {name_of(urn) for urn in self.dependencies if urn not in by_data}

    @property
    def plain_inputs(self) -> dict[str, Any]:
        """Inputs with secrets opened: for replays and for canary searches, not for goldens."""
        opened = _open(self.inputs)
        assert isinstance(opened, dict)
        return opened


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

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        """The table's answer; a token it lacks is an error, so that no test passes on an empty answer."""
        with self._lock:
            self.calls.append(Call(args.token, dict(args.args)))
        if args.token not in self._invokes:
            raise KeyError(
                f"no answer for invoke {args.token}; tests/engine_answers.py has {sorted(self._invokes)}"
            )
        return self._invokes[args.token](args.args), None

    # -- what tests ask --

    @property
    def registrations(self) -> list[Registration]:
        """Everything but the stack itself, sorted by type, name, URN: registration order is not deterministic."""
        return sorted(self._registrations.values(), key=lambda r: (r.type, r.name, r.urn))

    def all(self, type_: str) -> list[Registration]:
        """All registrations of a type; `aws:eks/cluster:Cluster`, or its last part `Cluster` for short."""
        return [r for r in self.registrations if type_ in (r.type, r.type.rsplit(":", 1)[-1])]

    def only(self, type_: str) -> Registration:
        """The one registration of a type."""
        found = self.all(type_)
        assert len(found) == 1, (
            f"{len(found)} of {type_}, not 1: {[r.name for r in found]}; all: {self.summary()}"
        )
        return found[0]

    def named(self, name: str, type_: str | None = None) -> Registration:
        """The one registration of a logical name (and type, where a name is used for several)."""
        pool = self.registrations if type_ is None else self.all(type_)
        found = [r for r in pool if r.name == name]
        assert len(found) == 1, f"{len(found)} named {name!r}, not 1; all: {self.summary()}"
        return found[0]

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

    def keep(self, registration: Registration) -> None:
        """Called by the monitor. Two registrations of one URN are the program's error, as in the real engine."""
        with self._lock:
            assert registration.urn not in self._registrations, f"duplicate URN {registration.urn}"
            self._registrations[registration.urn] = registration

    def _region_of(self, provider: str) -> str:
        registered = self._registrations.get(provider.rpartition("::")[0])
        region = registered.inputs.get("region") if registered else None
        return region if isinstance(region, str) else DEFAULT_REGION


class _Monitor(MockMonitor):
    """The SDK's mock monitor, which also hands the whole request over: parents, protect, ignoreChanges, …"""

    mocks: Engine

    def RegisterResource(self, request: Any) -> Any:
        if request.type != "pulumi:pulumi:Stack":
            self.mocks.keep(_registration(request, self.make_urn(request.parent, request.type, request.name)))
        return super().RegisterResource(request)

    def ReadResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = plain(request.properties)
        self.mocks.keep(
            Registration(
                request.type,
                request.name,
                inputs,
                urn,
                request.parent,
                True,
                read=True,
                provider=request.provider,
            )
        )
        return super().ReadResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.mocks.outputs[request.urn] = plain(request.outputs)
        return empty_pb2.Empty()


def record(
    build: Callable[[], Any],
    preview: bool = False,
    *,
    stack: str = "test",
    config: Mapping[str, str] | None = None,
    secret_keys: tuple[str, ...] = (),
    engine: Engine | None = None,
) -> Engine:
    """Runs `build` as a program to its end and returns the record. `config` keys are full (`vllm-on-eks:cluster`)."""
    engine = engine or Engine(preview=preview)
    pulumi.runtime.set_mocks(
        engine,
        project=PROJECT,
        stack=stack,
        preview=engine.preview,
        monitor=_Monitor(engine),
        organization="test",
    )
    pulumi_config.set_all_config(dict(config or {}), list(secret_keys))

    @pulumi.runtime.test  # waits for every registration, and raises what they raised
    def program() -> None:
        build()

    program()
    return engine


def name_of(urn: str) -> str:
    """Logical name in a URN."""
    return urn.rsplit("::", 1)[-1]


def plain(message: struct_pb2.Struct) -> dict[str, Any]:
    """A wire value as plain Python: whole floats as ints, `Secret` and `UNKNOWN` where the wire marks them."""
    return {key: _plain(value) for key, value in json_format.MessageToDict(message).items()}


def redacted(value: Any) -> Any:
    """Recorded inputs for a golden: secrets and unknowns as readable words."""
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, _Unknown):
        return "[unknown]"
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}
    return [redacted(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value == _UNKNOWN_ON_WIRE:
        return UNKNOWN
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        if value.get(_SIGNATURE_KEY) == _SECRET_SIGNATURE:
            return Secret(_plain(value["value"]))
        return {key: _plain(item) for key, item in value.items()}
    return value


def _open(value: Any) -> Any:
    if isinstance(value, Secret):
        return _open(value.value)
    if isinstance(value, dict):
        return {key: _open(item) for key, item in value.items()}
    return [_open(item) for item in value] if isinstance(value, list) else value


def _registration(request: Any, urn: str) -> Registration:
    timeouts = {k: getattr(request.customTimeouts, k) for k in ("create", "update", "delete")}
    return Registration(
        type=request.type,
        name=request.name,
        inputs=plain(request.object),
        urn=urn,
        parent=request.parent,
        custom=request.custom,
        provider=request.provider,
        providers=dict(request.providers),
        dependencies=tuple(request.dependencies),
        property_dependencies={k: tuple(v.urns) for k, v in request.propertyDependencies.items() if v.urns},
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        aliases=tuple(request.aliasURNs) + tuple(str(alias) for alias in request.aliases),
        custom_timeouts={k: v for k, v in timeouts.items() if v},
        import_id=request.importId,
        deleted_with=request.deletedWith,
    )
