"""The engine's place in a preview: a monitor that writes down what the program registers and answers as a first
`pulumi preview` does, where nothing exists and no provider has been asked: what a resource was given is known of it,
everything else is not.

This is the only file of the preview that needs Pulumi's SDK; it knows nothing of settings and plan, so it also runs the
program of a revision that had no preview yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import config as pulumi_config
from pulumi.runtime.mocks import MockMonitor, Mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.settings import Settings, configure, set_root_resource
from pulumi.runtime.stack import run_in_stack

from preview.report_model import ResourcePart
from preview.values import UNKNOWN, shown_struct

STACK_TYPE = "pulumi:pulumi:Stack"
_SEVERITIES = {engine_pb2.INFO: "info", engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}


class ProgramFailed(Exception):
    """The program failed; the text is what it said, without a traceback."""


@dataclass
class Recording:
    """What one run registered: resources as JSON by URN, in the order of their URNs, and the stack's outputs."""

    resources: list[ResourcePart] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    messages: list[tuple[str, str]] = field(default_factory=list)


class _NoMocks(Mocks):
    """MockMonitor wants some; ours answers by itself."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise NotImplementedError

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError


class _Monitor(MockMonitor):
    """Registrations are echoed: inputs are the outputs that are known. Invokes stay unknown: no cloud is asked."""

    def __init__(self, project: str, stack: str, *, wait_for_providers: bool) -> None:
        super().__init__(_NoMocks())
        self._project, self._stack = project, stack
        self._wait_for_providers = wait_for_providers
        self.recording = Recording()
        self._by_urn: dict[str, ResourcePart] = {}
        self._lock = threading.Lock()  # requests come from the SDK's thread pool

    def RegisterResource(self, request: Any) -> Any:
        urn = self._urn(request)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        self._keep(urn, _resource(request, urn))
        known = None if self._wait_for_providers and self._waits(request.provider) else request.object
        return resource_pb2.RegisterResourceResponse(urn=urn, object=known)

    def ReadResource(self, request: Any) -> Any:
        urn = self._urn(request)
        resource = {"urn": urn, "type": request.type, "name": request.name, "parent": request.parent}
        self._keep(urn, cast("ResourcePart", {**resource, "inputs": shown_struct(request.properties), "read": True}))
        return resource_pb2.ReadResourceResponse(urn=urn, properties=request.properties)

    def Invoke(self, request: Any) -> Any:
        return resource_pb2.ResourceInvokeResponse(unknown=True)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if f"::{STACK_TYPE}::" in request.urn:
            self.recording.outputs = shown_struct(request.outputs)
        return empty_pb2.Empty()

    def finished(self) -> Recording:
        """The recording, sorted: the order of registration is not the program's."""
        self.recording.resources = [self._by_urn[urn] for urn in sorted(self._by_urn)]
        return self.recording

    def _waits(self, provider: str) -> bool:
        """Whether the provider cannot be configured yet: the engine then knows nothing of its resources."""
        registered = self._by_urn.get(provider.rpartition("::")[0])
        return registered is not None and UNKNOWN in str(registered["inputs"])

    def _urn(self, request: Any) -> str:
        """As the engine makes it: the types of all parents count, the stack's does not."""
        above = request.parent.split("::")[2] if request.parent else STACK_TYPE
        types = request.type if above == STACK_TYPE else f"{above}${request.type}"
        return f"urn:pulumi:{self._stack}::{self._project}::{types}::{request.name}"

    def _keep(self, urn: str, resource: ResourcePart) -> None:
        with self._lock:
            if urn in self._by_urn:
                raise ProgramFailed(f"{resource['type']} {resource['name']} is registered twice (duplicate URN {urn})")
            self._by_urn[urn] = resource


class _Log:
    """The engine's log: kept, not printed."""

    def __init__(self, messages: list[tuple[str, str]]) -> None:
        self._messages = messages

    def Log(self, request: Any) -> Any:
        if request.severity in _SEVERITIES:
            self._messages.append((_SEVERITIES[request.severity], request.message))
        return empty_pb2.Empty()


def _resource(request: Any, urn: str) -> ResourcePart:
    """A registration as JSON; options only where they say something."""
    options = {
        "provider": request.provider.rpartition("::")[0],
        "protect": request.protect,
        "deleteBeforeReplace": request.deleteBeforeReplace,
        "ignoreChanges": list(request.ignoreChanges),
        "replaceOnChanges": list(request.replaceOnChanges),
        "aliases": [*request.aliasURNs, *(alias.urn or _alias(urn, alias.spec) for alias in request.aliases)],
        "dependencies": sorted(request.dependencies),
        "propertyDependencies": {k: sorted(v.urns) for k, v in request.propertyDependencies.items() if v.urns},
    }
    made = {
        "urn": urn,
        "type": request.type,
        "name": request.name,
        "parent": request.parent,
        "inputs": shown_struct(request.object),
        **{key: value for key, value in options.items() if value},
    }
    return cast("ResourcePart", made)


def _alias(urn: str, spec: Any) -> str:
    """The URN that an alias stands for; a field that it leaves out is the resource's own."""
    head, stack, project, types, name = (lambda parts: (parts[0].rpartition(":")[0], *parts))(urn.split("::"))
    stack = stack.rpartition(":")[2]
    parents, _, own = types.rpartition("$")
    if spec.noParent:
        parents = ""
    elif spec.parentUrn:
        above = spec.parentUrn.split("::")[2]
        parents = "" if above == STACK_TYPE else above
    kind = "$".join(part for part in (parents, spec.type or own) if part)
    return f"{head}:{spec.stack or stack}::{spec.project or project}::{kind}::{spec.name or name}"


def record_program(
    root: Path,
    project: str,
    stack: str,
    config: Mapping[str, str],
    secret_keys: frozenset[str],
    *,
    wait_for_providers: bool = False,
) -> Recording:
    """Runs `root/__main__.py` to its end; `config` has full keys. Raises ProgramFailed with what the program said.

    `wait_for_providers` is the engine to the letter: before a cluster exists it does not know even the names that we
    give to objects inside it, because their provider's kubeconfig is unknown. A reviewer is better off knowing them.
    """
    # A preview started by something that Pulumi runs must not read that one's configuration.
    os.environ.pop("PULUMI_CONFIG", None)
    os.environ.pop("PULUMI_CONFIG_SECRET_KEYS", None)
    monitor = _Monitor(project, stack, wait_for_providers=wait_for_providers)

    def program() -> None:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")

    engine = _Log(monitor.recording.messages)
    settings = Settings(project, stack, engine=engine, dry_run=True, organization="organization")
    _said_without_traceback(lambda: run_program(program, settings, lambda: monitor, config, secret_keys))
    return monitor.finished()


def run_program(
    program: Callable[[], Any],
    settings: Settings,
    monitor: Callable[[], MockMonitor],
    config: Mapping[str, str],
    secret_keys: Iterable[str],
) -> None:
    """Runs `program` to its end as the language host does, until every registration is through; raises what they raise.

    It runs in a context of its own, so that nothing of one program is left for the next; `monitor` is made there.
    """

    def run() -> None:
        set_root_resource(None)  # type: ignore[arg-type]
        pulumi_config.set_all_config(dict(config), sorted(secret_keys))
        configure(settings)
        settings.monitor = monitor()
        with asyncio.Runner() as runner:
            # Futures that hang on a failed registration are never awaited; the failure itself is raised.
            runner.get_loop().set_exception_handler(lambda *_: None)
            runner.run(run_in_stack(program))

    contextvars.copy_context().run(run)


def _said_without_traceback(run: Callable[[], None]) -> None:
    try:
        # What a program prints is not the report.
        with contextlib.redirect_stdout(sys.stderr):
            run()
    except pulumi.RunError as refusal:
        raise ProgramFailed(str(refusal)) from None
    except ProgramFailed:
        raise
    except Exception as error:
        raise ProgramFailed(f"{type(error).__name__}: {error}") from error
