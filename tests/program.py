"""Runs the real `__main__.py` under the recording engine, for a stack file that we ship or one made up by a test."""

from __future__ import annotations

import functools
import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from settings.read import PROJECT
from tests.conftest import REPO
from tests.engine import Engine, record
from tests.planning.stacks import reached

CANARIES = {"grafanaPassword": "canary-grafana-4711", "hfToken": "hf_canary4711CANARY4711"}
STACKS = ("dev", "prod", "local")


# What docs/on-aws.md tells to replace in our stack files, and what a test's company has in its place.
OWN = {"123456789012": "210987654321"}


def example(name: str) -> dict[str, Any]:
    """The sections of `examples/Pulumi.<name>.yaml`."""
    return sections_of(name, REPO / "examples")


def sections_of(stack: str, folder: Path = REPO) -> dict[str, Any]:
    """The sections of a stack file in the checkout, without their prefix, with its examples replaced."""
    text = (folder / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    for example, own in OWN.items():
        text = text.replace(example, own)
    config = yaml.safe_load(text)["config"]
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}


def run_program(
    sections: Mapping[str, Any],
    stack: str = "test",
    *,
    secrets: Mapping[str, str] | None = None,
    engine: Engine | None = None,
) -> Engine:
    """The record of a whole run of `__main__.py` with these sections and secrets (default: canaries)."""
    secrets = CANARIES if secrets is None else secrets
    sections = {**sections, "cluster": reached(sections.get("cluster", {}))}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in sections.items()}
    config = {f"{PROJECT}:{key}": value for key, value in {**texts, **secrets}.items()}
    used = tuple(f"{PROJECT}:{key}" for key in secrets)

    def build() -> None:
        runpy.run_path(str(REPO / "__main__.py"), run_name="__main__")

    return record(build, stack=stack, config=config, secret_keys=used, engine=engine)


def needed_canaries(stack: str) -> dict[str, str]:
    """The canaries that a stack file of ours asks for."""
    names_token = "tokenSecret" in (REPO / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    return {key: value for key, value in CANARIES.items() if key != "hfToken" or names_token}


@functools.cache
def ours(stack: str) -> Engine:
    """The record of a stack file of ours as it stands, made once: for tests that only read it."""
    return run_program(sections_of(stack), stack, secrets=needed_canaries(stack))
