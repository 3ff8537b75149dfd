"""From the sections of a stack file to typed settings, with every mistake at once. No pulumi, no I/O."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from settings.addons import WebhookReceiver
from settings.models import PulumiConfigToken
from settings.problems import PathPart, Problem, SchemaWalker, did_you_mean, problems_from
from settings.stack import StackSettings

PROJECT = "vllm-on-eks"


@dataclass(frozen=True)
class Loaded:
    """What a stack file said. With problems, `settings` is what is left without the wrong parts, or None.

    Planning may look at that rest so that its findings are told together with the mistakes.
    """

    stack: str
    settings: StackSettings | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class SecretNeed:
    """A config secret that the settings refer to, and the setting that does."""

    key: str
    path: str


@lru_cache(maxsize=1)
def json_schema() -> dict[str, Any]:
    """The JSON Schema of the sections, as editors read it."""
    return StackSettings.model_json_schema(by_alias=True)


def section_keys() -> tuple[str, ...]:
    """The config keys that hold settings; any other key under our prefix must be a secret they name."""
    return tuple(field.alias or name for name, field in StackSettings.model_fields.items())


def read(sections: Mapping[str, Any], stack: str) -> Loaded:
    """Validates the sections of a stack file, `{"models": [...], ...}`, keys as written."""
    document = copy.deepcopy(dict(sections))
    walker = SchemaWalker(json_schema())
    problems: list[Problem] = []
    # A wrong field hides the rules that span fields: take the wrong parts out, read the rest again.
    while True:
        try:
            return Loaded(stack, StackSettings.model_validate(document), _distinct(problems))
        except ValidationError as failure:
            found, places = problems_from(failure.errors(include_url=False), document, walker)
            problems += found
            if not all(_taken_out(document, place, walker) for place in places):
                return Loaded(stack, None, _distinct(problems))


def loaded_from(texts: Mapping[str, str], encrypted: Collection[str], stack: str) -> Loaded:
    """Reads configuration as Pulumi hands it over: the text by key (ours, without prefix; values that are no text
    are JSON), and the keys that are stored encrypted. Mistakes are in the result, none is raised."""
    sections: dict[str, Any] = {}
    problems: list[Problem] = []
    for key in section_keys():
        if key in texts:
            value, problem = _section(key, texts[key], key in encrypted)
            if problem is None:
                sections[key] = value
            else:
                problems.append(problem)
    loaded = read(sections, stack)
    needs = secret_needs(loaded.settings) if loaded.settings else ()
    if loaded.settings or not loaded.problems:
        problems += unknown_key_problems(sorted(texts), needs)
        problems += secret_problems(needs, {key: key in encrypted for key in texts}, stack)
    else:
        problems += unknown_key_problems([key for key in sorted(texts) if _looks_like_a_section(texts[key])], ())
    return Loaded(stack, loaded.settings, (*loaded.problems, *problems))


def _looks_like_a_section(text: str) -> bool:
    return text.lstrip().startswith(("{", "["))


def _section(key: str, text: str, encrypted: bool) -> tuple[Any, Problem | None]:
    if encrypted:
        return None, Problem(key, "is stored as a secret; settings are plain, only the secrets they name are not")
    if key == "region":
        return text, None
    try:
        return json.loads(text), None
    except json.JSONDecodeError:
        return None, Problem(key, "is plain text; write a YAML mapping or list below the key")


def _distinct(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))


def _taken_out(document: dict[str, Any], place: tuple[PathPart, ...], walker: SchemaWalker) -> bool:
    """Removes what stands at the place, if defaults can take its place without moving other paths."""
    here: Any = document
    for part in place[:-1]:
        here = here[part] if _holds(here, part) else None
    return bool(place) and isinstance(here, dict) and here.pop(place[-1], _ABSENT) is not _ABSENT


_ABSENT = object()


def _holds(container: Any, part: PathPart) -> bool:
    if isinstance(container, dict):
        return part in container
    return isinstance(container, list) and isinstance(part, int) and part < len(container)


def secret_needs(settings: StackSettings) -> tuple[SecretNeed, ...]:
    """The config secrets these settings name, each once."""
    needs = []
    if settings.monitoring.enabled and settings.monitoring.grafana.enabled:
        needs.append(SecretNeed(settings.monitoring.grafana.password_key, "monitoring.grafana.passwordKey"))
    receiver = settings.monitoring.alerts.receiver
    if settings.monitoring.enabled and isinstance(receiver, WebhookReceiver) and receiver.url_key:
        needs.append(SecretNeed(receiver.url_key, "monitoring.alerts.receiver.urlKey"))
    needs += [
        SecretNeed(model.token_secret.key, f"models[{index}].tokenSecret.key")
        for index, model in enumerate(settings.models)
        if isinstance(model.token_secret, PulumiConfigToken)
    ]
    return tuple({need.key: need for need in reversed(needs)}.values())[::-1]


def secret_problems(needs: tuple[SecretNeed, ...], present: Mapping[str, bool], stack: str) -> tuple[Problem, ...]:
    """Secrets that are missing or lie there in plain text. `present`: config key → is it stored encrypted."""
    problems = []
    for need in needs:
        command = f"pulumi config set --secret {PROJECT}:{need.key} --stack {stack}"
        if need.key not in present:
            problems.append(Problem(need.path, f"config secret {PROJECT}:{need.key} is not set; run: {command}"))
        elif not present[need.key]:
            problems.append(
                Problem(
                    need.path,
                    f"{PROJECT}:{need.key} is stored in plain text in the stack file: regard it as leaked, "
                    f"replace it at its source, and store the new one with: {command}",
                )
            )
    return tuple(problems)


def unknown_key_problems(keys: list[str], needs: tuple[SecretNeed, ...]) -> tuple[Problem, ...]:
    """Config keys under our prefix that are neither a section nor a secret that a section names."""
    valid = [*section_keys(), *(need.key for need in needs)]
    return tuple(
        Problem(f"{PROJECT}:{key}", f"unknown key; {did_you_mean(key, valid)}") for key in keys if key not in valid
    )
