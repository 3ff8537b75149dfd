"""From the sections of a stack file to typed settings, with every mistake at once. No pulumi, no I/O but our tables."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from settings.addons import WebhookReceiver
from settings.channels import WebhookChannel
from settings.charts import ChartFolder
from settings.documents import DocumentError, json_document
from settings.findings import Finding, Severity, WrongValue, mistake
from settings.problems import (
    NOTHING,
    PathPart,
    SchemaWalker,
    meant_or_known,
    path_text,
    problems_from,
    written_path,
)
from settings.schema import known_schema
from settings.secrets import leaves, secret_kind
from settings.spelling import nearest
from settings.stack import StackSettings
from settings.tokens import PulumiConfigToken

PROJECT = "vllm-on-eks"
# As near as this to a section's key, an encrypted value is that section misspelt and no secret.
SECTION_MISSPELT = 0.8
# Sections that are text and no YAML below their key; a number in place of it comes as its digits.
PLAIN_TEXT = ("region", "account", "backend")


@dataclass(frozen=True)
class Loaded:
    """What a stack file said. With problems, `settings` is what is left without the wrong parts, or None.

    Planning may look at that rest so that its findings are told together with the mistakes. `charts`: what is in the
    folder of `registry.charts`; None where that is no folder, or where it was not read.
    """

    stack: str
    settings: StackSettings | None
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    charts: ChartFolder | None = None
    today: str | None = None
    """The day (ISO) on which dates count; None: that of our tables."""


@dataclass(frozen=True)
class SecretNeed:
    """A config secret that the settings refer to, and the setting that does."""

    key: str
    path: str


def section_keys() -> tuple[str, ...]:
    """The config keys that hold settings; any other key under our prefix must be a secret they name."""
    return tuple(field.alias or name for name, field in StackSettings.model_fields.items())


def read(sections: Mapping[str, Any], stack: str, written: Mapping[tuple[PathPart, ...], str] = NOTHING) -> Loaded:
    """Validates the sections of a stack file, `{"models": [...], ...}`, keys as written.

    `written`: numbers that YAML changed, as they stand in the file, by place.
    """
    document = copy.deepcopy(dict(sections))
    walker = SchemaWalker(known_schema())
    problems: list[Finding] = [*_credentials(document), *_truths(document, walker)]
    wrong: set[tuple[PathPart, ...]] = set()
    # A wrong field hides the rules that span fields: take the wrong parts out, read the rest again.
    while True:
        try:
            return Loaded(stack, StackSettings.model_validate(document), _distinct(problems))
        except ValidationError as failure:
            # What was taken out is not missing.
            errors = _own_mistakes(failure.errors(include_url=False), document, walker, wrong)
            findings, places = problems_from(errors, document, walker, written)
            problems += findings
            wrong.update(places)
            if not errors or not all(_taken_out(document, place) for place in places):
                return Loaded(stack, None, _distinct(problems))


def _own_mistakes(
    errors: list[ErrorDetails], document: dict[str, Any], walker: SchemaWalker, wrong: Collection[tuple[PathPart, ...]]
) -> list[ErrorDetails]:
    """Without those that only follow from others: what was taken out as wrong is not missing, and a list whose entries
    are wrong is not too short."""
    places = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if not any(place in wrong for place in _missing(error, written_path(error["loc"], document, walker)))
        and not (error["type"] == "too_short" and any(_below(place, error["loc"]) for place in places))
    ]


def _missing(error: ErrorDetails, place: tuple[PathPart, ...]) -> list[tuple[PathPart, ...]]:
    """The places of which the error says that nothing is there."""
    if error["type"] == "missing":
        return [place]
    said = error.get("ctx", {}).get("error")
    return [(*place, key) for key in said.missing] if isinstance(said, WrongValue) else []


def _below(place: tuple[PathPart, ...], above: tuple[PathPart, ...]) -> bool:
    return len(place) > len(above) and place[: len(above)] == above


def _truths(document: Mapping[str, Any], walker: SchemaWalker) -> Iterator[Finding]:
    """pydantic takes true for 1 and false for 0."""
    for place, value in leaves(document):
        if isinstance(value, bool) and walker.takes_numbers_only(place):
            yield mistake(path_text(place), f"{str(value).lower()} is no number", "write the number")


def _credentials(document: Mapping[str, Any]) -> list[Finding]:
    """Settings are stored in plain text: what looks like a credential is refused everywhere."""
    return [
        mistake(
            path_text(place),
            f"holds what looks like {kind}: regard it as leaked",
            f"replace it at its source, store the new one with `pulumi config set --secret {PROJECT}:<key>`, and write "
            "a setting that names the key",
        )
        for place, text in leaves(document)
        if isinstance(text, str) and (kind := secret_kind(text))
    ]


def loaded_from(
    texts: Mapping[str, str],
    encrypted: Collection[str],
    stack: str,
    written: Mapping[tuple[PathPart, ...], str] = NOTHING,
) -> Loaded:
    """Reads configuration as Pulumi hands it over: the text by key (ours, without prefix; values that are no text
    are JSON), and the keys that are stored encrypted. Mistakes are in the result, none is raised."""
    sections: dict[str, Any] = {}
    problems: list[Finding] = []
    for key in section_keys():
        if key in texts:
            value, problem = _section(key, texts[key], key in encrypted)
            if problem is None:
                sections[key] = value
            else:
                problems.append(problem)
    loaded = read(sections, stack, written)
    if loaded.settings is None and loaded.problems:
        others = [key for key in sorted(texts) if key not in encrypted and _looks_like_a_section(texts[key])]
        return Loaded(stack, None, (*loaded.problems, *problems, *unknown_key_problems(others, ())))
    needs = secret_needs(loaded.settings) if loaded.settings else ()
    unused = _unused_secrets(texts, encrypted, loaded.settings)
    problems += unknown_key_problems([key for key in sorted(texts) if key not in unused], needs)
    problems += secret_problems(needs, {key: key in encrypted for key in texts}, stack)
    if problems or loaded.problems:  # what is wrong may be what names them
        return Loaded(stack, loaded.settings, (*loaded.problems, *problems))
    leaked = tuple(_leaked(key, stack) for key in unused if key not in encrypted)
    left_over = tuple(_left_over(key, unused[key], stack) for key in unused if key in encrypted)
    return Loaded(stack, loaded.settings, leaked, left_over)


def _looks_like_a_section(text: str) -> bool:
    return text.lstrip().startswith(("{", "["))


def _section(key: str, text: str, encrypted: bool) -> tuple[Any, Finding | None]:
    if encrypted:
        return None, mistake(
            key,
            "is stored as a secret; settings are plain, only the secrets they name are not",
            "store it without --secret",
        )
    if key in PLAIN_TEXT:
        return text, None
    try:
        return json_document(text), None
    except json.JSONDecodeError:
        return None, mistake(key, "is plain text", "write a YAML mapping or list below the key")
    except DocumentError as error:
        return None, mistake(key, str(error), "write less below the key")


def _distinct(problems: list[Finding]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(problems))


def _taken_out(document: dict[str, Any], place: tuple[PathPart, ...]) -> bool:
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
    needs = [need for need, used in _named_secrets(settings) if used]
    return tuple({need.key: need for need in reversed(needs)}.values())[::-1]


def _named_secrets(settings: StackSettings) -> list[tuple[SecretNeed, bool]]:
    """Every config secret that a setting names, and whether what it belongs to is switched on."""
    monitoring = settings.monitoring
    grafana = SecretNeed(monitoring.grafana.password_key, "monitoring.grafana.passwordKey")
    named = [(grafana, monitoring.installed and monitoring.grafana.enabled)]
    receiver = monitoring.alerts.receiver
    if isinstance(receiver, WebhookReceiver) and receiver.url_key:
        need = SecretNeed(receiver.url_key, "monitoring.alerts.receiver.urlKey")
        named.append((need, monitoring.installed and monitoring.alerts.enabled))
    notify = settings.budget.notify if settings.budget else None
    named += [
        (SecretNeed(channel.url_key, f"budget.notify.channels[{index}].urlKey"), True)
        for index, channel in enumerate(notify.channels if notify else ())
        if isinstance(channel, WebhookChannel)
    ]
    return named + [
        (SecretNeed(model.token_secret.key, f"models[{index}].tokenSecret.key"), True)
        for index, model in enumerate(settings.models)
        if isinstance(model.token_secret, PulumiConfigToken)
    ]


def _unused_secrets(
    texts: Mapping[str, str], encrypted: Collection[str], settings: StackSettings | None
) -> dict[str, str]:
    """Config secrets that nothing reads, with why: left over from what is switched off, renamed or removed.

    Without their setting they are known by being encrypted, or by a name that we gave.
    """
    named = _named_secrets(settings) if settings else []
    used = {need.key for need, on in named if on}
    why = {PulumiConfigToken.model_fields["key"].default: "no setting names it"}
    why |= {need.key: f"{need.path} names it, and that is switched off" for need, on in named if not on}
    for key in encrypted:
        if not nearest(key, section_keys(), SECTION_MISSPELT):
            why.setdefault(key, "no setting names it")
    return {key: why[key] for key in sorted(texts) if key in why and key not in used}


def _left_over(key: str, why: str, stack: str) -> Finding:
    message = f"is a secret that nothing uses ({why})"
    return Finding(f"{PROJECT}:{key}", "unused-secret", Severity.WARNING, message, f"run: {_removal(key, stack)}")


def _leaked(key: str, stack: str) -> Finding:
    return mistake(
        f"{PROJECT}:{key}",
        "is a secret that nothing uses, stored in plain text in the stack file: regard it as leaked",
        f"replace it at its source, and run: {_removal(key, stack)}",
    )


def _removal(key: str, stack: str) -> str:
    return f"pulumi config rm {PROJECT}:{key} --stack {stack}"


def secret_problems(needs: tuple[SecretNeed, ...], present: Mapping[str, bool], stack: str) -> tuple[Finding, ...]:
    """Secrets that are missing or lie there in plain text. `present`: config key → is it stored encrypted."""
    problems = []
    for need in needs:
        command = f"pulumi config set --secret {PROJECT}:{need.key} --stack {stack}"
        if need.key not in present:
            problems.append(mistake(need.path, f"config secret {PROJECT}:{need.key} is not set", f"run: {command}"))
        elif not present[need.key]:
            problems.append(
                mistake(
                    need.path,
                    f"{PROJECT}:{need.key} is stored in plain text in the stack file: regard it as leaked",
                    f"replace it at its source, and store the new one with: {command}",
                )
            )
    return tuple(problems)


def unknown_key_problems(keys: list[str], needs: tuple[SecretNeed, ...]) -> tuple[Finding, ...]:
    """Config keys under our prefix that are neither a section nor a secret that a section names."""
    valid = [*section_keys(), *(need.key for need in needs)]
    return tuple(
        mistake(f"{PROJECT}:{key}", "unknown key", meant_or_known(key, valid)) for key in keys if key not in valid
    )
