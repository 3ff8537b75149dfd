"""A stack of a few Kubernetes objects on the platform, for what the real provider does with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import automation as auto

from local.stacks.environment import link_providers, process_environment
from tests.e2e.conftest import Platform


@dataclass(frozen=True)
class Object:
    """One object as a program registers it. Inputs go to the provider as they are: the SDK's types check nothing."""

    token: str
    name: str
    inputs: Mapping[str, Any]
    create_limit: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a command did: `said` holds all it printed, `operations` the step per logical name."""

    ok: bool
    said: str
    operations: dict[str, str] = field(default_factory=dict)


class SmallStack:
    """Its own backend; the platform's CLI, provider and API server."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self._kubeconfig = platform.paths.kubeconfig.read_text()
        self._objects: tuple[Object, ...] = ()
        link_providers(platform.paths)
        self._folder = folder / "state"
        self._folder.mkdir()
        environment = process_environment(platform.paths, platform.ports)
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE")
        environment |= {"PULUMI_BACKEND_URL": f"file://{folder}/state", "PULUMI_CONFIG_PASSPHRASE": "small"}
        self._stack = auto.create_or_select_stack(
            "small", project_name="small", program=self._program,
            opts=auto.LocalWorkspaceOptions(
                work_dir=str(folder), env_vars=environment, pulumi_command=auto.PulumiCommand(str(platform.paths.tools))
            ),
        )  # fmt: skip

    def _program(self) -> None:
        provider = kubernetes.Provider("kubernetes", kubeconfig=self._kubeconfig)
        for object_ in self._objects:
            timeouts = pulumi.CustomTimeouts(create=object_.create_limit) if object_.create_limit else None
            # As the SDK's own class of a Secret has it.
            hidden = ["data", "stringData"] if object_.token.endswith(":Secret") else None
            options = pulumi.ResourceOptions(
                provider=provider, custom_timeouts=timeouts, additional_secret_outputs=hidden
            )
            # What has to be made while the program runs (an Output) is given as a function.
            inputs = {key: value() if callable(value) else value for key, value in object_.inputs.items()}
            pulumi.CustomResource(object_.token, object_.name, inputs, options)

    def preview(self, *objects: Object) -> Outcome:
        return self._run(self._stack.preview, objects)

    def up(self, *objects: Object) -> Outcome:
        return self._run(self._stack.up, objects)

    def refresh(self) -> Outcome:
        return self._run(self._stack.refresh, self._objects)

    def _run(self, command: Callable[..., Any], objects: tuple[Object, ...]) -> Outcome:
        self._objects, said, operations = objects, [], {}

        def on_event(event: auto.EngineEvent) -> None:
            if event.diagnostic_event:
                said.append(event.diagnostic_event.message)
            metadata = event.resource_pre_event.metadata if event.resource_pre_event else None
            if metadata and "pulumi:" not in metadata.type:
                operation = str(getattr(metadata.op, "value", metadata.op))
                # The three steps of a replacement, in the order of the provider's choice.
                whole = "replace" if operation in ("create-replacement", "delete-replaced") else operation
                operations[metadata.urn.rsplit("::", 1)[-1]] = whole

        try:
            command(on_event=on_event, on_output=said.append)
        except auto.CommandError as error:
            return Outcome(False, "\n".join([*said, str(error)]), operations)
        return Outcome(True, "\n".join(said), operations)

    def state(self, name: str) -> dict[str, Any]:
        """A resource in the state, by its logical name; secrets as the state keeps them."""
        for resource in self._stack.export_stack().deployment["resources"]:
            if str(resource["urn"]).endswith(f"::{name}"):
                return dict(resource)
        raise KeyError(name)

    def state_text(self) -> str:
        """The state as it lies in the backend: an export of the automation API decrypts secrets."""
        return "".join(file.read_text() for file in self._folder.rglob("small.json"))

    def destroy(self) -> None:
        self._stack.destroy()
