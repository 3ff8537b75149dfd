"""What holds tenants apart: quota, priorities, role, network; and that it is there before the first pod."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from components.cluster.tenant import (
    SYSTEM_CLASSES,
    Tenant,
    TenantArgs,
    clients_policy,
    limit_range,
    other_priorities,
    quota,
    role,
    role_binding,
)
from planning.model import PRIORITY_CLASSES, TenantPlan
from tests.engine import record
from tests.golden import assert_matches
from tests.program import example, run_program

GOLDEN = Path(__file__).parent / "goldens" / "tenant.yaml"
TENANT = TenantPlan(
    "search", "search", ("engineers",), "operate", "critical", (("requests.nvidia.com/gpu", "3"), ("pods", "40"))
)


def test_all_objects_of_a_tenant() -> None:
    made = [quota(TENANT), other_priorities(TENANT), limit_range(TENANT), clients_policy(TENANT)]
    assert_matches(GOLDEN, yaml.safe_dump_all([*made, role(TENANT), role_binding(TENANT)], sort_keys=False))


@pytest.mark.parametrize("access", ["view", "operate"])
def test_no_role_reaches_what_holds_tenants_apart(access: str) -> None:
    writes: set[str] = set()
    for rule in role(replace(TENANT, access=access))["rules"]:
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        if {"create", "update", "patch", "delete"} & set(rule["verbs"]):
            writes |= set(rule["resources"])
    held = {"resourcequotas", "limitranges", "roles", "rolebindings", "networkpolicies", "serviceaccounts"}
    assert not held & writes
    assert ("pods" in writes) == (access == "operate")


def test_who_may_look_sees_no_secret() -> None:
    seen = {resource for rule in role(replace(TENANT, access="view"))["rules"] for resource in rule["resources"]}
    assert "pods/log" in seen
    assert "secrets" not in seen


@pytest.mark.parametrize("priority", sorted(PRIORITY_CLASSES))
def test_pods_of_any_other_priority_are_refused(priority: str) -> None:
    (scope,) = other_priorities(replace(TENANT, priority=priority))["spec"]["scopeSelector"]["matchExpressions"]
    assert set(scope["values"]) == {*PRIORITY_CLASSES.values(), *SYSTEM_CLASSES} - {PRIORITY_CLASSES[priority]}


def test_a_tenant_without_groups_has_no_role() -> None:
    engine = record(lambda: Tenant("t", TenantArgs(replace(TENANT, groups=()), "search")))
    assert not engine.all("kubernetes:rbac.authorization.k8s.io/v1:Role")
    assert not engine.all("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
    assert len(engine.all("kubernetes:core/v1:ResourceQuota")) == 2


def test_limits_are_there_before_the_first_server_and_entries_carry_the_groups() -> None:
    engine = run_program(example("tenants"), "dev")
    servers = {made.name: made for made in engine.all("kubernetes:apps/v1:Deployment")}
    assert "search-quota" in servers["answers-deployment"].dependency_names
    assert "lab-quota" in servers["drafts-deployment"].dependency_names
    classes = {name: made.inputs["spec"]["template"]["spec"]["priorityClassName"] for name, made in servers.items()}
    assert classes == {"answers-deployment": "vllm-critical", "drafts-deployment": "vllm-batch"}
    groups = [made.inputs.get("kubernetesGroups") for made in engine.all("aws:eks/accessEntry:AccessEntry")]
    assert sorted(its for its in groups if its) == [["lab-members"], ["search-engineers"]]
    associated = [made.name for made in engine.all("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")]
    assert not [name for name in associated if "search-engineers" in name or "lab-members" in name]
    bound = {
        made.inputs["metadata"]["namespace"]: [subject["name"] for subject in made.inputs["subjects"]]
        for made in engine.all("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
    }
    assert bound == {"search": ["search-engineers"], "research-lab": ["lab-members"]}


def test_a_stack_without_tenants_registers_none_of_it() -> None:
    sections = {key: value for key, value in example("tenants").items() if key != "tenants"}
    engine = run_program(sections, "dev")
    assert not engine.all("kubernetes:core/v1:ResourceQuota")
    (only,) = engine.all("kubernetes:scheduling.k8s.io/v1:PriorityClass")
    assert only.inputs["metadata"]["name"] == "vllm-model"
