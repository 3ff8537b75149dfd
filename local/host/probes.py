"""How one sees that a process is up: an HTTP answer on 127.0.0.1."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

_DIRECT = urllib.request.ProxyHandler({})
"""Nothing on this machine is asked through a proxy."""


def answers(url: str, certificate_authority: Path | None = None, client: tuple[Path, Path] | None = None) -> bool:
    """True if a GET of `url` is answered with 200. `client` is a certificate and its key."""
    handlers: list[urllib.request.BaseHandler] = [_DIRECT]
    if certificate_authority is not None:
        context = ssl.create_default_context(cafile=str(certificate_authority))
        if client is not None:
            context.load_cert_chain(*client)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    elif url.startswith("https:"):
        # The controllers' own health ports have self-signed certificates, made again at each start.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def listens(port: int) -> bool:
    """True if something takes connections on 127.0.0.1:`port`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def http_ready(
    url: str, certificate_authority: Path | None = None, client: tuple[Path, Path] | None = None
) -> Callable[[], bool]:
    """A readiness probe that asks `url`."""
    return lambda: answers(url, certificate_authority, client)
