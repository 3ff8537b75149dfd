"""How weights come into the cluster, where not straight from Hugging Face."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from settings.addresses import refuse_nested
from settings.findings import WrongValue
from settings.types import Cidr, Section, described
from settings.urls import WebAddress

Address = Annotated[str, WebAddress(query=False), AfterValidator(lambda text: text.rstrip("/"))]


class Downloads(Section):
    """A mirror of the Hub, or a proxy on the way to it; both see what is downloaded."""

    endpoint: Address | None = described("HF_ENDPOINT: a mirror that answers as the Hub does", default=None)
    proxy: Address | None = described("HTTPS proxy that the downloader uses", default=None)
    cidrs: tuple[Cidr, ...] = described(
        "private addresses of mirror and proxy, which the downloader's NetworkPolicy then opens on their ports",
        default=(),
        max_length=100,
    )

    @model_validator(mode="after")
    def _something_to_reach(self) -> Self:
        refuse_nested("cidrs", self.cidrs)
        if self.cidrs and self.endpoint is None and self.proxy is None:
            raise WrongValue(
                "cidrs without endpoint or proxy opens addresses for nothing", "name one or leave cidrs out"
            )
        return self
