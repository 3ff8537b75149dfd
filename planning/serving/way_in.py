"""How weights reach the downloader: straight from the Hub, from a mirror of it, or through a proxy."""

from __future__ import annotations

from collections.abc import Iterator

from planning.findings import Findings
from planning.model import DownloadWay
from settings.downloads import Downloads
from settings.models import Model
from settings.stack import StackSettings
from settings.urls import url_parts

# Inside the cluster and at the node nothing goes through a proxy.
NO_PROXY = ".svc,.cluster.local,localhost,127.0.0.1,169.254.0.0/16"
_PORTS = {"https": 443, "http": 80}


def plan_way_in(downloads: Downloads) -> DownloadWay:
    """Environment and addresses of the downloader."""
    addresses = [address for address in (downloads.endpoint, downloads.proxy) if address is not None]
    ports = sorted({_port(address) for address in addresses})
    return DownloadWay(tuple(_environment(downloads)), downloads.cidrs, tuple(ports))


def check_downloads(settings: StackSettings, findings: Findings) -> None:
    """A token must not travel in plain text."""
    endpoint = settings.downloads.endpoint
    with_token = [model for model in settings.models if model.token_secret is not None]
    if endpoint is not None and endpoint.startswith("http://") and with_token:
        findings.error(
            "downloads.endpoint",
            "token-in-plain-text",
            f"{endpoint}: {_names(with_token)} would send a Hugging Face token to it in plain text",
            "write https://, or take tokenSecret out where the mirror needs none",
        )


def _port(address: str) -> int:
    parts = url_parts(address)
    return parts.port or _PORTS[parts.scheme]


def _names(models: list[Model]) -> str:
    return ", ".join(model.name for model in models[:5])


def _environment(downloads: Downloads) -> Iterator[tuple[str, str]]:
    if downloads.endpoint is not None:
        yield "HF_ENDPOINT", downloads.endpoint
        yield "HF_HUB_DISABLE_XET", "1"  # mirrors serve files, not the Hub's chunk store
    if downloads.proxy is not None:
        yield "HTTPS_PROXY", downloads.proxy
        yield "HTTP_PROXY", downloads.proxy
        yield "NO_PROXY", NO_PROXY
