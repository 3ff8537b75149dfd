"""Check and Diff of helm.sh/v3:Release: every default filled in, the chart found on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from local.providers.rpc import (
    UNKNOWN,
    ProviderError,
    Secret,
    contains_unknown,
    detailed_diff,
    diff_response,
    plain,
)

CHARTS_DIR_ENV: Final = "VLLM_ON_EKS_CHARTS_DIR"
_WAIT_SECONDS: Final = 300

# Every input of the real provider's Release and its default.
DEFAULTS: Final[dict[str, Any]] = {
    "allowNullValues": False,
    "atomic": False,
    "cleanupOnFail": False,
    "createNamespace": False,
    "dependencyUpdate": False,
    "description": "",
    "devel": False,
    "disableCRDHooks": False,
    "disableOpenapiValidation": False,
    "disableWebhooks": False,
    "forceUpdate": False,
    "keyring": "",
    "lint": False,
    "postrender": "",
    "recreatePods": False,
    "renderSubchartNotes": False,
    "replace": False,
    "resetValues": False,
    "reuseValues": False,
    "skipAwait": False,
    "skipCrds": False,
    "verify": False,
    "waitForJobs": False,
}
_OTHERS: Final = frozenset(
    {"chart", "compat", "maxHistory", "name", "namespace", "repositoryOpts", "timeout", "values", "version"}
)
# Switches of the Helm command that the library does not offer; refused when on, for they would silently do nothing.
_NOT_HERE: Final = frozenset(
    {
        "dependencyUpdate",
        "devel",
        "disableCRDHooks",
        "disableOpenapiValidation",
        "disableWebhooks",
        "forceUpdate",
        "keyring",
        "lint",
        "postrender",
        "recreatePods",
        "replace",
        "takeOwnership",
        "valueYamlFiles",
        "verify",
        "waitForJobs",
        "manifest",
        "resourceNames",
    }
)


class ReleaseInputError(ProviderError):
    """A wrong input of a release; `key` is the input's name."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


def checked_release(
    news: Mapping[str, Any], olds: Mapping[str, Any], propose_name: Callable[[], str], default_namespace: str
) -> dict[str, Any]:
    """The inputs of a release with every default. Raises ReleaseInputError for what cannot be done here."""
    for key, value in news.items():
        if key not in DEFAULTS and key not in _OTHERS and key not in _NOT_HERE:
            raise ReleaseInputError(key, f'unknown property "{key}" of a Helm release')
        if key in _NOT_HERE and plain(value):
            raise ReleaseInputError(key, f'the local stand-in provider does not do "{key}" of a Helm release')
    inputs = {**DEFAULTS, "timeout": 0 if plain(news.get("skipAwait")) is True else _WAIT_SECONDS}
    inputs.update({key: value for key, value in news.items() if value is not None})
    if not inputs.get("name"):
        inputs["name"] = _earlier_name(inputs, olds) or propose_name()
    if not inputs.get("namespace"):
        inputs["namespace"] = default_namespace
    values = inputs.get("values") or {}
    inputs["values"] = values if plain(inputs["allowNullValues"]) is True else _without_nulls(values)
    chart = plain(inputs.get("chart"))
    if chart is UNKNOWN:
        return inputs
    if not chart:
        raise ReleaseInputError("chart", "a Helm release needs a chart")
    folder = chart_folder(str(chart))
    if not inputs.get("version"):
        inputs["version"] = chart_metadata(folder).get("version", "")
    return inputs


def _earlier_name(inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> str:
    """An update of a release that the program does not name keeps its generated name."""
    return str(plain(olds.get("name")) or "")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Secret):
        return Secret(_without_nulls(value.value))
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def chart_folder(chart: str, env: Mapping[str, str] = os.environ) -> Path:
    """Where a chart is: the path as given, or the folder named like its last path segment among the local charts.

    Raises ReleaseInputError when neither is there. Nothing is downloaded.
    """
    if (Path(chart) / "Chart.yaml").is_file():
        return Path(chart)
    charts = env.get(CHARTS_DIR_ENV, "")
    name = chart.rstrip("/").rpartition("/")[2]
    if charts and name and (Path(charts) / name / "Chart.yaml").is_file():
        return Path(charts) / name
    where = f"{Path(charts) / name}" if charts else f"env {CHARTS_DIR_ENV} is not set"
    raise ReleaseInputError(
        "chart", f'path "{chart}" not found; check the chart name and repository (no local chart either: {where})'
    )


def chart_metadata(folder: Path) -> dict[str, Any]:
    """Chart.yaml as a dict."""
    content = yaml.safe_load((folder / "Chart.yaml").read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def diff_releases(old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
    """Name and namespace need a new release (created first), everything else is an upgrade."""
    changes = detailed_diff(old, new)
    return diff_response(changes, lambda path: path in ("name", "namespace"))


def values_for_helm(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The values with secrets revealed. Raises ProviderError while something in them is not known yet."""
    values = plain(inputs.get("values") or {})
    if contains_unknown(values):
        raise ProviderError("the values of the release are not known yet")
    return dict(values)
