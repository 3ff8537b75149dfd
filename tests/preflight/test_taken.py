"""Names that the stack would make in an existing cluster and that are somebody else's there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.cluster.priority_class import priority_class
from planning.model import OWN_LABELS
from preflight.model import Verdict
from preflight.questions.taken import namespaces
from tests.planning.stacks import model, planned, pool
from tests.preflight.accounts import said
from tests.preflight.test_existing_cluster import GP3, report_of
from tests.program import example, run_program

CLASS = "/apis/scheduling.k8s.io/v1/priorityclasses/vllm-model"
MODELS = "/api/v1/namespaces/models"


def there(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


def refused(folder: Path, objects: dict[str, Any]) -> dict[str, str]:
    """What is said about names, by path."""
    told = said(report_of(folder, {**GP3, **objects})[1], Verdict.ERROR)
    return {path: text[0] for path, text in told.items()}


def test_a_namespace_of_somebody_elses_is_not_taken_over(tmp_path: Path) -> None:
    told = refused(tmp_path, {MODELS: there("models", team="search")})
    assert list(told) == ["models[0].namespace"]
    assert "`destroy` delete it with all that is in it; write another" in told["models[0].namespace"]


def test_a_namespace_without_any_label_is_somebody_elses(tmp_path: Path) -> None:
    assert "monitoring.namespace" in refused(
        tmp_path, {"/api/v1/namespaces/monitoring": {"metadata": {"name": "monitoring"}}}
    )


def test_what_the_stack_made_before_is_its_own(tmp_path: Path) -> None:
    ours = {MODELS: there("models", **OWN_LABELS), CLASS: priority_class("standard", "dev")}
    assert refused(tmp_path, ours) == {}


def test_another_stack_in_the_same_cluster_is_named(tmp_path: Path) -> None:
    told = refused(tmp_path, {CLASS: priority_class("standard", "staging")})
    assert told["cluster"].startswith("stack staging of vllm-on-eks is in shared: ")
    assert told["cluster"].endswith("add the models to stack staging")


def test_a_class_of_that_name_of_somebody_elses_is_refused(tmp_path: Path) -> None:
    assert "PriorityClass vllm-model is there" in refused(tmp_path, {CLASS: there("vllm-model")})["cluster"]


@pytest.mark.parametrize("name", ["tenants", "external-secrets", "kserve", "gateway"])
def test_every_namespace_that_the_program_makes_is_asked_for(name: str) -> None:
    sections = example(name)
    made = run_program(sections, "dev").all("kubernetes:core/v1:Namespace")
    assert set(namespaces(planned(**sections))) == {each.inputs["metadata"]["name"] for each in made}


def test_paths_are_those_of_the_stack_file() -> None:
    models = [model(name="a"), model(name="b", namespace="other"), model(name="c", namespace="other")]
    plan = planned(models=models, nodePools=[pool(minNodes=3, maxNodes=3)], tenants=[{"name": "team"}])
    paths = namespaces(plan)
    assert (paths["models"], paths["other"], paths["team"]) == (
        *("models[0].namespace", "models[1].namespace"),
        "tenants[0].namespace",
    )
