"""The tables of backends are whole, and the plan refuses by them."""

from __future__ import annotations

from datetime import date

import pytest

from planning.backends.document import DOCUMENT, document
from planning.backends.features import FEATURES, OF_THE_PROJECTS, check_features
from planning.backends.table import NO, YES, Cell, backends, features, operators, rendered
from planning.findings import Findings
from settings.models import Model
from tests.conftest import REPO
from tests.planning.stacks import QWEN, REVISION, errors, model, planned, pool, refusal

REFUSED = Cell(NO, "its pods are not ours", "test", "2026-11-27")


def test_every_backend_has_every_cell_with_source_and_day() -> None:
    for feature in FEATURES:
        assert set(features()[feature.name]) == set(rendered()), feature.name
    for name in OF_THE_PROJECTS:
        assert set(features()[name]) == set(backends()), name
    assert set(features()) == {feature.name for feature in FEATURES} | set(OF_THE_PROJECTS)
    for cells in features().values():
        for cell in cells.values():
            assert cell.does in (YES, NO, "theirs", "none")
            assert cell.source
            assert date.fromisoformat(cell.date) <= date(2026, 11, 27)


def test_rendered_backends_name_operators_and_deployments() -> None:
    for row in backends().values():
        assert set(row.operators) <= set(operators())
        assert (row.deployment != "") == row.rendered


def test_the_page_says_what_the_tables_say() -> None:
    assert (REPO / DOCUMENT).read_text(encoding="utf-8") == document(), "run: make document"
    for name in rendered():
        assert name == "deployment" or (REPO / "docs/backends" / f"{name}.md").exists()


ASKING = {
    "tensor-parallel": {"tensorParallel": 2},
    "lora": {"loraAdapters": [{"name": "sql", "source": "a/b", "revision": REVISION, "rank": 8}]},
    "draft-model": {"draftModel": {"source": "a/c", "revision": REVISION, "numSpeculativeTokens": 3}},
    "chat-template": {"chatTemplate": "{{ messages }}"},
    "extra-args": {"extraArgs": ["--seed=1"]},
    "own-image": {"image": {"repository": "registry.example/vllm"}},
    "volume-cache": {"cache": {"kind": "persistentVolume", "storageClass": "efs"}},
    "token": {"tokenSecret": {"kind": "pulumiConfig"}},
    "hpa": {"autoscaling": {"kind": "hpa"}},
    "keda": {"autoscaling": {"kind": "keda"}},
    "fixed": {"autoscaling": {"kind": "none"}},
    "schedules": {
        "autoscaling": {"kind": "keda", "schedules": [{"start": "0 8 * * *", "end": "0 9 * * *", "minReplicas": 1}]}
    },
    "router": {"router": {"logic": "roundRobin"}},
    "zero": {"autoscaling": {"kind": "keda", "minReplicas": 0, "wake": {"query": "sum(x)"}}},
}


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: str(feature.name))
def test_who_asks_for_what_a_backend_does_not_do_is_told_who_does(feature: object) -> None:
    name, setting = feature.name, feature.setting  # type: ignore[attr-defined]
    table = {key: dict(cells) for key, cells in features().items()}
    table[name]["kserve"] = REFUSED
    asked = Model.model_validate({"name": "chat", "source": QWEN, "revision": REVISION, **ASKING[name]})
    findings = Findings()
    check_features(asked, "kserve", "models[3]", table, findings)
    told = errors(findings.all())
    does = [other for other in rendered() if table[name][other].does == YES]
    assert does
    assert f"its pods are not ours; these do: {', '.join(does)}" in told[f"models[3].{setting}"]
    for other in does:
        silent = Findings()
        check_features(asked, other, "models[3]", table, silent)
        assert silent.all() == ()


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: str(feature.name))
def test_who_does_not_ask_is_not_refused(feature: object) -> None:
    name = feature.name  # type: ignore[attr-defined]
    table = {key: dict(cells) for key, cells in features().items()}
    table[name]["kserve"] = REFUSED
    other = {"autoscaling": {"kind": "none"}} if name in ("hpa", "keda", "schedules", "zero") else {}
    other = other or ({"autoscaling": {"kind": "hpa"}} if name == "fixed" else {})
    silent = Findings()
    check_features(
        Model.model_validate({"name": "chat", "source": QWEN, "revision": REVISION, **other}),
        "kserve", "models[0]", table, silent,
    )  # fmt: skip
    assert silent.all() == ()


def test_a_router_is_refused_where_there_is_none_and_planned_where_there_is() -> None:
    asked = model(router={"replicas": 3, "logic": "roundRobin"})
    told = errors(refusal(models=[asked]))["models[0].router"]
    assert "backend deployment does not do a router in front of the replicas" in told
    assert "these do: production-stack" in told
    (served,) = planned(models=[asked], backend="production-stack", systemNodes={"minNodes": 3}).models
    assert served.router is not None
    assert (served.router.replicas, served.router.logic) == (3, "roundrobin")
    mirror = "registry.example/mirror"
    (mirrored,) = planned(
        models=[model()], backend="production-stack", systemNodes={"minNodes": 3}, registry={"mirror": mirror}
    ).models
    assert mirrored.router is not None
    assert mirrored.router.repository == f"{mirror}/lmcache/lmstack-router"
    assert mirrored.router.chart.chart == f"oci://{mirror}/charts/vllm-stack"
    assert planned().models[0].router is None


def test_routers_take_room_on_the_nodes_without_gpu() -> None:
    few = {"backend": "production-stack", "systemNodes": {"minNodes": 2, "maxNodes": 2, "instanceTypes": ["m7i.large"]}}
    told = errors(refusal(models=[model(router={"replicas": 20})], **few))
    assert "some stay Pending" in told["systemNodes.instanceTypes"]


def test_a_models_own_word_goes_before_the_stacks() -> None:
    plan = planned(
        backend="kserve",
        models=[model(), model(name="other", backend="deployment")],
        nodePools=[pool(minNodes=2)],
        systemNodes={"minNodes": 3},
    )
    assert [each.backend for each in plan.models] == ["kserve", "deployment"]
    assert [each.deployment_name for each in plan.models] == ["chat-predictor", "other"]
    assert [each.name for each in plan.operators] == ["cert-manager", "kserve"]
    assert all(each.install for each in plan.operators)


def test_operators_are_there_only_while_a_model_needs_them() -> None:
    assert planned().operators == ()
    assert planned(kserve={"namespace": "serving"}, models=[]).operators == ()


def test_alerts_and_gpu_metrics_go_by_the_pods_that_the_backend_makes() -> None:
    scaling = {"metrics": [{"kind": "gpuUtilization", "target": 80}], "maxReplicas": 1}
    plan = planned(backend="kserve", models=[model(autoscaling=scaling)], systemNodes={"minNodes": 3})
    (chat,) = plan.models
    rules = {alert.name: alert.expr for group in chat.alert_groups for alert in group.alerts}
    assert 'deployment="chat-predictor"' in rules["VllmUnavailable"]
    assert 'pod=~"chat-predictor-' in rules["VllmModelNotReady"]
    assert 'exported_pod=~"chat-predictor-' in chat.autoscaling.recordings[0].expr
    assert 'job="models/chat"' in rules["VllmQueueTooLong"], "our PodMonitor's name, whatever made the pods"
