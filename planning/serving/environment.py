"""The server's environment: ours, and what the user adds to it as far as it breaks nothing that the stack relies on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from planning.facts import rows
from planning.findings import Findings
from planning.model import SecretValue
from planning.versions import pins
from settings.models import Model
from settings.secrets import SECRET_NAMES, secret_kind
from settings.spelling import did_you_mean

# Where things are written is the backend's business (components/serving); these hold whatever the backend.
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",  # weights are there before the server starts: a missing file is an error, no download
    "VLLM_NO_USAGE_STATS": "1",  # its network policy lets nothing out
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True)
class VariableVerdict:
    """A row of facts/environment.csv."""

    name: re.Pattern[str]
    verdict: str
    words: str


@cache
def verdicts() -> tuple[VariableVerdict, ...]:
    """All rows, in their order."""
    return tuple(
        VariableVerdict(re.compile(row["name"], re.IGNORECASE), row["verdict"], row["words"])
        for row in rows("environment.csv")
    )


@cache
def known_to_vllm() -> frozenset[str]:
    """Names that vLLM reads, of those that begin with VLLM_."""
    return frozenset(row["name"] for row in rows("vllm_environment.csv"))


def plain(model: Model) -> dict[str, str]:
    """Name -> text."""
    return {**ENVIRONMENT, **model.env}


def from_secrets(model: Model) -> dict[str, SecretValue]:
    """Name -> where its value is."""
    return {name: SecretValue(source.name, source.key) for name, source in model.secret_env.items()}


def check_environment(model: Model, path: str, findings: Findings) -> None:
    """Each name against the table, in `env` and in `secretEnv`; no credential in plain text, no name twice."""
    own_image = model.image.repository != pins.VLLM.repository
    for name in model.env:
        where = f"{path}.env.{name}"
        if not _judge(name, own_image, where, findings):
            _check_plain(name, model.env[name], where, findings)
    for name in model.secret_env:
        where = f"{path}.secretEnv.{name}"
        _judge(name, own_image, where, findings)
        if name in model.env:
            findings.error(where, "environment-twice", f"{name} is in env too", "keep one of them")


def _check_plain(name: str, value: str, where: str, findings: Findings) -> None:
    if SECRET_NAMES.search(name) or secret_kind(value):
        findings.error(
            where,
            "environment-secret",
            f"{name} is a credential by its {'name' if SECRET_NAMES.search(name) else 'value'}: here it would stand in "
            "the manifest, in the state and in every preview",
            "put it into a Secret of the model's namespace and write "
            f"secretEnv: {{{name}: {{name: <Secret>, key: <key>}}}}",
        )


def _judge(name: str, own_image: bool, where: str, findings: Findings) -> bool:
    """Whether it was refused."""
    judged = next((verdict for verdict in verdicts() if verdict.name.fullmatch(name)), None)
    if judged is None:
        if name.startswith("VLLM_") and name not in known_to_vllm():
            near = did_you_mean(name, known_to_vllm(), cutoff=0.8)
            message = f"vLLM 0.32.0, where our table is from, reads no {name}: it does nothing there"
            fix = f"{near + ' Else ' if near else ''}leave it out, unless your version reads it"
            findings.warning(where, "environment-unknown", message, fix)
        return False
    message = f"{name}: {judged.words}"
    if judged.verdict == "setting":
        findings.error(where, "environment-planned", f"{name} is decided elsewhere", f"write {judged.words}")
    elif judged.verdict == "warned" or (judged.verdict == "code" and own_image):
        findings.warning(where, "environment-risk", message, "leave it out, or test it under load first")
        return False
    elif judged.verdict == "code":
        findings.error(
            where, "environment-refused", f"{message} that no official image has", "write an image that has it"
        )
    else:
        findings.error(where, f"environment-{judged.verdict}", message, "leave it out")
    return True
