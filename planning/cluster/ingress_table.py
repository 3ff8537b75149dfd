"""Ingress controllers and their annotations: dated tables (facts/ingress_controllers.csv, ingress_annotations.csv)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from planning.facts import rows
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
    """`at`: ingress, service, object or refused; `value` with placeholders; `what` it is for."""

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


@cache
def restricting_kinds() -> frozenset[str]:
    """<group>/<version>/<Kind> of objects that restrict who may connect."""
    return frozenset(row["key"] for row in rows("ingress_annotations.csv") if row["at"] == "object")


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
