"""ECR's rules and the nodes' rights on them, as a program registers them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine import Engine
from tests.program import OWN, example, run_program

RULE = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The record of the example with a cache, which nothing here changes."""
    return run_program(example("efs"), "efs")


def policies(engine: Any) -> list[dict[str, Any]]:
    """Documents of roles' own policies that speak of ECR."""
    documents = [json.loads(policy.inputs["policy"]) for policy in engine.all(ROLE_POLICY)]
    return [document for document in documents if "ecr:" in json.dumps(document)]


def test_a_rule_for_each_upstream_and_the_nodes_may_have_repositories_made_below_them_only(engine: Engine) -> None:
    rules = {rule.inputs["ecrRepositoryPrefix"]: rule.inputs["upstreamRegistryUrl"] for rule in engine.all(RULE)}
    assert rules == {
        "efs/ecr-public": "public.ecr.aws", "efs/quay": "quay.io", "efs/kubernetes": "registry.k8s.io",
    }  # fmt: skip
    assert not any("credentialArn" in rule.inputs for rule in engine.all(RULE))
    (document,) = policies(engine)
    (account,) = OWN.values()
    place = f"arn:aws:ecr:us-east-1:{account}:repository/efs"
    assert document["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["ecr:CreateRepository"],
            "Resource": [f"{place}/{name}/*" for name in ("ecr-public", "quay", "kubernetes")],
        }
    ]


def test_a_stack_without_a_cache_has_neither_rules_nor_rights() -> None:
    engine = run_program(example("tracing"), "tracing")
    assert engine.all(RULE) == []
    assert policies(engine) == []


def test_nothing_inside_the_cluster_is_made_before_the_rules_its_images_come_by(engine: Engine) -> None:
    """A pull below a prefix without its rule finds nothing; and a rule goes after the last pod that may pull."""
    rules = {rule.name for rule in engine.all(RULE)}
    provider = engine.named("kubernetes", "pulumi:providers:kubernetes")
    assert rules
    assert rules <= provider.dependency_names
