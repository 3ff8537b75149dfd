"""Reads the corpus: what is hostile is written compactly, and put together here."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from tests.program import sections_of
from tests.settings.test_secrets import SECRETS

HERE = Path(__file__).parent
# The credentials of the rows, so that no scanner of repositories finds one in this folder.
PARTS = {
    "hf": SECRETS["a Hugging Face token"],
    "aws": SECRETS["an AWS access key id"],
    "awssecret": SECRETS["an AWS secret access key"],
    "gitlab": SECRETS["a GitLab token"],
    "github": SECRETS["a GitHub token"],
    "nvidia": SECRETS["an NVIDIA API key"],
    "openai": SECRETS["an API key of OpenAI's form"],
    "jwt": SECRETS["a JSON Web Token"],
    "pem": SECRETS["a private key"],
    "slack": SECRETS["a Slack token"],
    "slackhook": SECRETS["a Slack webhook"],
    "telegram": SECRETS["a Telegram bot token"],
    "mattermost": SECRETS["a Mattermost webhook"],
    "azure": SECRETS["a signed Azure address"],
    "teams": SECRETS["a Microsoft Teams webhook"],
    "discord": SECRETS["a Discord webhook"],
    "userinfo": SECRETS["a password in an address"],
}


@dataclass(frozen=True)
class Case:
    """One stack file. `refused`: path and words, None where it is accepted with warnings of the rules `warns`."""

    name: str
    sections: Mapping[str, Any] = field(repr=False)
    refused: tuple[str, str] | None
    warns: tuple[str, ...] = ()


def rows(file: str) -> list[dict[str, Any]]:
    """A file of the corpus."""
    cases: list[dict[str, Any]] = yaml.safe_load((HERE / file).read_text(encoding="utf-8"))
    return cases


def stack_files() -> Iterator[Case]:
    """Every stack file of the corpus."""
    for row in rows("stack_files.yaml"):
        refused = next(iter(row["refused"].items())) if "refused" in row else None
        for index, value in enumerate(row["values"]):
            sections = _base(row.get("base", "dev"))
            for place, written in {**row.get("also", {}), row["at"]: value}.items():
                put(sections, place, _filled(written))
            name = f"{row['what']} {index}: {row['at']}={json.dumps(value)[:50]}"
            yield Case(name, sections, refused, tuple(row.get("accepted", ())))


_read = functools.cache(sections_of)


def _base(name: str) -> dict[str, Any]:
    sections = copy.deepcopy(_read("dev" if name == "keda" else name))
    if name == "keda":
        sections["models"][0]["autoscaling"] = {"kind": "keda", "maxReplicas": 2}
    return sections


def put(sections: dict[str, Any], place: str, value: Any) -> None:
    """Writes a value at `models[0].name`; a list grows by one where the index is its length."""
    parts = [int(index) if index else key for key, index in re.findall(r"([\w-]+)|\[(\d+)\]", place)]
    here: Any = sections
    for part, following in pairwise(parts):
        empty: Any = [] if isinstance(following, int) else {}
        here = here.setdefault(part, empty) if isinstance(here, dict) else here[part]
    if isinstance(here, list) and parts[-1] == len(here):
        here.append(value)
    else:
        here[parts[-1]] = value


def _filled(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{([a-z]+)\}", lambda case: PARTS.get(case[1], case[0]), value)
    if isinstance(value, dict):
        return {_filled(key): _filled(item) for key, item in value.items()}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def as_texts(sections: Mapping[str, Any]) -> dict[str, str]:
    """Configuration as Pulumi hands it over."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in sections.items()}
