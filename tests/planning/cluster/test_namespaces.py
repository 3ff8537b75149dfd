"""Whose a namespace is: nothing of ours labels one of the system's, and nobody lives in another's."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from planning.cluster.namespaces import system_owner
from planning.model import NAMESPACE_OWNERS
from tests.planning.stacks import errors, model, planned, pool, refusal

KEDA = {"models": [model(autoscaling={"kind": "keda"})], "nodePools": [pool(minNodes=2)]}
# What makes a stack use the component whose setting that is.
MODELS: dict[str, dict[str, Any]] = {
    "keda.namespace": {"autoscaling": {"kind": "keda"}},
    "kuberay.namespace": {"backend": "ray"},
    "argoRollouts.namespace": {"rollout": {"kind": "canary"}},
    "leaderWorkerSet.namespace": {"nodes": 2, "pipelineParallel": 2},
    "externalSecrets.namespace": {"tokenSecret": {"kind": "secretsManager", "name": "prod/hf"}},
}
RAY = {"models": [model(**MODELS["kuberay.namespace"])]}
ROLLOUTS = {"models": [model(**MODELS["argoRollouts.namespace"])], "nodePools": [pool(maxNodes=2)]}
GROUPS = {
    "models": [model(**MODELS["leaderWorkerSet.namespace"])],
    "nodePools": [pool(zones=["us-east-1a"], maxNodes=2)],
}
EXTERNAL = {"models": [model(**MODELS["externalSecrets.namespace"])]}
USED: dict[str, dict[str, Any]] = {
    "keda": KEDA,
    "externalSecrets": EXTERNAL,
    "certManager": {"backend": "kserve"},
    "kserve": {"backend": "kserve"},
    # Beside any other, whatever the stack's is.
    "kuberay": RAY,
    "argoRollouts": ROLLOUTS,
    "leaderWorkerSet": GROUPS,
}
GATEWAY = {"kind": "gatewayApi", "host": "llm.example.com", "certificate": {"kind": "secret", "name": "tls"}}
USED["gateway"] = {"gateway": GATEWAY}
USED["loadBalancerController"] = {"loadBalancerController": {"install": True}, "gateway": GATEWAY}
USED["openCost"] = {"openCost": {"install": True}}
USED["tracing"] = {"tracing": {"kind": "collector", "endpoint": "http://tempo.observability.svc:4317"}}


def named(path: str, name: str) -> dict[str, Any]:
    """The sections in which the setting of that path names the namespace."""
    section = path.partition(".")[0]
    if section == "models[]":
        return {"models": [model(namespace=name)]}
    used = USED.get(section, {})
    return {
        **used,
        section: {**used.get(section, {}), "namespace": name},
    }


@pytest.mark.parametrize("path", NAMESPACE_OWNERS)
@pytest.mark.parametrize(
    "name",
    ["default", "kube-system", "kube-public", "kube-node-lease", "kube-x", "amazon-cloudwatch", "aws-observability"],
)
def test_nothing_of_ours_labels_a_namespace_of_the_system(path: str, name: str) -> None:
    where = path.replace("[]", "[0]")
    told = errors(refusal(**named(path, name)))
    assert f"{name} belongs to" in told[where]
    assert NAMESPACE_OWNERS[path].usual in told[where]


@pytest.mark.parametrize(("mover", "there"), list(itertools.permutations(NAMESPACE_OWNERS, 2)))
def test_nobody_moves_into_the_namespace_of_another(mover: str, there: str) -> None:
    used = USED.get(mover.partition(".")[0], {}) | USED.get(there.partition(".")[0], {})
    sections = {**used, **named(mover, NAMESPACE_OWNERS[there].usual)}
    asked = dict.fromkeys(("models[].namespace", mover, there))
    of_models = {key: value for path in asked for key, value in MODELS.get(path, {}).items()}
    if "models[].namespace" in (mover, there) or of_models:
        moved = {"namespace": NAMESPACE_OWNERS[there].usual} if mover == "models[].namespace" else {}
        sections["models"] = [model(**of_models, **moved)]
        if "backend" in sections and "backend" in of_models:  # one model of each
            sections["models"].append(model(name="other", **moved))
    told = errors(refusal(**sections))
    assert told[mover.replace("[]", "[0]")].startswith(f"{NAMESPACE_OWNERS[there].usual} belongs to ")


def test_what_is_not_installed_owns_nothing() -> None:
    assert planned(monitoring={"enabled": False, "namespace": "kube-system"}, models=[], nodePools=[pool()])
    assert planned(keda={"namespace": "models"}).keda is None
    owned = {**KEDA, "models": [model(namespace="keda-system", autoscaling={"kind": "keda"})]}
    elsewhere = errors(refusal(**owned, keda={"install": False, "namespace": "keda-system"}))
    assert "models[0].namespace" in elsewhere, "a KEDA of the cluster's own must not be labelled either"


def test_an_operator_of_the_clusters_own_lives_where_it_lives() -> None:
    theirs = {"install": False, "namespace": "cert-manager"}
    assert planned(backend="kserve", certManager=theirs, kserve={"install": False}).operators[0].install is False


def test_models_share_a_namespace() -> None:
    plan = planned(models=[model(pool="l4"), model(name="other", pool="l4")], nodePools=[pool(minNodes=2)])
    assert plan.model_namespaces == ("models",)


@pytest.mark.parametrize("name", ["models", "monitoring", "keda", "gpu-operator", "team-a", "kubeflow", "my-aws"])
def test_other_names_are_free(name: str) -> None:
    assert system_owner(name) is None
