"""Addresses of the web (URLs): how one is read, and what each setting that holds one takes.

One reader for all of them: `urlsplit`, then a host that a certificate or a resolver can know and a port that exists.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from settings.findings import WrongValue

# RFC 1123: labels of letters, digits and '-'.
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", re.ASCII)
# urlsplit takes blanks and control characters out of what it is given.
_WRITTEN = re.compile(r"[!-~]+")
EXAMPLE = "write https://host/path, for example https://id.example.com/keys"


@dataclass(frozen=True)
class UrlParts:
    """What stands in an address; `host` in lower case and without the dot at its end, `port` as written or None."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str
    fragment: str
    credentials: bool

    @property
    def is_name(self) -> bool:
        """Whether the host is a name with a dot in it, as certificates have them, and no IP address."""
        return "." in self.host and not self.host.rpartition(".")[2].isdigit()


def url_parts(text: str) -> UrlParts:
    """The parts of an http address; raises WrongValue for a text that is none."""
    if not _WRITTEN.fullmatch(text) or "\\" in text:
        raise WrongValue("not an address: blanks, backslashes and letters that are not ASCII are written %20", EXAMPLE)
    try:
        split = urlsplit(text)
    except ValueError:  # a '[' without ']', an IPv6 address that is none
        raise WrongValue("not an address: its host is neither a name nor an IP address", EXAMPLE) from None
    if not text.startswith(("http://", "https://")):
        raise WrongValue("not an address that begins with http:// or https://", EXAMPLE)
    host = (split.hostname or "").removesuffix(".")
    if not _NAME.fullmatch(host) and not _is_ip(host):
        raise WrongValue("not an address: its host is neither a name nor an IP address", EXAMPLE)
    user = split.username is not None or split.password is not None
    return UrlParts(split.scheme, host, _port(split), split.path, split.query, split.fragment, user)


def _port(split: SplitResult) -> int | None:
    try:
        port = split.port
    except ValueError:
        port = 0
    if port == 0:
        raise WrongValue("not an address: its port is no number from 1 to 65535", "write https://host:port/path")
    return port


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class WebAddress:
    """An http address of a server. Stands in `Annotated`; what it takes beside scheme, host, port and path is said.

    `https`: nothing else, with why. `named`: the host has a name that a certificate can have. `query`: it may have one.
    `credentials`: user and password are left to the plan, which knows where they go instead.
    """

    https: str = ""
    named: bool = False
    query: bool = True
    credentials: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": rf"^(?:http{'s' if self.https else 's?'}://[^\s\\]+)$"}

    def check(self, text: str) -> str:
        """The text; raises WrongValue with all that is wrong with it."""
        parts = url_parts(text)
        wrong = list(self._wrong(parts))
        if wrong:
            (message, fix), *more = wrong
            raise WrongValue(message, fix, *more)
        return text

    def _wrong(self, parts: UrlParts) -> Iterator[tuple[str, str]]:
        if parts.credentials and not self.credentials:
            yield (
                "no bare address: a user or a password would stand in manifests, values and in the state",
                "leave out what stands before '@'",
            )
        if self.https and parts.scheme != "https":
            yield f"not an https:// address: {self.https}", "write https://"
        if self.named and not parts.is_name:
            yield (
                "not an address of a name: its certificate is checked against a name with a dot in it",
                "write for example https://id.example.com/keys",
            )
        if parts.query and not self.query:
            yield "no bare address: what stands after '?' would stand in values and in the state", "leave it out"
        if parts.fragment:
            yield "no address of a server: what stands after '#' is never sent to one", "leave it out"
