from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from planning.model import PlanRefused, Severity
from planning.plan import plan
from planning.serving.stages import is_production
from tests.golden import as_yaml, assert_matches
from tests.planning.stacks import LLAMA, QWEN, errors, model, plain, planned, pool, refusal, rules, stack

GOLDENS = Path(__file__).parent / "goldens"
TOKEN = {"kind": "pulumiConfig"}

PRODUCTION: dict[str, Any] = {
    "region": "eu-central-1",
    "cluster": {
        "version": "1.35",
        "endpointAccess": "publicAndPrivate",
        "publicAccessCidrs": ["203.0.113.0/24"],
        "accessEntries": [{"principalArn": "arn:aws:iam::123456789012:role/ops", "policy": "clusterAdmin"}],
        "protect": True,
        "storageClasses": ["efs-sc"],
    },
    "network": {"zones": ["eu-central-1a", "eu-central-1b", "eu-central-1c"], "natGateways": "perZone"},
    "registry": {"mirror": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mirror"},
    "nodePools": [
        {
            "name": "a10g",
            "instanceTypes": ["g5.12xlarge"],
            "minNodes": 2,
            "maxNodes": 4,
            "diskGib": 300,
            "amiReleaseVersion": "1.35.2-20261101",
            "taints": [{"key": "team", "value": "search"}],
        },
        {"name": "l4", "instanceTypes": ["g6.xlarge", "g6.2xlarge"], "minNodes": 3, "maxNodes": 6},
    ],
    "models": [
        {
            "name": "large",
            "source": "hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4",
            "revision": "2123003760781134cfc31124aa6560a45b491fdf",
            "pool": "a10g",
            "quantization": "awq",
            "tensorParallel": 4,
            "cache": {"kind": "persistentVolume", "storageClass": "efs-sc"},
            "autoscaling": {"minReplicas": 2, "maxReplicas": 2},
            "image": {"digest": "sha256:" + "1" * 64},
        },
        {
            "name": "small",
            "source": LLAMA,
            "revision": "0e9e39f249a16976918f6564b8830bc894c89659",
            "servedName": "small",
            "pool": "l4",
            "quantization": "fp8",
            "kvCacheDtype": "fp8",
            "maxModelLen": 32768,
            "tokenSecret": {"kind": "pulumiConfig"},
            "clientNamespaces": ["web"],
            "autoscaling": {"minReplicas": 2, "maxReplicas": 6, "metrics": [{"kind": "queueDepth", "target": 8}]},
            "image": {"digest": "sha256:" + "1" * 64},
        },
    ],
    "tags": {"cost-center": "4711"},
}
WRONG: dict[str, Any] = {
    "cluster": {"version": "1.34"},
    "gpuOperator": {"driver": True},
    "network": {"zones": ["us-east-1a", "us-west-2b"]},
    "nodePools": [
        {"name": "a", "instanceTypes": ["g6.xlarg"]},
        {"name": "b", "instanceTypes": ["g6.xlarge"], "minNodes": 1},
        {"name": "c", "instanceTypes": ["g5.xlarge", "g6.xlarge"]},
    ],
    "models": [
        model(name="m0", source=LLAMA, maxModelLen=131072, pool="b"),
        model(name="m1", pool="bb", autoscaling={"minReplicas": 0}),
        model(name="m2", pool="b", drain={"gracePeriodSeconds": 20}, extraArgs=["--max-model-len=9"]),
        model(name="m3", namespace="monitoring"),
        model(name="m4", pool="b", tensorParallel=8),
        model(name="m5", pool="b", resources={"memory": "64Gi"}, quantization="awq"),
    ],
}


def test_the_plan_of_a_small_stack() -> None:
    assert_matches(GOLDENS / "dev.yaml", as_yaml(plain(planned("dev"))))


def test_the_plan_of_a_production_stack() -> None:
    assert_matches(GOLDENS / "prod.yaml", as_yaml(plain(plan(stack(**PRODUCTION), "prod"))))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(PlanRefused) as refused:
        plan(stack(**WRONG), "dev")
    assert_matches(GOLDENS / "refusal.txt", str(refused.value) + "\n")
    assert len(errors(refused.value.findings)) >= 12


def test_every_finding_has_a_path_a_rule_and_a_sentence() -> None:
    for finding in (*refusal(**WRONG), *plan(stack(**PRODUCTION), "prod").findings):
        assert finding.path
        assert finding.rule
        assert len(finding.text) > 20


def test_a_plan_is_the_same_every_time() -> None:
    assert plan(stack(**PRODUCTION), "prod") == plan(stack(**PRODUCTION), "prod")


def test_no_prose_of_a_plan_carries_a_token() -> None:
    # Settings name secrets and never hold them; the plan repeats the name.
    served = planned(models=[model(source=LLAMA, tokenSecret={"kind": "pulumiConfig", "key": "myToken"})]).models[0]
    assert served.token is not None
    assert (served.token.secret_name, served.token.secret_key, served.token.config_key) == (
        "chat-hf-token",
        "token",
        "myToken",
    )
    assert not any("TOKEN" in name for name in served.env)


def test_a_secret_that_exists_is_referred_to() -> None:
    secret = {"kind": "kubernetesSecret", "name": "hub", "key": "pw"}
    served = planned(models=[model(tokenSecret=secret)]).models[0]
    assert served.token is not None
    assert (served.token.secret_name, served.token.secret_key, served.token.config_key) == ("hub", "pw", None)


def test_a_gated_model_without_token_names_the_command() -> None:
    message = errors(refusal("staging", models=[model(source=LLAMA)]))["models[0].tokenSecret"]
    assert "`pulumi config set --secret vllm-on-eks:hfToken --stack staging`" in message


def test_a_pool_is_found_by_name_or_is_the_only_one() -> None:
    two = [pool(), pool(name="a10g", instanceTypes=["g5.xlarge"])]
    assert planned().models[0].pool == "l4"
    assert planned(nodePools=two, models=[model(pool="a10g")]).models[0].node_selector == {"vllm-on-eks/pool": "a10g"}
    assert "write one of l4, a10g" in errors(refusal(nodePools=two))["models[0].pool"]
    assert "did you mean a10g?" in errors(refusal(nodePools=two, models=[model(pool="a10")]))["models[0].pool"]
    assert "write nodePools: [" in errors(refusal(nodePools=[]))["nodePools"]


def test_a_model_on_a_broken_pool_is_not_judged_by_it() -> None:
    refused = errors(refusal(nodePools=[pool(instanceTypes=["g6.xlarg"])]))
    assert set(refused) == {"nodePools[0].instanceTypes[0]"}


def test_an_image_without_digest_is_told_once() -> None:
    plan_ = planned(nodePools=[pool(minNodes=2)], models=[model(name="a"), model(name="b")])
    assert [finding.path for finding in plan_.findings if finding.rule == "image-digest"] == ["models[0].image.digest"]
    pinned = planned(models=[model(image={"digest": "sha256:" + "0" * 64})])
    assert pinned.models[0].image == f"vllm/vllm-openai:v0.33.0@sha256:{'0' * 64}"
    assert "image-digest" not in rules(pinned.findings, Severity.WARNING)


def test_servers_are_offline_and_tell_nobody_and_paths_are_the_backends_business() -> None:
    env = planned().models[0].env
    assert env["HF_HUB_OFFLINE"] == "1"
    assert env["VLLM_NO_USAGE_STATS"] == "1"
    assert [name for name, value in env.items() if value.startswith("/")] == []


@pytest.mark.parametrize(
    ("name", "production"),
    [("prod", True), ("eu-prod-2", True), ("production", True), ("live", True), ("dev", False), ("product-x", False)],
)
def test_a_stack_tells_by_its_name_whether_people_depend_on_it(name: str, production: bool) -> None:
    assert is_production(name) is production


def test_a_stack_without_models_is_a_cluster() -> None:
    bare = planned(nodePools=[], models=[])
    assert bare.models == ()
    assert bare.gpu_pools == ()
    assert bare.findings == ()


@given(
    instance=some.sampled_from(["g6.xlarge", "g5.12xlarge", "g4dn.xlarge", "p5.48xlarge", "m7i.large", "g6.nano"]),
    source=some.sampled_from([QWEN, LLAMA, "openai/gpt-oss-20b", "nobody/x-3B", "Qwen/Qwen2.5-7B-Instruct-AWQ"]),
    quantization=some.sampled_from(["none", "fp8", "awq", "int8", "mxfp4"]),
    tensor=some.integers(1, 16),
    length=some.integers(1, 2_000_000),
    low=some.integers(0, 5),
    more=some.integers(0, 5),
)
def test_any_stack_is_planned_or_refused_in_words(
    instance: str, source: str, quantization: str, tensor: int, length: int, low: int, more: int
) -> None:
    served = model(
        source=source,
        quantization=quantization,
        tensorParallel=tensor,
        maxModelLen=length,
        tokenSecret=TOKEN,
        autoscaling={"minReplicas": low, "maxReplicas": max(1, low + more)},
    )
    settings = stack(nodePools=[pool(instanceTypes=[instance], minNodes=3, diskGib=500)], models=[served])
    told: dict[str, str] = {}
    try:
        stack_plan = plan(settings, "dev")
    except PlanRefused as refused:
        told = errors(refused.findings)
    else:
        assert stack_plan.cost.max_usd_per_hour >= stack_plan.cost.min_usd_per_hour > 0
        # A shorter context never stops fitting.
        shorter = {**served, "maxModelLen": length // 2 or 1}
        pools = [pool(instanceTypes=[instance], minNodes=3, diskGib=500)]
        assert plan(stack(nodePools=pools, models=[shorter]), "dev").models
        return
    assert told
