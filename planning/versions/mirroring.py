"""What a stack pulls, and the commands that put it into a registry of one's own: images, charts, weights."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from planning.model import PullThroughPlan, StackPlan
from planning.units import amount
from planning.versions.images import (
    ChartUse,
    WeightUse,
    place_behind,
    stack_addon_images,
    stack_charts,
    stack_images,
    stack_weights,
)
from planning.versions.pins import mirrored

ADDONS = "Nodes pull the images of EKS' add-ons from EKS' own registry of the region; tags are the add-on's version's:"
FOR_COMMANDS = "For the commands that copy them: --mirror <registry>/<prefix>"


def as_json(plan: StackPlan, mirror: str | None, cache: PullThroughPlan | None = None) -> dict[str, Any]:
    """`plan`: made without a mirror. `cache`: where the stack pulls the images of some registries from.

    `images`: image, used_by, copy, pulled_as (None: as written); `charts`: chart, version, repository, inside, copy;
    `weights`: uri, used_by, copy; `addons`: image, used_by. `copy` is None without a mirror.
    """
    images = [
        asdict(use) | {"copy": _image_copy(use.image, mirror), "pulled_as": _cached(use.image, cache)}
        for use in stack_images(plan)
    ]
    charts = [asdict(use) | {"copy": _chart_copy(use, mirror)} for use in stack_charts(plan)]
    weights = [
        {"uri": use.uri, "used_by": use.used_by, "copy": _weight_copy(use, mirror)} for use in stack_weights(plan)
    ]
    addons = [asdict(use) for use in stack_addon_images(plan)]
    return {
        "stack": plan.stack, "mirror": mirror, "images": images, "charts": charts, "weights": weights, "addons": addons,
    }  # fmt: skip


def as_text(document: dict[str, Any]) -> list[str]:
    """The lists, and the commands where there is a mirror."""
    images, charts, weights = document["images"], document["charts"], document["weights"]
    counted = (amount(len(images), "image"), amount(len(charts), "chart"), amount(len(weights), "source"))
    lines = [f"{document['stack']}: {counted[0]}, {counted[1]}, {counted[2]} of weights"]
    for image in images:
        cached = f"\n    pulled as {image['pulled_as']}" if image["pulled_as"] else ""
        lines.append(f"  {image['image']}  ({image['used_by']}){cached}")
    for chart in charts:
        inside = "".join(f", {name} {version}" for name, version in chart["inside"])
        lines.append(
            f"  {chart['chart']} {chart['version']} of {chart['repository']}{inside and f' (holds{inside[1:]})'}"
        )
    lines += [f"  {weight['uri']}  ({weight['used_by']})" for weight in weights]
    if document["addons"]:
        lines += [f"  {ADDONS}", *(f"    {addon['image']}  ({addon['used_by']})" for addon in document["addons"])]
    commands = [command for row in (*images, *charts, *weights) for command in row["copy"] or ()]
    if not commands:
        return [*lines, "", FOR_COMMANDS]
    host = document["mirror"].partition("/")[0]
    return [*lines, "", f"helm registry login {host}", f"crane auth login {host}", *commands]


def _cached(image: str, cache: PullThroughPlan | None) -> str | None:
    place = mirrored(image, cache)
    return None if place == image else place


def _image_copy(image: str, mirror: str | None) -> list[str] | None:
    if mirror is None:
        return None
    place = place_behind(image, mirror)
    return [] if place == image.partition("@")[0] else [f"crane copy {image} {place}"]


def _chart_copy(use: ChartUse, mirror: str | None) -> list[str] | None:
    if mirror is None:
        return None
    oci = use.repository.startswith("oci://")
    source = f"{use.repository}/{use.chart}" if oci else f"{use.chart} --repo {use.repository}"
    return [
        f"helm pull {source} --version {use.version}",
        f"helm push {use.chart}-{use.version}.tgz oci://{mirror}/charts",
    ]


def _weight_copy(use: WeightUse, mirror: str | None) -> list[str] | None:
    """A repository of the Hub as an image of one layer, for `source: oci://...`; what is elsewhere stays there."""
    if mirror is None:
        return None
    if use.repository is None or use.revision is None:
        return []
    folder = use.repository.replace("/", "--")
    place = f"{mirror}/weights/{use.repository.lower()}:{use.revision}"
    return [
        f"hf download {use.repository} --revision {use.revision} --local-dir {folder}",
        f"tar -C {folder} --exclude .cache -cf {folder}.tar .",
        f"crane append --oci-empty-base --new_layer {folder}.tar --new_tag {place}  "
        f"# then source: oci://{place.rpartition(':')[0]}@<the digest it prints>, copyOf: {use.repository}",
    ]
