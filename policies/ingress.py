"""Who may connect through an Ingress, by what stands in it and in objects of its controller's own kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from planning.cluster.ingress_table import (
    controllers,
    of_class,
    restriction_ranges,
    scheme_keys,
    source_keys,
    source_texts,
)
from planning.model import SAID_CONTROLLER, SAID_INTERNAL
from policies.rule import Resource, at
from settings.addresses import blocks_in

# What an Ingress says its class by where it has no spec.ingressClassName (kubernetes.io, Ingress, 2026-11-28).
_OLD_CLASS = "kubernetes.io/ingress.class"


def ranges_of(ingress: Resource, resources: Sequence[Resource]) -> list[str]:
    """Blocks where its controller reads who may connect, in annotations and in the objects that these name.

    Elsewhere blocks restrict no one. None: every client may.
    """
    annotations, names = _annotations(ingress), _controllers(ingress)
    texts = source_texts(annotations, names)
    pointers = [str(annotations[key]) for key in source_keys(names or controllers()) if key in annotations]
    namespace = at(ingress.inputs, "metadata.namespace")
    named = {word for text in pointers for word in re.split(r"[\s,@]+", text)}
    for restriction in resources:
        name = at(restriction.inputs, "metadata.name")
        if restriction.in_kubernetes and at(restriction.inputs, "metadata.namespace") == namespace:
            kind = restriction.type.removeprefix("kubernetes:").replace(":", "/")
            if named & {name, f"{namespace}-{name}"}:  # Traefik writes both
                texts += restriction_ranges(kind, names, restriction.inputs)
    return [block for text in texts for block in blocks_in(text)]


def said_internal(ingress: Resource) -> bool:
    """By the scheme that its controller reads; by our own word only where no scheme at all says otherwise.

    Beside a controller of the table the plan writes no such word.
    """
    annotations, names = _annotations(ingress), _controllers(ingress)
    if any(annotations.get(key, "internal") != "internal" for key in scheme_keys()):
        return False
    if not names and SAID_CONTROLLER not in annotations:
        names = tuple(controllers())  # it may be any
    read = frozenset[str]().union(*map(scheme_keys, names))
    ours = annotations.get(SAID_INTERNAL) == "true" and annotations.get(SAID_CONTROLLER) not in controllers()
    return ours or any(key in annotations for key in read)


def _annotations(ingress: Resource) -> Mapping[str, Any]:
    written = at(ingress.inputs, "metadata.annotations")
    return written if isinstance(written, Mapping) else {}


def _controllers(ingress: Resource) -> tuple[str, ...]:
    """Rows of the table: the one that the plan wrote down, else those whose class has that name; none: not known."""
    annotations = _annotations(ingress)
    if (said := annotations.get(SAID_CONTROLLER)) is not None:
        return (said,) if said in controllers() else ()
    class_name = at(ingress.inputs, "spec.ingressClassName", annotations.get(_OLD_CLASS))
    return tuple(row.name for row in of_class(class_name))
