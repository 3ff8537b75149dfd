"""`python -m planning images`: every image and chart of a stack, and the commands that copy them to a mirror."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from advisor.stack_files import planned_without_mirror, settings_of
from planning.model import StackPlan
from planning.units import amount
from planning.versions.images import ChartUse, place_behind, stack_charts, stack_images

ADDONS = "EKS pulls the images of its add-ons itself, from registries of its own in the region: they are not listed."


def add_to(commands: Any) -> None:
    """Registers the command with argparse."""
    parser = commands.add_parser("images", help="what a stack pulls, for a mirror", description=__doc__)
    parser.add_argument("--stack", required=True, help="dev for Pulumi.dev.yaml")
    parser.add_argument("--mirror", help="<registry>/<prefix>; default: the stack's registry.mirror")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answers 0; raises LookupError or ValueError on a stack that is not there or cannot be planned."""
    settings = settings_of(arguments.stack)
    mirror = arguments.mirror or settings.registry.mirror
    plan = planned_without_mirror(settings, arguments.stack)
    document = as_json(plan, mirror)
    print(json.dumps(document, indent=2) if arguments.json else "\n".join(as_text(document)))
    return 0


def as_json(plan: StackPlan, mirror: str | None) -> dict[str, Any]:
    """`images`: image, used_by, copy; `charts`: chart, version, repository, inside, copy (None without a mirror)."""
    images = [asdict(use) | {"copy": _image_copy(use.image, mirror)} for use in stack_images(plan)]
    charts = [asdict(use) | {"copy": _chart_copy(use, mirror)} for use in stack_charts(plan)]
    return {"stack": plan.stack, "mirror": mirror, "images": images, "charts": charts}


def as_text(document: dict[str, Any]) -> list[str]:
    """Two lists, and the commands where there is a mirror."""
    images, charts = document["images"], document["charts"]
    lines = [f"{document['stack']}: {amount(len(images), 'image')}, {amount(len(charts), 'chart')}"]
    lines += [f"  {image['image']}  ({image['used_by']})" for image in images]
    for chart in charts:
        inside = "".join(f", {name} {version}" for name, version in chart["inside"])
        lines.append(
            f"  {chart['chart']} {chart['version']} of {chart['repository']}{inside and f' (holds{inside[1:]})'}"
        )
    lines.append(f"  {ADDONS}")
    commands = [command for each in (*images, *charts) for command in each["copy"] or ()]
    if not commands:
        return [*lines, "", "For the commands that copy them: --mirror <registry>/<prefix>"]
    host = document["mirror"].partition("/")[0]
    return [*lines, "", f"helm registry login {host}", f"crane auth login {host}", *commands]


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
