"""No image is rendered anywhere that `planning images` and `preview --images` do not list: stack files that we ship."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from planning.decide import decide
from planning.model import StackPlan
from planning.versions import pins
from planning.versions.images import stack_addon_images, stack_charts, stack_images
from settings.read import read
from tests.conftest import REPO
from tests.engine import Secret
from tests.program import CANARIES, example, run_program, sections_of

EXAMPLES = sorted(file.name.split(".")[1] for file in (REPO / "examples").glob("Pulumi.*.yaml"))
CASES = [*(("Pulumi", name) for name in ("dev", "prod")), *(("examples", name) for name in EXAMPLES)]
RELEASE = "kubernetes:helm.sh/v3:Release"
# Keys under which objects and charts' values name an image as one text.
AS_TEXT = {"image", "reference", "rbacProxyImage", "containerImage"}


def sections(place: str, name: str) -> dict[str, Any]:
    return example(name) if place == "examples" else sections_of(name)


def images_of(value: Any) -> Iterator[str]:
    """Every image that a manifest or a chart's values name: as one text, or as repository and tag."""
    if isinstance(value, Secret):
        return
    if isinstance(value, list):
        for each in value:
            yield from images_of(each)
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        if key in AS_TEXT and isinstance(each, str) and "/" in each:
            yield each
        yield from images_of(each)
    repository, tag = value.get("repository"), value.get("tag")
    if isinstance(repository, str) and isinstance(tag, str) and "/" in repository:
        yield f"{repository}:{tag}"


def plain(image: str) -> str:
    """As the list writes it."""
    host = image.partition("/")[0]
    return image if "." in host or ":" in host else f"docker.io/{image}"


def uncached(plan: StackPlan, asked: dict[str, Any], name: str) -> StackPlan:
    """The plan whose images have their own registries' names."""
    if plan.pull_through is None:
        return plan
    registry = {key: value for key, value in asked["registry"].items() if key != "pullThrough"}
    return decide(read({**asked, "registry": registry}, name))


@pytest.mark.parametrize(("place", "name"), CASES)
def test_every_image_of_every_object_and_of_every_releases_values_is_listed(place: str, name: str) -> None:
    asked = sections(place, name)
    asked.get("registry", {}).pop("mirror", None)
    plan = decide(read(asked, name))
    listed = {pins.mirrored(use.image, plan.pull_through) for use in stack_images(uncached(plan, asked, name))}
    secrets = {"grafanaPassword": CANARIES["grafanaPassword"]}
    if any(model.token and model.token.config_key for model in plan.models):
        secrets["hfToken"] = CANARIES["hfToken"]
    engine = run_program(asked, name, secrets=secrets)
    rendered = {plain(image) for registration in engine.registrations for image in images_of(registration.inputs)}
    assert any("vllm" in image for image in rendered), "the walk finds images at all"
    assert rendered - listed == set()
    charts = {use.chart for use in stack_charts(plan)}
    released = {each.inputs["chart"].rpartition("/")[2] for each in engine.all(RELEASE)}
    assert released == charts, "a release whose chart is not listed"
    addons = {each.inputs["addonName"] for each in engine.all("aws:eks/addon:Addon")}
    assert addons == {use.used_by.removeprefix("add-on ") for use in stack_addon_images(plan)}


def test_the_walk_finds_what_a_pod_hides() -> None:
    spec = {
        "initContainers": [{"image": "a/b:1"}],
        "containers": [{"image": "c.d/e:2", "env": [{"value": "not/an:image"}]}],
        "volumes": [{"image": {"reference": "f.g/h@sha256:12"}}],
        "ephemeral": {"image": {"repository": "i.j/k", "tag": "3"}},
    }
    assert set(images_of({"spec": {"template": {"spec": spec}}})) == {"a/b:1", "c.d/e:2", "f.g/h@sha256:12", "i.j/k:3"}
    assert re.match("docker.io/", plain("a/b:1"))
