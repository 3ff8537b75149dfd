"""What becomes of a chart's definitions (CRDs) and of what was made by them when the chart's version moves.

planning/facts/chart_crds.csv says for each pinned chart by which of these ways its definitions move. The charts here
are made by the test, and a release of them is the real provider's with the real Helm.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from planning.versions.definitions import definitions_of
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Platform
from tests.e2e.small_stack import Object, SmallStack

pytestmark = pytest.mark.e2e

GROUP, KIND, PLURAL = "moves.example.org", "Thing", "things"
NEW_FIELD = "colour"


def _definition(*fields: str) -> dict[str, Any]:
    spec = {"type": "object", "properties": {field: {"type": "string"} for field in fields}}
    schema = {"type": "object", "properties": {"spec": spec}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": KIND, "plural": PLURAL, "singular": "thing"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def _chart(folder: Path, where: str, version: str, *fields: str) -> Object:
    """Writes the chart's version over the one before; its release."""
    about = {"apiVersion": "v2", "name": "mover", "version": version}
    (folder / where).mkdir(parents=True, exist_ok=True)
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about))
    (folder / where / "definition.yaml").write_text(yaml.safe_dump(_definition(*fields)))
    inputs = {"name": "mover", "namespace": "default", "chart": str(folder), "version": version, "skipAwait": True}
    return Object("kubernetes:helm.sh/v3:Release", "mover", inputs)


@pytest.fixture
def cluster(platform: Platform) -> Iterator[Cluster]:
    platform.run("start")
    cluster = Cluster(platform)
    yield cluster
    if cluster.definitions(GROUP):  # Helm leaves what came out of crds/
        client.ApiextensionsV1Api(cluster.api).delete_custom_resource_definition(f"{PLURAL}.{GROUP}")


@pytest.fixture
def small(platform: Platform, cluster: Cluster, tmp_path: Path) -> Iterator[SmallStack]:
    (tmp_path / "stack").mkdir()
    stack = SmallStack(platform, tmp_path / "stack")
    yield stack
    stack.destroy()


def _fields(cluster: Cluster) -> set[str]:
    definition = client.ApiextensionsV1Api(cluster.api).read_custom_resource_definition(f"{PLURAL}.{GROUP}")
    (version,) = definition.spec.versions
    return set(version.schema.open_apiv3_schema.properties["spec"].properties)


def _thing(cluster: Cluster) -> dict[str, Any]:
    found = cluster.custom.get_namespaced_custom_object(GROUP, "v1", "default", PLURAL, "kept")
    return {"uid": found["metadata"]["uid"], "spec": found["spec"]}


def _make_thing(cluster: Cluster) -> dict[str, Any]:
    body = {"apiVersion": f"{GROUP}/v1", "kind": KIND, "metadata": {"name": "kept"}, "spec": {"size": "s"}}
    cluster.custom.create_namespaced_custom_object(GROUP, "v1", "default", PLURAL, body)
    return _thing(cluster)


def test_definitions_that_are_objects_of_the_release_move_with_it_and_what_was_made_by_them_stays(
    small: SmallStack, cluster: Cluster, tmp_path: Path
) -> None:
    """`by` helm in the table, as keda's, external-secrets' and cert-manager's."""
    assert small.up(_chart(tmp_path / "chart", "templates", "1.0.0", "size")).operations["mover"] == "create"
    before = _make_thing(cluster)
    outcome = small.up(_chart(tmp_path / "chart", "templates", "1.1.0", "size", NEW_FIELD))
    assert (outcome.ok, outcome.operations["mover"]) == (True, "update"), outcome.said
    assert _fields(cluster) == {"size", NEW_FIELD}
    assert _thing(cluster) == before
    assert definitions_of("keda").by == "helm"  # type: ignore[union-attr]


def test_definitions_of_the_crds_folder_stay_as_they_were_until_somebody_moves_them(
    small: SmallStack, cluster: Cluster, tmp_path: Path
) -> None:
    """`by` hand in the table, as gateway-helm's: the preview prints the command, which comes before `up`."""
    small.up(_chart(tmp_path / "chart", "crds", "1.0.0", "size"))
    before = _make_thing(cluster)
    outcome = small.up(_chart(tmp_path / "chart", "crds", "1.1.0", "size", NEW_FIELD))
    assert (outcome.ok, outcome.operations["mover"]) == (True, "update"), outcome.said
    assert _fields(cluster) == {"size"}, "Helm installs what lies in crds/ once"
    client.ApiextensionsV1Api(cluster.api).patch_custom_resource_definition(
        f"{PLURAL}.{GROUP}", _definition("size", NEW_FIELD)
    )
    assert _fields(cluster) == {"size", NEW_FIELD}
    assert _thing(cluster) == before
    assert definitions_of("gateway-helm").by == "hand"  # type: ignore[union-attr]
