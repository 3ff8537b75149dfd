"""Ingress controllers and their annotations: dated tables (facts/ingress_controllers.csv, ingress_annotations.csv)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from planning.facts import rows
from planning.model import OWN_PREFIX
from settings.gateway import Gateway, IngressController, IngressGateway


@dataclass(frozen=True)
class ControllerRow:
    """One controller. `ingress_class`, `namespace`: as its chart has them; None: it has no pods on the way.

    `says_of_itself`: how `spec.controller` of its classes begins.

    `acm`: it takes certificates of AWS Certificate Manager and no Secrets. `most_seconds`: longest silence that it
    bears. `says`: it always writes into an Ingress where it is reached, and keeps it until what it made is gone.
    `retired`: since which month.
    """

    name: str
    title: str
    ingress_class: str
    says_of_itself: str
    namespace: str | None
    acm: bool
    most_seconds: int | None
    says: bool
    retired: str | None


@dataclass(frozen=True)
class AnnotationRow:
    """`at`: ingress, service, object, beside or refused; `value` with placeholders; `what` it is for."""

    controller: str
    at: str
    key: str
    value: str
    what: str


@cache
def controllers() -> Mapping[str, ControllerRow]:
    """By name, as `gateway.controller` writes it."""
    return {
        row["controller"]: ControllerRow(
            row["controller"],
            row["title"],
            row["class"],
            row["says_of_itself"],
            row["namespace"] or None,
            row["acm"] == "yes",
            int(row["most_seconds"]) if row["most_seconds"] else None,
            row["says"] == "yes",
            row["retired"] or None,
        )
        for row in rows("ingress_controllers.csv")
    }


@cache
def annotation_rows(controller: str, at: str) -> tuple[AnnotationRow, ...]:
    """Of one controller, in one place."""
    every = (AnnotationRow(**row) for row in rows("ingress_annotations.csv"))
    return tuple(row for row in every if (row.controller, row.at) == (controller, at))


# Annotations whose owners are known and restrict no one's access to an Ingress, by the prefix of their keys.
_OF_OTHERS = (
    *("cert-manager.io", "external-dns.alpha.kubernetes.io", "kubectl.kubernetes.io", "meta.helm.sh", "pulumi.com"),
    OWN_PREFIX,
)
# What a key says that lists who is kept out; a "cidr-block" is a list of either kind.
_DENYING = re.compile(r"deny|denied|black|(?<!cidr)(?<!cidr-)block(?!s)|exclude|except|reject|forbid|disallow|ignore")


@cache
def scheme_keys(controller: str | None = None) -> frozenset[str]:
    """Annotations of an Ingress that say whether its load balancer is internal; `controller`: those that it reads."""
    names = controllers() if controller is None else (controller,)
    lines = (line for name in names for line in annotation_rows(name, "ingress"))
    return frozenset(line.key for line in lines if line.value == "{scheme}")


def source_keys(names: Iterable[str]) -> frozenset[str]:
    """Annotations of an Ingress that say who may connect, or name an object that does, of these controllers."""
    lines = (line for name in names for line in annotation_rows(name, "ingress"))
    return frozenset(line.key for line in lines if line.what == "sources" and line.value != "{scheme}")


def may_list_sources(key: str) -> bool:
    """Whether an annotation can be some controller's list of who may connect.

    Keys without a prefix are their users' own, which no controller reads (kubernetes.io, Annotations, 2026-11-28).
    """
    prefix, _, name = key.rpartition("/")
    return bool(prefix) and prefix not in _OF_OTHERS and not _DENYING.search(name.lower())


@cache
def _known_prefixes() -> frozenset[str]:
    lines = rows("ingress_annotations.csv")
    return frozenset(row["key"].rpartition("/")[0] for row in lines if row["at"] not in ("object", "beside"))


def source_texts(annotations: Mapping[str, Any], names: Iterable[str] = ()) -> list[str]:
    """What says who may connect in the annotations of an Ingress of one of these controllers.

    No names: its controller is not known. Then the rows of all count, and keys that are of none of them.
    """
    names = tuple(names)
    keys = source_keys(names or controllers())
    if not names:
        keys |= {
            key for key in annotations if may_list_sources(key) and key.rpartition("/")[0] not in _known_prefixes()
        }
    return [str(text) for key, text in annotations.items() if key in keys]


def restriction_ranges(kind: str, names: Iterable[str], fields: Mapping[str, Any]) -> list[str]:
    """Texts of the list of who may connect in an object `<group>/<version>/<Kind>` of one of these controllers.

    None where anything else stands in it that may change whom the controller lets in: it is off (`disabled`), holds
    for other protocols only, or goes by a header that clients write (`ipStrategy`). What changes nothing has rows.
    """
    found: list[str] = []
    for name in tuple(names) or controllers():
        harmless = {line.value for line in annotation_rows(name, "beside") if line.key == kind}
        for line in annotation_rows(name, "object"):
            pattern = json.loads(line.value)
            if line.key == kind and not set(_beside(pattern, fields)) - harmless:
                found += _at_ranges(pattern, fields)
    return found


# Every object has these.
_OF_EVERY_OBJECT = ("apiVersion", "kind", "metadata", "status")


def _beside(pattern: Mapping[str, Any], value: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths of what stands there and not in the pattern; what is empty, false or 0 is as if it were not there."""
    for key in value.keys() - set(() if path else _OF_EVERY_OBJECT):
        inner = f"{path}{key}"
        if isinstance(pattern.get(key), Mapping) and isinstance(value[key], Mapping):
            yield from _beside(pattern[key], value[key], f"{inner}.")
        elif key not in pattern and _says_something(value[key]):
            yield inner


def _says_something(value: Any) -> bool:
    return any(map(_says_something, value.values())) if isinstance(value, Mapping) else bool(value)


def _at_ranges(pattern: Any, value: Any) -> Iterator[str]:
    """What stands where the pattern has RANGES; nothing where the value has not all that the pattern says."""
    if pattern == "RANGES":
        yield from (str(text) for text in value) if isinstance(value, list | tuple) else ()
    elif isinstance(pattern, Mapping) and isinstance(value, Mapping):
        words = {key: text for key, text in pattern.items() if isinstance(text, str) and text != "RANGES"}
        if all(value.get(key) == text for key, text in words.items()):
            for key in pattern.keys() - words.keys():
                yield from _at_ranges(pattern[key], value.get(key))


def of_class(name: str) -> list[ControllerRow]:
    """Those whose charts make an IngressClass of that name."""
    return [row for row in controllers().values() if row.ingress_class == name]


def of_words(spec_controller: str) -> ControllerRow | None:
    """The controller of an IngressClass by what stands in it; None: it has no row."""
    rows_of = (row for row in controllers().values() if spec_controller.startswith(row.says_of_itself))
    return next(rows_of, None)


def controller_of(gateway: IngressGateway) -> ControllerRow | None:
    """The controller that is named, or the only one whose class has that name; None: it has no row."""
    if gateway.controller is not None:
        return None if gateway.controller is IngressController.OTHER else controllers()[gateway.controller.value]
    named = of_class(gateway.ingress_class)
    return named[0] if len(named) == 1 else None


def callers_namespace(gateway: Gateway) -> str | None:
    """Where the pods are that hand requests on; None: no Ingress, a load balancer's, or not known."""
    if not isinstance(gateway, IngressGateway):
        return None
    row = controller_of(gateway)
    return gateway.controller_namespace or (row.namespace if row else None)
