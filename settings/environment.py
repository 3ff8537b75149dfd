"""Environment variables of a model's server: plain ones, and those from a Secret that exists."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.matching import Matching
from settings.names import Literal, ObjectName, SecretKey
from settings.types import Section, described

EnvName = Annotated[
    str,
    Field(max_length=128),
    Matching(
        r"[A-Za-z_][A-Za-z0-9_]*",
        "not a variable's name",
        "write letters, digits and '_', not beginning with a digit",
    ),
]
EnvValue = Annotated[Literal, Field(max_length=4096)]


class SecretEnv(Section):
    """A key of a Kubernetes Secret that exists in the model's namespace."""

    name: ObjectName = described("name of the Secret")
    key: SecretKey = described("key in the Secret")
