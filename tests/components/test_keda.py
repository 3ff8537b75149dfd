from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from components.cluster.keda import Keda, KedaArgs, keda_values
from tests.components.plans import KEDA, MIRROR
from tests.engine import record
from tests.golden import as_yaml, assert_matches

GOLDENS = Path(__file__).parent / "goldens"


def test_values_are_as_their_golden() -> None:
    assert_matches(GOLDENS / "keda.values.yaml", as_yaml(keda_values(KEDA)))


def test_images_come_from_the_mirror() -> None:
    values = keda_values(replace(KEDA, mirror=MIRROR))
    assert values["global"]["image"]["registry"] == f"{MIRROR}/ghcr.io"


def test_the_release_is_named_and_pinned_in_a_restricted_namespace_of_its_own() -> None:
    engine = record(lambda: Keda("keda", KedaArgs(KEDA)))
    release = engine.only("kubernetes:helm.sh/v3:Release")
    assert (release.inputs["name"], release.inputs["chart"], release.inputs["version"]) == ("keda", "keda", "2.20.2")
    namespace = engine.only("kubernetes:core/v1:Namespace")
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert release.inputs["namespace"] == "keda"
