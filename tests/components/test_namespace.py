from __future__ import annotations

from components.cluster.namespace import ModelNamespace, ModelNamespaceArgs
from components.cluster.priority_class import ModelPriorityClass, ModelPriorityClassArgs
from tests.engine import record


def test_a_model_namespace_is_restricted_and_closed() -> None:
    engine = record(lambda: ModelNamespace("models", ModelNamespaceArgs("models")))
    labels = engine.only("kubernetes:core/v1:Namespace").inputs["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
    policy = engine.only("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    assert policy.inputs["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert policy.inputs["metadata"]["namespace"] == "models"
    assert "models-namespace" in policy.dependency_names, "the policy needs its namespace first"


def test_two_namespaces_live_side_by_side() -> None:
    def program() -> None:
        ModelNamespace("a", ModelNamespaceArgs("team-a"))
        ModelNamespace("b", ModelNamespaceArgs("team-b"))

    namespaces = record(program).all("kubernetes:core/v1:Namespace")
    assert [made.inputs["metadata"]["name"] for made in namespaces] == ["team-a", "team-b"]


def test_models_go_before_ordinary_pods_and_after_system_pods() -> None:
    def program() -> None:
        ModelPriorityClass("a", ModelPriorityClassArgs("dev"))
        ModelPriorityClass("b", ModelPriorityClassArgs("dev", "critical"))
        ModelPriorityClass("c", ModelPriorityClassArgs("dev", "batch"))

    classes = record(program).all("kubernetes:scheduling.k8s.io/v1:PriorityClass")
    assert [made.inputs["metadata"]["name"] for made in classes] == ["vllm-model", "vllm-critical", "vllm-batch"]
    usual, first, last = (made.inputs["value"] for made in classes)
    assert last < usual < first
    assert [made.inputs["preemptionPolicy"] for made in classes][2] == "Never"
    assert all(0 < made.inputs["value"] < 1_000_000_000 for made in classes)
    assert not any(made.inputs["globalDefault"] for made in classes)
