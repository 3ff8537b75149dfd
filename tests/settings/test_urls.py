"""Addresses of the web: one reader for all settings that hold one, and what each of them refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from settings.findings import WrongValue
from settings.read import read
from settings.urls import UrlParts, WebAddress, url_parts
from tests.planning.stacks import model, pool

STACK = {"nodePools": [pool()], "models": [model()]}
TRACES = {"kind": "collector", "protocol": "http"}
JWT = {"kind": "jwt", "issuer": "https://id.example.com", "audiences": ["llm"], "jwksUri": "https://id.example.com/k"}
GATEWAY = {"kind": "gatewayApi", "host": "llm.example.com", "certificate": {"kind": "secret", "name": "tls"}}


# What a stack file says around an address, by the setting that holds it.
SETTINGS: dict[str, Callable[[str], dict[str, Any]]] = {
    "issuer": lambda address: {"gateway": {**GATEWAY, "authentication": {**JWT, "issuer": address}}},
    "jwksUri": lambda address: {"gateway": {**GATEWAY, "authentication": {**JWT, "jwksUri": address}}},
    "tracing.endpoint": lambda address: {"tracing": {**TRACES, "endpoint": address}},
    "receiver.url": lambda address: {"monitoring": {"alerts": {"receiver": {"kind": "webhook", "url": address}}}},
    "downloads.endpoint": lambda address: {"downloads": {"endpoint": address}},
    "downloads.proxy": lambda address: {"downloads": {"proxy": address}},
}


def problems(setting: str, address: str) -> list[str]:
    return [str(problem) for problem in read({**STACK, **SETTINGS[setting](address)}, "dev").problems]


NO_ADDRESSES = {
    "ftp://id.example.com": "begins with http:// or https://",
    "id.example.com": "begins with http:// or https://",
    "HTTPS://id.example.com": "begins with http:// or https://",
    "https://": "neither a name nor an IP address",
    "https://:443/x": "neither a name nor an IP address",
    "https://[fd00::7/x": "neither a name nor an IP address",
    "https://id..example.com": "neither a name nor an IP address",
    "https://-id.example.com": "neither a name nor an IP address",
    "https://id_1.example.com": "neither a name nor an IP address",
    "https://$(id)": "neither a name nor an IP address",
    "https://id.example.com:0": "its port is no number from 1 to 65535",
    "https://id.example.com:65536": "its port is no number from 1 to 65535",
    "https://id.example.com:x": "its port is no number from 1 to 65535",
    "https://id.example.com/a b": "not an address",
    "https://id.example.com\\@evil.example": "not an address",
    "https://\u0456d.example.com": "not an address",
    "https://id.example.com/\tx": "not an address",
    "https://id.example.com/x#part": "what stands after '#'",
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_a_text_that_is_no_address_is_refused_by_every_setting_of_one(setting: str, address: str) -> None:
    told = problems(setting, address)
    assert any(setting in problem and NO_ADDRESSES[address] in problem for problem in told), told


@pytest.mark.parametrize("setting", [each for each in SETTINGS if each != "receiver.url"])
def test_a_user_in_an_address_is_refused_and_its_password_is_not_repeated(setting: str) -> None:
    told = problems(setting, "https://me:hunter2canary@id.example.com")
    assert any(setting in problem and "a user or a password would stand" in problem for problem in told), told
    assert "hunter2canary" not in str(told)


@pytest.mark.parametrize("setting", ["issuer", "tracing.endpoint", "downloads.endpoint", "downloads.proxy"])
def test_a_query_is_refused_where_nobody_asks_with_one(setting: str) -> None:
    told = problems(setting, "https://id.example.com/x?key=1")
    assert any(setting in problem and "what stands after '?'" in problem for problem in told), told


def test_all_that_is_wrong_with_an_address_is_said_at_once() -> None:
    with pytest.raises(WrongValue) as raised:
        WebAddress(https="why", named=True, query=False).check("http://me@10.0.0.1/x?a#b")
    assert len(raised.value.said) == 5


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http://tempo:4317", UrlParts("http", "tempo", 4317, "", "", "", False)),
        ("https://ID.example.com./k?v=1", UrlParts("https", "id.example.com", None, "/k", "v=1", "", False)),
        ("https://[fd00::7]:8443/", UrlParts("https", "fd00::7", 8443, "/", "", "", False)),
        ("https://u:p@10.0.0.7", UrlParts("https", "10.0.0.7", None, "", "", "", True)),
    ],
)
def test_an_address_is_taken_apart(text: str, parts: UrlParts) -> None:
    assert url_parts(text) == parts


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("https://id.example.com", True),
        ("https://id", False),
        ("https://10.0.0.7", False),
        ("https://[fd00::7]", False),
    ],
)
def test_a_name_has_a_dot_and_is_no_ip_address(text: str, is_name: bool) -> None:
    assert url_parts(text).is_name is is_name


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("address", ["https://id.example.com", "https://id.example.com:8443/a/b"])
def test_every_setting_of_an_address_takes_a_bare_one(setting: str, address: str) -> None:
    assert problems(setting, address) == []
