"""The one reader of Pulumi's configuration: the stack file's sections, and its secrets apart from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config

from settings.problems import Problem
from settings.read import (
    PROJECT,
    Loaded,
    read,
    secret_needs,
    secret_problems,
    section_keys,
    unknown_key_problems,
)


def load() -> Loaded:
    """Reads the selected stack's configuration. Mistakes are in the result, none is raised."""
    ours = _our_keys()
    sections: dict[str, Any] = {}
    problems: list[Problem] = []
    for key in section_keys():
        if key not in ours:
            continue
        value, problem = _section(key, ours[key])
        if problem is None:
            sections[key] = value
        else:
            problems.append(problem)
    stack = pulumi.get_stack()
    loaded = read(sections, stack)
    needs = secret_needs(loaded.settings) if loaded.settings else ()
    if loaded.settings or not loaded.problems:
        problems += unknown_key_problems(sorted(ours), needs)
        encrypted = {key: runtime_config.is_config_secret(f"{PROJECT}:{key}") for key in ours}
        problems += secret_problems(needs, encrypted, stack)
    else:
        problems += unknown_key_problems(
            [key for key in sorted(ours) if _looks_like_a_section(ours[key])], ()
        )
    return Loaded(stack, loaded.settings, (*loaded.problems, *problems))


def load_secrets(loaded: Loaded) -> Mapping[str, pulumi.Output[str]]:
    """The secrets the settings name, by config key; they stay marked all the way."""
    config = pulumi.Config(PROJECT)
    needs = secret_needs(loaded.settings) if loaded.settings else ()
    return {need.key: config.require_secret(need.key) for need in needs}


def _our_keys() -> dict[str, str]:
    """Every config key under our prefix, with its text."""
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    prefix = f"{PROJECT}:"
    return {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}


def _looks_like_a_section(text: str) -> bool:
    return text.lstrip().startswith(("{", "["))


def _section(key: str, text: str) -> tuple[Any, Problem | None]:
    if runtime_config.is_config_secret(f"{PROJECT}:{key}"):
        return None, Problem(
            key, "is stored as a secret; settings are plain, only the secrets they name are not"
        )
    if key == "region":
        return text, None
    try:
        return json.loads(text), None
    except json.JSONDecodeError:
        return None, Problem(key, "is plain text; write a YAML mapping or list below the key")
