"""`recover`: makes a stack whose update was killed usable again; the next `up` or `destroy` then goes on.

Everything is done through `pulumi stack export`, `stack import` and `refresh`; no state is edited by hand. On the
platform `up`, `down` and `down --stack` do it by themselves. With `--own-account` the same is done with the `pulumi`,
the backend and the AWS account of the shell.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from local.host.errors import PlatformError, last_lines
from local.recovery.aws_lookup import find
from local.recovery.helm_locks import Unlock, interrupted_releases, say_how
from local.recovery.interrupted import Settlement, pending_operations, settled


class Pulumi(Protocol):
    """Runs the CLI with arguments and a standard input; returns its output, raises PlatformError when it fails."""

    def __call__(self, *arguments: str, stdin: str | None = None) -> str: ...


def recover(pulumi: Pulumi, stack: str, client: Callable[[str, str], Any], unlock: Unlock = say_how) -> list[str]:
    """Settles what a killed update had begun; returns what became of it, one sentence each (none: nothing was to do).

    `client` gives a boto3 client of a service in a region, `unlock` frees a release that a killed Helm holds. Raises
    PlatformError when the state cannot be read, or when AWS has more than one of what was being created, or
    cannot be asked for it.
    """
    exported = json.loads(pulumi("stack", "export", "--stack", stack))
    deployment = exported.get("deployment") or {}
    if not pending_operations(deployment):
        return []
    settlement = settled(deployment, lambda resource: find(resource, _region(resource, deployment), client))
    if settlement.ambiguous:
        raise PlatformError(
            "AWS has more than one of what the killed update was creating: "
            + "; ".join(settlement.ambiguous)
            + ". Delete all but one (none of them is in use yet), then run this again."
        )
    if settlement.unknown:
        raise PlatformError(
            f"these were being created and cannot be looked for: {', '.join(settlement.unknown)}. Delete each one in "
            "AWS if it is there (it is not in use yet), then run `pulumi refresh --clear-pending-creates`."
        )
    freed = [line for release in interrupted_releases(deployment) for line in unlock(*release)]
    _write_back(pulumi, stack, exported, settlement)
    return [*freed, *settlement.lines]


def _write_back(pulumi: Pulumi, stack: str, exported: Mapping[str, Any], settlement: Settlement) -> None:
    pulumi("stack", "import", "--stack", stack, stdin=json.dumps({**exported, "deployment": settlement.deployment}))
    if settlement.to_refresh:
        targets = [argument for urn in settlement.to_refresh for argument in ("--target", urn)]
        pulumi("refresh", "--yes", "--run-program=false", "--stack", stack, *targets)


def _region(resource: Mapping[str, Any], deployment: Mapping[str, Any]) -> str:
    """Its own region, or its provider's."""
    own = (resource.get("inputs") or {}).get("region")
    if own:
        return str(own)
    provider = str(resource.get("provider", "")).rsplit("::", 1)[0]
    for entry in deployment.get("resources") or []:
        if entry["urn"] == provider:
            return str((entry.get("inputs") or {}).get("region") or "")
    return ""


def own_pulumi(*arguments: str, stdin: str | None = None) -> str:
    """The `pulumi` of the shell, in the current folder."""
    command = ["pulumi", "--non-interactive", *arguments]
    try:
        done = subprocess.run(command, input=stdin or "", capture_output=True, text=True, check=False)
    except OSError as error:
        raise PlatformError(f"pulumi cannot be run: {error}") from error
    if done.returncode != 0:
        raise PlatformError(f"{' '.join(command[:4])} failed:\n{last_lines(done.stdout + done.stderr)}")
    return done.stdout


def boto3_client(endpoint_url: str | None = None) -> Callable[[str, str], Any]:
    """Clients with the shell's own credentials, or at the platform's endpoint."""
    import boto3  # half a second, and hardly ever needed

    session = boto3.session.Session("local", "local") if endpoint_url else boto3.session.Session()
    return lambda service, region: session.client(service, region_name=region or None, endpoint_url=endpoint_url)


def say(stack: str, lines: Sequence[str]) -> None:
    """What was found and done."""
    if not lines:
        print(f"stack {stack}: no update was killed, there is nothing to recover")
        return
    print(f"stack {stack}: what an earlier update left, and what became of it:")
    for line in lines:
        print(f"  {line}")
    print("the state is in line with what is there; run the same command again")
