"""Teams that share a stack: quotas hold their models, groups let in whom they should, nobody shares a place."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from planning.cluster.tenants import need
from planning.model import Severity
from tests.planning.stacks import REACHED, errors, model, planned, pool, refusal, stack

ROOMY = [pool(instanceTypes=["g6.2xlarge"], minNodes=2, maxNodes=8)]


def tenant(**changes: Any) -> dict[str, Any]:
    return {"name": "search", **changes}


def shared(*tenants: dict[str, Any], **models: Any) -> dict[str, Any]:
    """A stack of these tenants with one model in the first one's namespace."""
    place = tenants[0].get("namespace", tenants[0]["name"])
    return {"tenants": list(tenants), "models": [model(namespace=place, **models)], "nodePools": ROOMY}


def warnings(**sections: Any) -> dict[str, str]:
    plan = planned(**sections)
    return {finding.rule: finding.text for finding in plan.findings if finding.severity is Severity.WARNING}


def test_a_tenants_gpus_are_what_its_models_need_and_one_pod_more_of_each() -> None:
    plan = planned(**shared(tenant(), autoscaling={"maxReplicas": 3}))
    (of_search,) = plan.tenants
    served = plan.models[0]
    most = served.autoscaling.max_replicas + served.max_surge
    assert most >= 3
    assert dict(of_search.quota) == {"requests.nvidia.com/gpu": str(most + 1)}


def test_need_counts_rollouts_downloads_and_volumes_and_no_other_namespace() -> None:
    volume = {"kind": "persistentVolume", "storageClass": "efs"}
    plan = planned(
        cluster={**REACHED, "storageClasses": ["efs"]},
        tenants=[tenant()],
        models=[model(namespace="search", cache=volume), model(name="other", namespace="models")],
        nodePools=[pool(minNodes=2, maxNodes=8)],
    )
    least, of_others = need("search", plan.models), need("nowhere", plan.models)
    mine = plan.models[0]
    assert least.pods == 1 + mine.max_surge + 1, "the servers and the Job that downloads"
    assert least.gpus == 1 + mine.max_surge, "the Job has no GPU"
    assert least.storage_mib == mine.cache.size_gib * 1024
    assert (of_others.gpus, of_others.pods, of_others.cpu_millicores, of_others.spare_gpus) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("quota", "path"),
    [
        ({"gpus": 1}, "tenants[0].quota.gpus"),
        ({"cpu": "500m"}, "tenants[0].quota.cpu"),
        ({"memory": "1Gi"}, "tenants[0].quota.memory"),
        ({"pods": 1}, "tenants[0].quota.pods"),
    ],
)
def test_a_quota_that_its_models_do_not_fit_is_refused_with_the_value_that_would(
    quota: dict[str, Any], path: str
) -> None:
    told = errors(refusal(**shared(tenant(quota=quota), autoscaling={"maxReplicas": 3})))
    assert list(told) == [path]
    assert "the API server would refuse their pods; write " in told[path]
    name = path.rsplit(".", 1)[-1]
    fix = told[path].split(f"write {name}: ")[1].split(" or more")[0].strip("'")
    written: Any = int(fix) if name in ("gpus", "pods") else fix
    assert planned(**shared(tenant(quota={name: written}), autoscaling={"maxReplicas": 3})).tenants


def test_all_limits_that_are_too_small_are_told_at_once() -> None:
    told = errors(refusal(**shared(tenant(quota={"gpus": 0, "cpu": "1m", "memory": "1Mi"}))))
    assert sorted(told) == ["tenants[0].quota.cpu", "tenants[0].quota.gpus", "tenants[0].quota.memory"]


def test_a_volume_that_the_quota_does_not_hold_is_refused() -> None:
    volume = {"kind": "persistentVolume", "storageClass": "efs"}
    told = errors(
        refusal(
            cluster={**REACHED, "storageClasses": ["efs"]},
            **shared(tenant(quota={"storage": "1Gi"}), cache=volume),
        )
    )
    assert "tenants[0].quota.storage" in told


def test_models_have_their_tenants_priority_and_others_the_usual_one() -> None:
    plan = planned(
        tenants=[tenant(priority="critical"), tenant(name="lab", namespace="research", priority="batch")],
        models=[model(namespace="search"), model(name="b", namespace="research"), model(name="c")],
        nodePools=ROOMY,
    )
    assert [model.priority for model in plan.models] == ["critical", "batch", "standard"]
    assert plan.model_namespaces == ("models", "research", "search")


def test_a_tenant_without_models_has_its_namespace_and_no_gpu() -> None:
    plan = planned(tenants=[tenant(name="empty")])
    assert "empty" in plan.model_namespaces
    assert dict(plan.tenants[0].quota) == {"requests.nvidia.com/gpu": "0"}


@pytest.mark.parametrize("where", ["monitoring", "gpu-operator", "kube-system"])
def test_a_tenant_does_not_live_with_a_service(where: str) -> None:
    told = errors(refusal(tenants=[tenant(namespace=where)]))
    assert set(told) == {"tenants[0].namespace"}
    by_name = errors(refusal(tenants=[tenant(name=where)]))
    assert set(by_name) == {"tenants[0].name"}


@pytest.mark.parametrize(
    ("tenants", "told"),
    [
        ([tenant(), tenant(namespace="other")], "two tenants are called 'search'"),
        ([tenant(), tenant(name="b", namespace="search")], "two tenants have the namespace 'search'"),
    ],
)
def test_two_tenants_have_two_names_and_two_namespaces(tenants: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        stack(tenants=tenants)


@pytest.mark.parametrize(
    "group", ["system:masters", "system:authenticated", "eks:x", "aws:x", "amazon:x", "iam:x", "", "a b", "x:"]
)
def test_a_group_that_aws_or_kubernetes_keeps_for_itself_is_refused(group: str) -> None:
    with pytest.raises(ValidationError, match=r"not a group that people can be given|at least 1 character"):
        stack(tenants=[tenant(groups=[group])])
    with pytest.raises(ValidationError, match=r"not a group that people can be given|at least 1 character"):
        stack(cluster={"accessEntries": [{"principalArn": "arn:aws:iam::210987654321:role/a", "groups": [group]}]})


def entry(**changes: Any) -> dict[str, Any]:
    return {"principalArn": "arn:aws:iam::210987654321:role/search", "groups": ["people"], **changes}


def test_a_group_without_members_and_one_that_sees_everything_are_told() -> None:
    alone = shared(tenant(groups=["people"]))
    assert "its role is bound to no one" in warnings(**alone)["tenant-group"]
    wide = warnings(**alone, cluster={**REACHED, "accessEntries": [entry()]})
    assert "cluster.accessEntries[0].policy: view" in wide["tenant-isolation"]
    assert "tenant-group" not in wide
    for narrow in ({"policy": "none"}, {"policy": "edit", "namespaces": ["search"]}):
        apart = warnings(**alone, cluster={**REACHED, "accessEntries": [entry(**narrow)]})
        assert not {"tenant-group", "tenant-isolation"} & set(apart)


def test_an_existing_clusters_members_are_not_in_the_stack_file() -> None:
    existing = {"kind": "existing", "name": "theirs"}
    network = {"kind": "existing", "vpcId": "vpc-0a1b2c3d", "privateSubnetIds": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]}
    told = warnings(**shared(tenant(groups=["people"])), cluster=existing, network=network)
    assert "tenant-group" not in told


@pytest.mark.parametrize(
    ("changes", "fix"),
    [({"groups": []}, "write groups: [...]"), ({"namespaces": ["search"]}, "leave namespaces out")],
)
def test_an_entry_that_gives_nothing_is_refused(changes: dict[str, Any], fix: str) -> None:
    cluster = {**REACHED, "accessEntries": [entry(policy="none", **changes)]}
    assert fix in errors(refusal(cluster=cluster))["cluster.accessEntries[0].policy"]
