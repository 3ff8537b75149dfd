"""The one reader of Pulumi's configuration: the stack file's sections, and its secrets apart from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pulumi
from pulumi.runtime import config as runtime_config

from settings.charts import charts_of
from settings.foreign import with_foreign
from settings.read import PROJECT, Loaded, loaded_from, secret_needs

_PREFIX = f"{PROJECT}:"


def load() -> Loaded:
    """Reads the selected stack's configuration, and what is in its folder of charts, if it names one.

    Mistakes are in the result, none is raised.
    """
    everything, stack = _keys(), pulumi.get_stack()
    ours = {key.removeprefix(_PREFIX): value for key, value in everything.items() if key.startswith(_PREFIX)}
    encrypted = {key for key in ours if runtime_config.is_config_secret(f"{_PREFIX}{key}")}
    loaded = with_foreign(loaded_from(ours, encrypted, stack), everything, stack)
    today = datetime.now(UTC).date().isoformat()
    return replace(loaded, charts=charts_of(loaded.settings, Path.cwd()), today=today)


def load_secrets(loaded: Loaded) -> Mapping[str, pulumi.Output[str]]:
    """The secrets the settings name, by config key; they stay marked all the way."""
    config = pulumi.Config(PROJECT)
    needs = secret_needs(loaded.settings) if loaded.settings else ()
    return {need.key: config.require_secret(need.key) for need in needs}


def _keys() -> dict[str, str]:
    """Every config key of the stack, with its text."""
    return {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
