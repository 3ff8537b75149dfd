"""Who may connect through an Ingress, by what stands in it and in objects of its controller's own kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planning.cluster.ingress_table import restricting_kinds
from policies.rule import Resource, at

CIDR = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}/\d{1,2}\b|::/\d{1,3}")


def ranges_of(ingress: Resource, resources: Sequence[Resource]) -> list[str]:
    """Blocks in its annotations, and in the objects that these name; none: every client may."""
    written = [str(text) for text in at(ingress.inputs, "metadata.annotations", {}).values()]
    namespace = at(ingress.inputs, "metadata.namespace")
    named = {word for text in written for word in re.split(r"[\s,@]+", text)}
    for restriction in resources:
        name = at(restriction.inputs, "metadata.name")
        kind = restriction.type.removeprefix("kubernetes:").replace(":", "/")
        if kind not in restricting_kinds() or at(restriction.inputs, "metadata.namespace") != namespace:
            continue
        if named & {name, f"{namespace}-{name}"}:  # Traefik writes both
            written += _texts({key: value for key, value in restriction.inputs.items() if key != "metadata"})
    return [block for text in written for block in CIDR.findall(text)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
