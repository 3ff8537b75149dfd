"""How the gateway shares out requests to a model: by weight between versions, and what keeps a client with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from settings.findings import WrongValue
from settings.matching import Matching
from settings.types import DnsLabel, Section, described

NO_SESSIONS: Mapping[str, str] = {
    "authorization": "is a secret, which is taken off on the way",
    "content-length": "is as long as the request",
    "content-type": "is the same for all clients",
    "cookie": "holds several values, any of which may change",
    "host": "is the same for all clients",
    "x-model": "names the model",
    "x-request-id": "is another one for each request",
    "x-version": "chooses a version by itself",
}
"""Header -> why its value tells no client from another one, or not for long."""


def _of_a_client(name: str) -> str:
    if name in NO_SESSIONS:
        raise WrongValue(f"{name} {NO_SESSIONS[name]}", "write one that tells clients apart, for example x-user")
    return name


SessionHeader = Annotated[
    str,
    Field(max_length=64),
    Matching(
        "[a-z][a-z0-9]*(-[a-z0-9]+)*",  # Envoy refuses requests with underscores in names of headers
        "not the name of a header",
        "write lower-case letters, digits and single '-', for example x-user",
    ),
    AfterValidator(_of_a_client),
]


class Version(Section):
    """A model of the stack that takes a share of another one's requests."""

    model: DnsLabel = described("name of the model; the one whose versions these are is one of them")
    weight: int = described("of a hundred of its requests; all together 100", ge=0, le=100)
