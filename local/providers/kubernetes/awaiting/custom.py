"""The annotation pulumi.com/waitFor: `jsonpath={.a.b}=v` or `condition=Type[=Status]`, one or a JSON list of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from local.providers.kubernetes.awaiting.verdict import Awaiter, Json, Surroundings, Verdict, condition
from local.providers.rpc import ProviderError

ANNOTATION: Final = "pulumi.com/waitFor"
_DEFAULT_LIMIT_SECONDS: Final = 600.0
_STEP: Final = re.compile(r"\.((?:\\.|[^.\[\]\\])+)|\[(\d+)\]|\['((?:\\.|[^'\\])*)'\]")

_Check = Callable[[Json], tuple[bool, str]]  # (holds, what was seen)


def custom_awaiter(annotation: str) -> Awaiter:
    """The awaiter that an annotation asks for. Raises ProviderError for what it cannot say."""
    checks = [_parse(expression) for expression in _expressions(annotation)]

    def decide(live: Json, around: Surroundings) -> Verdict:
        seen = [check(live) for check in checks]
        return Verdict(is_done=all(holds for holds, _ in seen), lines=tuple(("info", text) for _, text in seen if text))

    return Awaiter(decide, _DEFAULT_LIMIT_SECONDS, timeout_text="timed out waiting for the condition")


def _expressions(annotation: str) -> list[str]:
    if annotation.lstrip().startswith("["):
        try:
            items = json.loads(annotation)
        except ValueError as error:
            raise ProviderError(f"the {ANNOTATION} annotation is not a valid JSON list: {error}") from None
        return [str(item) for item in items]
    return [annotation]


def _parse(expression: str) -> _Check:
    if expression.startswith("condition="):
        kind, _, status = expression.removeprefix("condition=").partition("=")
        return lambda live: _see_condition(live, kind, status or "True")
    if expression.startswith("jsonpath="):
        path, _, wanted = _split_jsonpath(expression.removeprefix("jsonpath="))
        return lambda live: _see_path(live, path, wanted)
    raise ProviderError(f'expected a "jsonpath=" or "condition=" prefix, got "{expression}"')


def _split_jsonpath(text: str) -> tuple[str, str, str | None]:
    match = re.fullmatch(r"\{(.+)\}(?:=(.*))?", text, re.DOTALL)
    if match is None:
        raise ProviderError(f'"{text}" is not a jsonpath in braces, such as {{.status.phase}}=Running')
    path = match.group(1)
    consumed = "".join(step.group(0) for step in _STEP.finditer(path))
    if consumed != path:
        raise ProviderError(f"the local stand-in provider understands plain jsonpaths only, not {{{path}}}")
    return path, "=", match.group(2)


def _see_condition(live: Json, kind: str, wanted: str) -> tuple[bool, str]:
    status = condition(live, kind).get("status")
    if status is None:
        return False, f"Waiting for condition {kind}={wanted}"
    if str(status).lower() == wanted.lower():
        return True, f"Resource has condition {kind}={status}"
    return False, f"Resource has condition {kind}={status} (want {wanted})"


def _see_path(live: Json, path: str, wanted: str | None) -> tuple[bool, str]:
    value: Any = live
    for field, index, quoted in _STEP.findall(path):
        key = (field or quoted).replace("\\", "")
        if index:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            return False, f"Waiting for {{{path}}}" + ("" if wanted is None else f"={wanted}")
    text = value if isinstance(value, str) else json.dumps(value)
    return wanted is None or text == wanted, f"Found {{{path}}}={text}"
