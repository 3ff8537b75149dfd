"""Two teams on the real API server and scheduler: what one sees of the other, and who leaves when GPUs are few."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from local.control_plane.cluster import connect
from planning.decide import decide
from settings.read import read
from tests.conftest import REPO
from tests.e2e.cluster import eventually
from tests.e2e.conftest import Platform
from tests.e2e.loading import PREFIX
from tests.e2e.test_metrics import query

pytestmark = pytest.mark.e2e

SEARCH, LAB = "search", "research-lab"
GROUPS = {SEARCH: "search-engineers", LAB: "lab-members"}
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with as many GPUs as both teams have replicas, and nothing that scales."""
    content = yaml.safe_load((REPO / "examples" / "Pulumi.tenants.yaml").read_text())
    settings = content["config"]
    settings[f"{PREFIX}cluster"]["publicAccessCidrs"] = ["192.88.99.1/32"]  # as in Pulumi.local.yaml
    settings[f"{PREFIX}budget"]["notify"]["emails"] = ["platform@team.invalid"]
    settings[f"{PREFIX}nodeAutoscaling"] = {"kind": "none"}
    settings[f"{PREFIX}nodePools"][0] |= {"minNodes": 2, "maxNodes": 2}
    for model in settings[f"{PREFIX}models"]:
        model["autoscaling"] = {"kind": "none", "minReplicas": 1}
        model["drain"] = {"preStopSeconds": 2}
    file = tmp_path_factory.mktemp("tenants") / "Pulumi.local.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.fixture(scope="module")
def core(platform: Platform, stack_file: Path) -> Iterator[Any]:
    platform.run("up", "--stack-file", str(stack_file))
    yield connect(platform.paths.kubeconfig).core
    platform.run("down", "--stack", "local")


def test_cost_by_model_and_team_agrees_with_the_plan(platform: Platform, core: Any, stack_file: Path) -> None:
    """Prometheus' rules over the pods that run, and the plan's sums; the plan has root volumes, too."""
    written = yaml.safe_load(stack_file.read_text())["config"]
    plan = decide(read({key.removeprefix(PREFIX): value for key, value in written.items()}, "local"))
    planned = {model.name: model.min_usd_per_hour for model in plan.cost.models}
    teams = {SEARCH: planned["answers"], "lab": planned["drafts"]}

    def recorded(label: str) -> dict[str, float]:
        answer = query(platform, f"sum by ({label}) (vllm_on_eks:usd_per_hour) > 0")
        return {series["metric"][label]: float(series["value"][1]) for series in answer}

    eventually("a cost of each model", lambda: set(recorded("model")) == set(planned))
    assert recorded("model") == pytest.approx(planned, rel=0.05)
    assert recorded("team") == pytest.approx(teams, rel=0.05)
    assert sum(recorded("pool").values()) == pytest.approx(plan.cost.pools[0].min_usd_per_hour, rel=0.05)


def acting_as(platform: Platform, tenant: str) -> Any:
    """The API as somebody of the tenant's group, by impersonation: the authorizer's own answer."""
    api = config.new_client_from_config(config_file=str(platform.paths.kubeconfig))
    api.set_default_header("Impersonate-User", f"somebody-of-{tenant}")
    api.set_default_header("Impersonate-Group", GROUPS[tenant])
    return client.CoreV1Api(api)


def status_of(call: Any, *arguments: Any) -> int:
    """The HTTP status of a call."""
    try:
        call(*arguments)
    except client.ApiException as refused:
        return int(refused.status)
    return 200


def pod(name: str, **spec: Any) -> dict[str, Any]:
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": name, "image": "registry.k8s.io/pause:3.10", "securityContext": restricted}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


@pytest.mark.parametrize(("who", "other"), [(SEARCH, LAB), (LAB, SEARCH)])
def test_nothing_of_another_tenant_is_seen(platform: Platform, core: Any, who: str, other: str) -> None:
    mine = acting_as(platform, who)
    assert status_of(mine.list_namespaced_pod, who) == 200
    for call in (
        *(mine.list_namespaced_pod, mine.list_namespaced_secret, mine.list_namespaced_endpoints),
        *(mine.list_namespaced_config_map, mine.list_namespaced_service, mine.list_namespaced_event),
    ):
        assert status_of(call, other) == 403, call
    assert status_of(mine.list_pod_for_all_namespaces) == 403
    assert status_of(mine.list_node) == 403
    assert status_of(mine.list_namespaced_secret, "kube-system") == 403


def test_who_looks_reads_no_secret_and_changes_nothing_and_who_operates_does(platform: Platform, core: Any) -> None:
    looking, acting = acting_as(platform, LAB), acting_as(platform, SEARCH)
    assert status_of(looking.list_namespaced_secret, LAB) == 403
    assert status_of(looking.create_namespaced_pod, LAB, pod("mine")) == 403
    assert status_of(acting.list_namespaced_secret, SEARCH) == 200
    assert status_of(acting.create_namespaced_pod, SEARCH, pod("mine", priorityClassName="vllm-critical")) == 200
    try:
        resources = core.read_namespaced_pod("mine", SEARCH).spec.containers[0].resources
        assert resources.requests == {"cpu": "100m", "memory": "128Mi"}, "the LimitRange's"
    finally:
        acting.delete_namespaced_pod("mine", SEARCH, grace_period_seconds=0)
    bigger = {"spec": {"hard": {"requests.nvidia.com/gpu": "99"}}}
    assert status_of(acting.patch_namespaced_resource_quota, "tenant", SEARCH, bigger) == 403


def test_quota_and_priority_are_the_tenants_own(core: Any) -> None:
    def refused(namespace: str, wanted: dict[str, Any]) -> str:
        with pytest.raises(client.ApiException) as error:
            core.create_namespaced_pod(namespace, wanted)
        assert error.value.status == 403
        return str(error.value.body)

    for higher in ("vllm-critical", "system-cluster-critical"):
        assert "tenant-other-priorities" in refused(LAB, pod("pushy", priorityClassName=higher))
    greedy = pod("greedy", priorityClassName="vllm-batch")
    greedy["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "9"}}
    assert "exceeded quota: tenant, requested: requests.nvidia.com/gpu=9" in refused(LAB, greedy)


def test_a_critical_model_takes_the_gpu_of_a_batch_one(platform: Platform, core: Any) -> None:
    """Two GPUs, both in use. The scheduler evicts in the cycle in which the critical pod does not fit."""
    apps = connect(platform.paths.kubeconfig).apps
    (victim,) = core.list_namespaced_pod(LAB).items
    apps.patch_namespaced_deployment_scale("answers", SEARCH, {"spec": {"replicas": 2}})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (apps.read_namespaced_deployment("answers", SEARCH).status.ready_replicas or 0) < 2:
        assert time.monotonic() < deadline, core.list_namespaced_event(SEARCH).items
        time.sleep(0.5)
    (preempted,) = [e for e in core.list_namespaced_event(LAB).items if e.reason == "Preempted"]
    assert preempted.involved_object.name == victim.metadata.name
    waiting = [item for item in core.list_namespaced_pod(LAB).items if item.metadata.deletion_timestamp is None]
    assert [each.status.phase for each in waiting] == ["Pending"], "batch waits, and evicts nobody"
    tried = [e for e in core.list_namespaced_event(SEARCH).items if e.reason == "FailedScheduling"]
    assert sum(e.count or 1 for e in tried) <= 1, "preempted in the first cycle"
    apps.patch_namespaced_deployment_scale("answers", SEARCH, {"spec": {"replicas": 1}})


def test_a_second_up_changes_nothing(platform: Platform, core: Any, stack_file: Path) -> None:
    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(stack_file))
