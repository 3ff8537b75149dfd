"""Running the real Pulumi CLI on the platform."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from local.control_plane.certificates import write_private
from local.host.errors import PlatformError, last_lines
from local.host.paths import Paths
from local.recovery.backup import is_readable, restore
from local.recovery.helm_locks import remove_locks
from local.recovery.interrupted import cannot_be_found, pending_operations
from local.recovery.recover import boto3_client, recover
from local.stacks import aws_principals, aws_secrets
from local.stacks.environment import link_providers, passphrase_file, process_environment
from local.stacks.stack_files import (
    project_folder,
    project_name,
    remote_tokens_of,
    stack_file,
    write_project,
    write_stack_file,
)
from local.stacks.updates import UpdateSummary, Watch, never, resource_changes, wait_for

EKS_CLUSTER = "aws:eks/cluster:Cluster"


class Stack:
    """One stack of the project on the platform."""

    def __init__(self, paths: Paths, ports: Mapping[str, int], name: str) -> None:
        self.name = name
        self._paths = paths
        self._environment = process_environment(paths, ports)

    @property
    def environment(self) -> Mapping[str, str]:
        """In which `pulumi` means the platform."""
        return self._environment

    @property
    def state_file(self) -> Path:
        return state_folder(self._paths) / f"{self.name}.json"

    def prepare(self, source: Path | None = None) -> None:
        """Stack file, passphrase, providers and the stack itself, as far as they are not there yet.

        Secrets that the stack file asks for and that are not set are made up: they protect nothing here.
        """
        if not passphrase_file(self._paths).exists():
            write_private(passphrase_file(self._paths), secrets.token_urlsafe(32))
        (self._paths.state / "pulumi").mkdir(parents=True, exist_ok=True)
        link_providers(self._paths)
        write_project(self._paths)
        missing = write_stack_file(self._paths, self.name, source)
        if not self.state_file.exists():
            self._quiet("stack", "init", self.name)
        for key in sorted(missing):
            self.set_secret(key, secrets.token_urlsafe(24))
        if principals := list(self._principals()):
            aws_principals.make(self._iam(), iter(principals))
        region, tokens = remote_tokens_of(self._paths, self.name)
        if tokens:
            aws_secrets.make(self._client("secretsmanager", region), tokens)
        self._recover_aloud()

    def _principals(self) -> Iterator[tuple[str, str]]:
        written = stack_file(self._paths, self.name)
        config = (yaml.safe_load(written.read_text()) or {}).get("config") or {} if written.exists() else {}
        return aws_principals.principals(config, project_name(self._paths))

    def _iam(self) -> Any:
        return self._client("iam", "us-east-1")

    def _client(self, service: str, region: str) -> Any:
        return boto3_client(self._environment["AWS_ENDPOINT_URL"])(service, region)

    def set_secret(self, key: str, value: str) -> None:
        """`pulumi config set --secret`, through standard input: an argument would show in the list of processes."""
        self._quiet("config", "set", "--secret", key, "--stack", self.name, stdin=value)

    def up(self, refresh: bool = False) -> UpdateSummary:
        """`pulumi up`; raises PlatformError when it fails. The CLI itself has said why by then.

        After an update that was cut off it refreshes first: pulumi-kubernetes 4.25 forgets a change that it had sent
        when Ctrl-C came, so the state alone no longer tells what the cluster holds (docs/faults.md, `wrong-image`).
        """
        return self._update("up", *(["--refresh"] if refresh or self._cut_off_mark.exists() else []))

    @property
    def _cut_off_mark(self) -> Path:
        """There from the start of an update to its good end; beside the folder that Pulumi keeps."""
        return self._paths.state / "pulumi" / f"cut-off-{self.name}"

    def destroy(self, given_up: Watch = never) -> UpdateSummary:
        """`pulumi destroy` of everything, protected resources included: nothing here is worth keeping.

        In a real account one sets `cluster.protect: false` and runs `pulumi up` first. `given_up` is asked while it
        runs; with reasons the CLI is interrupted, as by Ctrl-C, and they are raised as PlatformError.
        """
        self._recover_aloud()
        self._quiet("state", "unprotect", "--all", "--yes", "--stack", self.name)
        self._lift_deletion_protection()
        summary = self._update("destroy", given_up=given_up)
        if principals := list(self._principals()):
            aws_principals.remove(self._iam(), iter(principals))
        return summary

    def _lift_deletion_protection(self) -> None:
        for resource in self.resources():
            outputs = resource.get("outputs", {})
            if resource["type"] == EKS_CLUSTER and outputs.get("deletionProtection"):
                import boto3  # half a second, and hardly ever needed

                session = boto3.session.Session("local", "local", region_name=outputs["arn"].split(":")[3])
                eks = session.client("eks", endpoint_url=self._environment["AWS_ENDPOINT_URL"])
                eks.update_cluster_config(name=outputs["name"], deletionProtection=False)

    def outputs(self) -> dict[str, Any]:
        """Stack outputs; secrets are masked."""
        outputs: dict[str, Any] = json.loads(self._quiet("stack", "output", "--json", "--stack", self.name) or "{}")
        return outputs

    def resources(self) -> list[dict[str, Any]]:
        """Resources in the state, the stack itself included."""
        if not self.state_file.exists():
            return []
        return self._latest().get("resources") or []

    def pending(self) -> list[str]:
        """What a killed update had begun, in words."""
        return [
            f"{operation['type']} {operation['resource']['urn']}" for operation in pending_operations(self._latest())
        ]

    def lost_resources(self) -> list[str]:
        """AWS resources that a killed update was creating and that cannot be found again."""
        return cannot_be_found(self._latest()) if self.state_file.exists() else []

    def _latest(self) -> dict[str, Any]:
        if not is_readable(self.state_file):
            raise PlatformError(
                f"the state of stack {self.name} cannot be read ({self.state_file}); Pulumi keeps copies of it, "
                f"the newest is put back by: python -m local recover --stack {self.name}"
            )
        return json.loads(self.state_file.read_text())["checkpoint"]["latest"] or {}

    def resource_count(self) -> int:
        """How many resources the state holds, the stack itself included."""
        return len(self.resources())

    def _update(self, *arguments: str, given_up: Watch = never) -> UpdateSummary:
        events = self._paths.log / f"pulumi-{arguments[0]}-{self.name}.events.json"
        events.parent.mkdir(parents=True, exist_ok=True)
        events.unlink(missing_ok=True)
        self._cut_off_mark.touch()
        shown = [] if sys.stdout.isatty() else ["--non-interactive"]
        command = self.command(*arguments, "--stack", self.name, "--yes", *shown, "--event-log", str(events))
        # The engine's events are what the automation API reads too; the flag shows only with this variable.
        environment = {**self._environment, "PULUMI_DEBUG_COMMANDS": "true"}
        exit_code, interrupted, reasons = wait_for(subprocess.Popen(command, env=environment), given_up)
        if reasons:
            raise PlatformError("\n  ".join([f"pulumi {arguments[0]} of stack {self.name} was given up:", *reasons]))
        if interrupted:
            raise PlatformError("interrupted; what was begun is in the state, run the same command again")
        if exit_code != 0:
            raise PlatformError(
                f"pulumi {arguments[0]} of stack {self.name} failed (exit code {exit_code}; see above). "
                f"Logs: make logs. Fix the cause and run the same command again."
            )
        self._cut_off_mark.unlink()
        return UpdateSummary(resource_changes(events))

    def command(self, *arguments: str) -> list[str]:
        """A command line of the CLI, to be run in `environment`."""
        return [str(self._paths.tools_bin / "pulumi"), "--cwd", str(project_folder(self._paths)), *arguments]

    def _quiet(self, *arguments: str, stdin: str | None = None) -> str:
        command = self.command("--non-interactive", *arguments)
        done = subprocess.run(command, env=self._environment, input=stdin or "", capture_output=True, text=True)
        if done.returncode != 0:
            what = " ".join(arguments[:2])
            raise PlatformError(f"pulumi {what} failed:\n{last_lines(done.stdout + done.stderr)}")
        return done.stdout

    def recover(self) -> list[str]:
        """Makes the stack usable after a killed update; returns what became of what it had begun."""
        self._unlock()
        if not pending_operations(self._latest()):
            return []
        client = boto3_client(self.environment["AWS_ENDPOINT_URL"])
        return recover(self._quiet, self.name, client, remove_locks(self._paths.kubeconfig))

    def _recover_aloud(self) -> None:
        lines = self.recover()
        if lines:
            print("  an earlier update was killed; looking for what it had begun", *lines, sep="\n    ", flush=True)

    def restore(self) -> list[str]:
        """Puts Pulumi's newest copy in the place of a state that cannot be read, and looks how everything is."""
        if not self.state_file.exists() or is_readable(self.state_file):
            return []
        copy = restore(self.state_file)
        if copy is None:
            raise PlatformError(f"{self.state_file} cannot be read, and there is no copy of it that can; make down")
        lines = [f"the state could not be read; taken from {copy.name}", *self.recover()]
        self._quiet("refresh", "--yes", "--run-program=false", "--stack", self.name)
        return [*lines, "refreshed"]

    def _unlock(self) -> None:
        """Removes locks that killed CLIs left behind; a living one's lock stays and Pulumi names it."""
        folder = self._paths.state / "pulumi" / ".pulumi" / "locks" / "organization"
        for lock in folder.glob(f"{project_name(self._paths)}/{self.name}/*.json"):
            if not psutil.pid_exists(int(json.loads(lock.read_text()).get("pid", -1))):
                lock.unlink()


def state_folder(paths: Paths) -> Path:
    """Where the file backend keeps the stacks of this project."""
    return paths.state / "pulumi" / ".pulumi" / "stacks" / project_name(paths)


def existing_stacks(paths: Paths) -> list[str]:
    """Stacks that have a state on the platform."""
    return sorted(path.stem for path in state_folder(paths).glob("*.json"))
