"""The tables of backends are whole, and the plan refuses by them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from planning.backends.document import DOCUMENT, document
from planning.backends.features import FEATURES, OF_THE_PROJECTS, check_features
from planning.backends.table import NO, YES, Cell, backends, features, operators, rendered
from planning.facts import rows
from planning.findings import Findings
from planning.versions import pins
from planning.versions.images import stack_images
from settings.backends import GatewayController
from settings.models import Model
from settings.read import read
from tests.conftest import REPO
from tests.planning.stacks import QWEN, REVISION, errors, model, planned, pool, refusal

VOLUME = {"kind": "persistentVolume", "storageClass": "efs"}
KUBEAI_NODES: dict[str, Any] = {
    "nodePools": [pool(minNodes=2, maxNodes=4)],
    "systemNodes": {"minNodes": 3},
    "cluster": {"storageClasses": ["efs"]},
}


def kubeai_model(**written: Any) -> dict[str, Any]:
    """One on a volume, as this backend has it."""
    return model(
        **{"backend": "kubeai", "cache": VOLUME, "autoscaling": {"minReplicas": 0, "maxReplicas": 2}, **written}
    )


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
            assert date.fromisoformat(cell.date) <= date(2026, 11, 28)


def test_rendered_backends_name_operators_and_deployments() -> None:
    for row in backends().values():
        assert set(row.operators) <= set(operators())
        assert (row.pods != "") == (row.metrics_port != "") == (row.engine in pins.ENGINES) == row.rendered
        assert row.pods.startswith(f"{row.deployment}-<hash>") or not row.deployment


def test_the_page_says_what_the_tables_say() -> None:
    assert (REPO / DOCUMENT).read_text(encoding="utf-8") == document(), "run: make document"
    for name in rendered():
        assert name == "deployment" or (REPO / "docs/backends" / f"{name}.md").exists()


def test_a_project_without_maintainers_is_marked() -> None:
    assert backends()["kubeai"].state.startswith("unmaintained")


def test_a_model_on_a_backend_that_nobody_mends_is_warned_of_once() -> None:
    plan = planned(models=[kubeai_model(), kubeai_model(name="other")], **KUBEAI_NODES)
    (told,) = [each for each in plan.findings if each.rule == "backend-unmaintained"]
    assert told.path == "models[0].backend"
    assert "no commit since 2025-07-06" in told.message
    assert [each for each in planned().findings if each.rule == "backend-unmaintained"] == []


def test_a_backend_that_is_none_is_refused_with_those_there_are() -> None:
    assert {each.rendered for each in backends().values()} == {True}, "all seven of the issue"
    (told,) = read({"backend": "dynamo", "models": [model()], "nodePools": [pool()]}, "dev").problems
    assert str(told).startswith("backend: 'dynamo' is none of ")
    assert all(each in str(told) for each in rendered())


ASKING = {
    "tensor-parallel": {"tensorParallel": 2},
    "pipeline-parallel": {"pipelineParallel": 2},
    "multi-node": {"nodes": 2, "pipelineParallel": 2},
    "lora": {"loraAdapters": [{"name": "sql", "source": "a/b", "revision": REVISION, "rank": 8}]},
    "draft-model": {"draftModel": {"source": "a/c", "revision": REVISION, "numSpeculativeTokens": 3}},
    "chat-template": {"chatTemplate": "{{ messages }}"},
    "extra-args": {"extraArgs": ["--seed=1"]},
    "served-name": {"servedName": "another"},
    "secret-env": {"secretEnv": {"API_KEY": {"name": "keys", "key": "api"}}},
    "own-image": {"image": {"repository": "registry.example/vllm"}},
    "volume-cache": {"cache": {"kind": "persistentVolume", "storageClass": "efs"}},
    "efs-cache": {"cache": {"kind": "efs"}},
    "compile-cache": {"compileCache": "efs"},
    "warm-up": {"warmUp": True},
    "pod-cache": {"cache": {"kind": "emptyDir"}},
    "other-source": {"source": "s3://acme-weights/qwen", "revision": None},
    "token": {"tokenSecret": {"kind": "pulumiConfig"}},
    "hpa": {"autoscaling": {"kind": "hpa"}},
    "keda": {"autoscaling": {"kind": "keda"}},
    "fixed": {"autoscaling": {"kind": "none"}},
    "own-scaler": {"autoscaling": {"kind": "backend"}},
    "schedules": {
        "autoscaling": {"kind": "keda", "schedules": [{"start": "0 8 * * *", "end": "0 9 * * *", "minReplicas": 1}]}
    },
    "canary": {"rollout": {"kind": "canary"}},
    "router": {"router": {"logic": "roundRobin"}},
    "zero": {"autoscaling": {"kind": "keda", "minReplicas": 0, "wake": {"query": "sum(x)"}}},
    "session": {"sessionHeader": "x-user"},
    "drain": {"drain": {"preStopSeconds": 20}},
}


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: str(feature.name))
def test_who_asks_for_what_a_backend_does_not_do_is_told_who_does(feature: object) -> None:
    name, setting = feature.name, feature.setting  # type: ignore[attr-defined]
    table = {key: dict(cells) for key, cells in features().items()}
    table[name]["kserve"] = REFUSED
    # Nobody scales it, or a backend with an autoscaler of its own had a reason of its own to refuse it.
    written = {"autoscaling": {"kind": "none"}, "cache": ASKING["volume-cache"]["cache"], **ASKING[name]}
    asked = Model.model_validate({"name": "chat", "source": QWEN, "revision": REVISION, **written})
    findings = Findings()
    check_features(asked, "kserve", "models[3]", table, findings)
    told = errors(findings.all())
    does = [other for other in rendered() if table[name][other].does == YES]
    assert does
    assert f"its pods are not ours; these do: {', '.join(does)}" in told[f"models[3].{setting}"]
    for other in does:
        silent = Findings()
        check_features(asked, other, "models[3]", table, silent)
        assert f"models[3].{setting}" not in errors(silent.all())


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: str(feature.name))
def test_who_does_not_ask_is_not_refused(feature: object) -> None:
    name = feature.name  # type: ignore[attr-defined]
    table = {key: dict(cells) for key, cells in features().items()}
    table[name]["kserve"] = REFUSED
    other = {"autoscaling": {"kind": "none"}} if name in ("hpa", "keda", "own-scaler", "schedules", "zero") else {}
    other = other or ({"autoscaling": {"kind": "hpa"}} if name == "fixed" else {})
    other = other or (ASKING["volume-cache"] if name == "pod-cache" else {})
    silent = Findings()
    check_features(
        Model.model_validate({"name": "chat", "source": QWEN, "revision": REVISION, **other}),
        "kserve", "models[0]", table, silent,
    )  # fmt: skip
    assert silent.all() == ()


def test_a_router_is_refused_where_there_is_none_and_planned_where_there_is() -> None:
    asked = model(router={"replicas": 3, "logic": "roundRobin"})
    message = errors(refusal(models=[asked]))["models[0].router"]
    assert "backend deployment does not do a router in front of the replicas" in message
    assert "these do: production-stack" in message
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
    assert [model.backend for model in plan.models] == ["kserve", "deployment"]
    assert [model.deployment_name for model in plan.models] == ["chat-predictor", "other"]
    assert [operator.name for operator in plan.operators] == ["cert-manager", "kserve"]
    assert all(operator.install for operator in plan.operators)


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


def test_who_names_no_kind_of_autoscaling_means_that_of_the_backend() -> None:
    for section in ({"backend": "ray"}, {}):
        asked = model(**({} if section else {"backend": "ray"}), autoscaling={"minReplicas": 1, "maxReplicas": 2})
        (served,) = planned(
            models=[asked], systemNodes={"minNodes": 3, "instanceTypes": ["m7i.xlarge"]}, **section
        ).models
        assert (served.backend, served.autoscaling.kind.value) == ("ray", "backend")
        assert served.autoscaling.recordings == ()
    assert planned().models[0].autoscaling.kind.value == "hpa"
    for kind in ("hpa", "keda"):
        told = errors(refusal(models=[model(backend="ray", autoscaling={"kind": kind})]))
        assert "these do: deployment, kserve, llm-d, production-stack" in told["models[0].autoscaling.kind"]
    told = errors(refusal(models=[model(autoscaling={"kind": "backend"})]))
    assert "these do: ray" in told["models[0].autoscaling.kind"]


def test_what_only_another_kind_of_autoscaling_has_is_refused_by_its_path() -> None:
    problems = [
        str(problem)
        for problem in read(
            {
                "backend": "ray",
                "models": [model(autoscaling={"metrics": [{"kind": "inFlight"}]})],
                "nodePools": [pool()],
            },
            "dev",
        ).problems
    ]
    assert len(problems) == 1
    assert problems[0].startswith("models[0].autoscaling.metrics: kind backend has no such key")


def test_the_plan_of_a_model_on_ray_is_that_of_the_vllm_in_rays_image() -> None:
    asked = model(backend="ray", autoscaling={"kind": "none"})
    nodes = {"minNodes": 3, "instanceTypes": ["m7i.xlarge"]}
    (served,) = planned(models=[asked], systemNodes=nodes, kuberay={"namespace": "rays"}).models
    assert served.image == f"{pins.RAY_LLM.repository}:{pins.RAY_LLM.tag}"
    assert (served.vllm_version, served.user_id, served.group_id) == ("0.22.0", 1000, 100)
    assert served.ray is not None
    assert (served.ray.version, served.ray.operator_namespace, served.ray.redis) == ("2.56.0", "rays", None)
    for image in ({"tag": "v0.33.0-cu129"}, {"repository": "registry.example/vllm"}):
        assert "models[0].image.repository" in errors(refusal(models=[{**asked, "image": image}], systemNodes=nodes))
    (kept,) = planned(models=[{**asked, "image": {"digest": "sha256:" + "ab" * 32}}], systemNodes=nodes).models
    assert kept.image.endswith("@sha256:" + "ab" * 32)


def test_replicas_behind_a_head_without_redis_are_warned_of() -> None:
    asked = model(backend="ray", autoscaling={"minReplicas": 2, "maxReplicas": 2})
    sections = {
        "models": [asked],
        "nodePools": [pool(minNodes=2, maxNodes=3)],
        "systemNodes": {"minNodes": 3, "instanceTypes": ["m7i.xlarge"]},
    }
    assert [finding.path for finding in planned(**sections).findings if finding.rule == "ray-head"] == [
        "models[0].autoscaling.minReplicas"
    ]
    redis = {"redis": {"address": "redis.example:6379", "password": {"name": "redis", "key": "password"}}}
    plan = planned(**sections, kuberay=redis)
    assert [finding for finding in plan.findings if finding.rule == "ray-head"] == []
    ray = plan.models[0].ray
    assert ray is not None
    assert ray.redis == "redis.example:6379"
    assert ray.redis_password is not None


def test_a_head_takes_room_on_the_nodes_without_gpu() -> None:
    few = {"minNodes": 1, "maxNodes": 1, "instanceTypes": ["m7i.large"]}
    told = errors(refusal(models=[model(backend="ray")], systemNodes=few))
    assert "systemNodes.instanceTypes" in told


INFERENCE = {"name": "inference", "namespace": "gateways", "controller": "agentgateway"}


def llm_d(**gateway: str) -> dict[str, Any]:
    """A stack with one model behind a gateway of the cluster's."""
    nodes = {"minNodes": 3, "instanceTypes": ["m7i.xlarge"]}
    return {
        "models": [model(backend="llm-d")],
        "systemNodes": nodes,
        "llmD": {"gateway": {**INFERENCE, **gateway}},
    }


def test_a_model_on_llm_d_has_a_picker_and_the_gateways_proxies_among_its_clients() -> None:
    plan = planned(**llm_d())
    (served,) = plan.models
    assert served.picker is not None
    assert served.picker.image == f"{pins.ENDPOINT_PICKER.repository}:{pins.ENDPOINT_PICKER.tag}"
    assert (served.picker.gateway, served.picker.gateway_namespace) == ("inference", "gateways")
    assert "gateways" in served.client_namespaces
    assert served.picker.failure_mode == "FailOpen"
    assert [finding for finding in plan.findings if finding.rule == "inference-gateway"] == []
    assert served.picker.image in {use.image for use in stack_images(plan)}
    (mirrored,) = planned(**llm_d(), registry={"mirror": "registry.example/mirror"}).models
    assert mirrored.picker is not None
    assert mirrored.picker.image.startswith("registry.example/mirror/")
    beside = planned(
        **{**llm_d(), "models": [model(backend="llm-d"), model(name="other")], "nodePools": [pool(minNodes=2)]}
    )
    assert [model.picker is None for model in beside.models] == [False, True]
    assert "gateways" not in beside.models[1].client_namespaces


def test_a_model_on_llm_d_without_a_gateway_that_serves_pools_is_refused() -> None:
    told = errors(refusal(**{**llm_d(), "llmD": {}}))
    assert "none is named" in told["llmD.gateway"]
    told = errors(refusal(**llm_d(controller="envoyGateway")))
    assert "Envoy Gateway does not serve InferencePools" in told["llmD.gateway.controller"]
    assert "these do: istio, kgateway, agentgateway, envoyAiGateway" in told["llmD.gateway.controller"]
    assert planned(llmD={"gateway": {**INFERENCE, "controller": "envoyGateway"}}).models[0].picker is None


def test_what_a_controller_needs_that_no_stack_makes_is_warned_of() -> None:
    (told,) = [
        finding for finding in planned(**llm_d(controller="istio")).findings if finding.rule == "inference-gateway"
    ]
    assert told.path == "llmD.gateway.controller"
    assert "DestinationRule for the Service <model>-picker" in told.message
    gateway = {"kind": "gatewayApi", "host": "llm.example.com", "certificate": {"kind": "secret", "name": "tls"}}
    both = planned(**llm_d(), gateway=gateway).findings
    assert [each.path for each in both if each.rule == "picker-passed-by"] == ["gateway"]


def test_every_controller_has_its_row_with_source_and_day() -> None:
    table = rows("inference_gateways.csv")
    assert [row["controller"] for row in table] == [each.value for each in GatewayController]
    for row in table:
        assert row["serves"] in (YES, NO)
        assert row["source"]
        assert row["serves"] == YES or row["needs"], "why not"
        assert date.fromisoformat(row["date"]) <= date(2026, 11, 28)


def test_a_picker_takes_room_on_the_nodes_without_gpu() -> None:
    few = {"minNodes": 1, "maxNodes": 1, "instanceTypes": ["m7i.large"]}
    told = errors(refusal(**{**llm_d(), "systemNodes": few}))
    assert "systemNodes.instanceTypes" in told


def test_what_kubeai_is_told_is_what_the_most_careful_of_its_models_needs() -> None:
    """The chart has one place for all models: the longest mean and drain, the fewest pods more."""
    slow = {"minReplicas": 0, "maxReplicas": 1, "scaleUpDelaySeconds": 90}
    plan = planned(models=[kubeai_model(), kubeai_model(name="other", autoscaling=slow)], **KUBEAI_NODES)
    (operator,) = plan.operators
    assert (operator.name, operator.namespace, operator.install) == ("kubeai", "models", True)
    told = operator.kubeai
    assert told is not None
    assert [each.name for each in told.profiles] == ["chat", "other"]
    assert told.window_seconds == 90
    assert told.drain == plan.models[0].drain
    assert told.surge == min(1, *(each.max_surge for each in plan.models))
    assert (plan.models[0].served_name, plan.models[0].api_path) == ("chat", "/openai/v1")
    assert plan.models[0].autoscaling.min_replicas == 0
    mirrored = planned(models=[kubeai_model()], **KUBEAI_NODES, registry={"mirror": "registry.example/mirror"})
    assert mirrored.operators[0].charts["kubeai"].chart == "oci://registry.example/mirror/charts/kubeai"
    assert "docker.io/substratusai/kubeai:v0.21.0" in {use.image for use in stack_images(plan)}


def test_models_of_kubeai_share_one_namespace_and_the_others_are_told_which() -> None:
    asked = [kubeai_model(namespace="search"), kubeai_model(name="other"), model(name="third", namespace="third")]
    told = errors(refusal(models=asked, **KUBEAI_NODES))
    assert "KubeAI serves the models of its own namespace" in told["models[1].namespace"]
    assert "write search" in told["models[1].namespace"]
    assert not {"models[0].namespace", "models[2].namespace"} & told.keys()


def test_what_kubeai_has_no_place_for_is_refused_by_its_path() -> None:
    asked = [
        kubeai_model(
            servedName="another",
            drain={"preStopSeconds": 20},
            secretEnv={"KEY": {"name": "keys", "key": "api"}},
            cache={"kind": "emptyDir"},
        )
    ]
    told = errors(refusal(models=asked, **KUBEAI_NODES))
    for setting in ("servedName", "drain", "secretEnv", "cache.kind"):
        assert f"models[0].{setting}" in told, setting
    assert "these do: deployment, kserve, ray, llm-d, production-stack" in told["models[0].drain"]


def test_no_name_of_a_model_is_longer_than_kubeai_takes() -> None:
    """size(self.metadata.name) <= 40 in its definition, which no schema of tests/reference says."""
    (told,) = read({"models": [kubeai_model(name="a" * 41)], "nodePools": [pool()]}, "dev").problems
    assert str(told).startswith("models[0].name")


def test_a_model_that_shares_requests_is_refused_on_kubeai_whichever_side_it_is_on() -> None:
    gateway = {"kind": "gatewayApi", "host": "llm.example.com", "certificate": {"kind": "secret", "name": "tls"}}
    shared = [{"model": "chat", "weight": 90}, {"model": "next", "weight": 10}]
    for first, second in ((kubeai_model(), model(name="next")), (model(), kubeai_model(name="next"))):
        told = errors(refusal(models=[{**first, "versions": shared}, second], gateway=gateway, **KUBEAI_NODES))
        where = "models[0].versions" if first.get("backend") == "kubeai" else "models[1].backend"
        assert "goes by the name in a request alone" in told[where]


def test_proxies_take_room_on_the_nodes_without_gpu_once() -> None:
    few = {**KUBEAI_NODES, "systemNodes": {"minNodes": 1, "maxNodes": 1, "instanceTypes": ["m7i.large"]}}
    told = errors(refusal(models=[kubeai_model()], kubeai={"replicas": 10}, **few))
    assert "systemNodes.instanceTypes" in told


def test_who_of_aibrix_asks_a_model_is_let_in_and_its_open_gateway_is_told_of() -> None:
    asked = [model(backend="aibrix"), model(name="other")]
    plan = planned(models=asked, nodePools=[pool(minNodes=2)], aibrix={"proxyNamespace": "edge"})
    first, second = plan.models
    assert first.client_namespaces[-2:] == ("edge", "aibrix-system")
    assert not {"edge", "aibrix-system"} & set(second.client_namespaces)
    assert (first.served_name, first.autoscaling.kind.value) == ("chat", "hpa")
    (told,) = [each for each in plan.findings if each.rule == "aibrix-gateway"]
    assert "without keys" in told.message
    assert plan.operators == ()
    told_by = errors(refusal(models=[model(backend="aibrix", servedName="another", router={})]))
    assert {"models[0].servedName", "models[0].router"} <= told_by.keys()


@pytest.mark.parametrize(
    ("replicas", "nodes", "renewed", "warned"),
    [(1, 2, True, False), (1, 1, False, True), (2, 3, False, False)],
    ids=["alone with room", "alone without", "several"],
)
def test_changed_arguments_of_one_replica_come_up_beside_it_or_the_plan_says_that_they_do_not(
    replicas: int, nodes: int, renewed: bool, warned: bool
) -> None:
    asked = model(backend="ray", autoscaling={"kind": "none", "minReplicas": replicas})
    plan = planned(
        models=[asked],
        systemNodes={"minNodes": 3, "maxNodes": 3},
        nodePools=[pool(minNodes=nodes, maxNodes=nodes)],
    )
    (served,) = plan.models
    assert served.ray is not None
    assert served.ray.renewed is renewed
    assert any(finding.rule == "ray-restart" for finding in plan.findings) is warned
