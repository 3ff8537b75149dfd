"""One suite over all backends: whatever makes the pods, the plan is served as it says."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.serving.backends import BACKENDS
from components.serving.backends.production_stack import router_values
from planning.backends.features import FEATURES
from planning.backends.table import OURS, YES, backends, features, rendered
from planning.model import CachePlan, CompiledPlan, DrainPlan, ScalerKind, SecretValue, ServedModel
from settings.backends import Backend
from tests.components.hooks import pre_stop_sleep_seconds
from tests.components.plans import (
    BUCKET_MODEL,
    CANARY_MODEL,
    FIXED_MODEL,
    GROUP_MODEL,
    KEDA_MODEL,
    MODEL,
    OPEN_MODEL,
    SIDECAR,
    TEMPLATE_MODEL,
    VOLUME_MODEL,
    on,
)
from tests.components.rendered import ELSEWHERE, EVERY_MODEL, WORKLOADS, case, kubeai_pod, of_model, pod_of, workload_of
from tests.components.serving.test_manifests import without_program
from tests.golden import as_yaml, assert_differs, assert_matches

GOLDENS = Path(__file__).parent / "goldens"
# Beside the workload itself, what names it.
AIMED = {"hpa", "scaled-object"}
# Ray names series otherwise, its image is made for another user; what `ray start` leaves no room for is said to Ray.
OTHERWISE = {"ray": {"pod-monitor", "download-job"}}
# What goes by the labels of the pods, which are KubeAI's own; and its proxies are the address.
OTHERWISE["kubeai"] = {"pod-monitor", "pdb", "network-policy", "service"}
OF_THE_POD = {"ray": {"securityContext", "initContainers"}}
# One account and one drain for all models, volumes by other names, spread by its own labels.
OF_THE_POD["kubeai"] = {"serviceAccountName", "terminationGracePeriodSeconds", "volumes", "affinity"}
OF_THE_POD["kubeai"] |= {"topologySpreadConstraints", "initContainers"}
SAID_TO_RAY = {"args", "startupProbe", "livenessProbe", "lifecycle", "readinessProbe", "env", "ports", "image"}
OF_THE_CONTAINER = {"ray": SAID_TO_RAY | {"securityContext"}}
OF_THE_CONTAINER["kubeai"] = {"args", "startupProbe", "livenessProbe", "readinessProbe", "lifecycle", "volumeMounts"}
OF_THE_CONTAINER["kubeai"] |= {"env", "imagePullPolicy", "command"}  # in another order; the kubelet's; api_server


def workload(model: ServedModel) -> dict[str, Any]:
    return of_model(model)[workload_of(model)]


def labels(model: ServedModel) -> dict[str, Any]:
    """Of the server pods."""
    if model.kubeai:
        of_kubeai: dict[str, Any] = kubeai_pod(workload(model))["metadata"]["labels"]
        return of_kubeai
    spec = workload(model)["spec"]
    if "leaderWorkerTemplate" in spec:
        spec = {"template": spec["leaderWorkerTemplate"]["leaderTemplate"]}
    if "rayClusterConfig" in spec:
        spec = spec["rayClusterConfig"]["workerGroupSpecs"][0]
    labels: dict[str, Any] = (
        spec["predictor"]["labels"] if "predictor" in spec else spec["template"]["metadata"]["labels"]
    )
    return labels


def server(model: ServedModel) -> dict[str, Any]:
    container: dict[str, Any] = pod_of(workload(model))["containers"][0]
    return container


@pytest.mark.parametrize("model", ELSEWHERE, ids=case)
def test_what_a_backend_renders_otherwise_is_as_its_golden(model: ServedModel) -> None:
    usual = of_model(on(model, "deployment"))
    other = {what: each for what, each in of_model(model).items() if usual.get(what) != each}
    other |= {"router-values": router_values(model, model.router)} if model.router else {}
    text = "---\n".join(f"# {what}\n{as_yaml(without_program(each))}" for what, each in other.items())
    base = GOLDENS / f"{model.backend}-{MODEL.name}.yaml"
    if model.name == MODEL.name:
        assert_matches(base, text)
    else:
        assert_differs(GOLDENS / f"{model.backend}-{model.name}.diff", text, base, model.name, MODEL.name)


@pytest.mark.parametrize("model", ELSEWHERE, ids=case)
def test_everything_but_the_servers_and_the_way_to_them_is_the_same_on_every_backend(model: ServedModel) -> None:
    usual, here = of_model(replace(on(model, "deployment"), cache=model.cache)), of_model(model)
    usual = {what: each for what, each in usual.items() if not (model.kubeai and what == "chat-template")}
    routed = {"service"} if model.router else set()
    made = {WORKLOADS[model.backend], *BACKENDS[model.backend].beside(model)}
    ours = model.autoscaling.kind is not ScalerKind.BACKEND
    scaled = set() if ours else {*AIMED, "recording-rules"}
    assert usual.keys() - {"deployment"} - scaled == here.keys() - made
    for what in usual.keys() - {"deployment"} - AIMED - routed - scaled - OTHERWISE.get(model.backend, set()):
        assert here[what] == usual[what], what
    for what in usual.keys() & AIMED if ours else ():
        target = {**usual[what]["spec"]["scaleTargetRef"], "name": model.deployment_name}
        assert here[what] == {**usual[what], "spec": {**usual[what]["spec"], "scaleTargetRef": target}}


@pytest.mark.parametrize("model", ELSEWHERE, ids=case)
def test_a_pod_is_the_same_on_every_backend_but_for_its_containers_name(model: ServedModel) -> None:
    usual, here = pod_of(workload(replace(on(model, "deployment"), cache=model.cache))), pod_of(workload(model))
    apart = {"containers"} | OF_THE_POD.get(model.backend, set())
    assert {key: here[key] for key in usual.keys() - apart} == {key: usual[key] for key in usual.keys() - apart}
    apart = {"name"} | OF_THE_CONTAINER.get(model.backend, set())
    for ours, theirs in zip(usual["containers"], here["containers"], strict=True):
        assert {key: theirs[key] for key in theirs.keys() - apart} == {key: ours[key] for key in ours.keys() - apart}


@pytest.mark.parametrize("model", EVERY_MODEL, ids=case)
def test_service_budget_monitor_and_network_select_the_pods_that_the_backend_makes(model: ServedModel) -> None:
    made = of_model(model)
    selectors = [
        made["pdb"]["spec"]["selector"]["matchLabels"],
        made["network-policy"]["spec"]["podSelector"]["matchLabels"],
    ]
    selectors += [made["pod-monitor"]["spec"]["selector"]["matchLabels"]] if "pod-monitor" in made else []
    selectors += [made["service"]["spec"]["selector"]] if not model.router and not model.kubeai else []
    assert all(selector.items() <= labels(model).items() for selector in selectors)
    if model.group:
        worker = workload(model)["spec"]["leaderWorkerTemplate"]["workerTemplate"]["metadata"]["labels"]
        held = [selector.items() <= worker.items() for selector in selectors]
        assert held == [True, True, False, False], "budget and network hold all pods, monitor and Service leaders"


@pytest.mark.parametrize("model", [each for each in EVERY_MODEL if not each.ray and not each.kubeai], ids=case)
def test_a_server_has_the_plans_arguments_drain_and_patience_and_a_port_called_http(model: ServedModel) -> None:
    container, pod = server(model), pod_of(workload(model))
    assert tuple(container["args"]) == (*model.args, *(model.group.leader_args if model.group else ()))
    assert pod["terminationGracePeriodSeconds"] == model.drain.grace_period_seconds
    assert (pre_stop_sleep_seconds(container) or 0) == model.drain.pre_stop_seconds
    waits = "exec" in container.get("lifecycle", {}).get("preStop", {})
    assert waits == bool(model.drain.engine_wait_seconds)
    assert container["startupProbe"]["failureThreshold"] == model.startup_probe.failure_threshold
    assert [port["name"] for port in container["ports"]] == ["http"]


def told(model: ServedModel) -> set[str]:
    """The names of vLLM's arguments that its server gets, however."""
    if model.ray:
        (config,) = llm_configs(model)
        return {"--" + name.replace("_", "-") for name in config["engine_kwargs"]}
    return {argument.partition("=")[0] for argument in server(model)["args"]}


def llm_configs(model: ServedModel) -> list[dict[str, Any]]:
    (application,) = json.loads(workload(model)["spec"]["serveConfigV2"])["applications"]
    configs: list[dict[str, Any]] = application["args"]["llm_configs"]
    return configs


def _has(*names: str) -> Callable[[ServedModel], bool]:
    return lambda model: set(names) <= told(model)


def _scaler(kind: str) -> Callable[[ServedModel], bool]:
    def check(model: ServedModel) -> bool:
        made = of_model(model)
        scalers = [each for each in made.values() if each["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")]
        return [scaler["kind"] for scaler in scalers] == [kind] and scalers[0]["spec"]["scaleTargetRef"]["name"] == (
            model.deployment_name
        )

    return check


def _bounds(model: ServedModel) -> tuple[int, int]:
    (config,) = llm_configs(model)
    autoscaling_config = config["deployment_config"]["autoscaling_config"]
    return autoscaling_config["min_replicas"], autoscaling_config["max_replicas"]


def _fixed(model: ServedModel) -> bool:
    spec = workload(model)["spec"]
    if model.kubeai:
        return spec["autoscalingDisabled"] is True and spec["replicas"] == 2
    if model.ray:
        (workers,) = spec["rayClusterConfig"]["workerGroupSpecs"]
        numbers = {workers[key] for key in ("replicas", "minReplicas", "maxReplicas")}
        return "enableInTreeAutoscaling" not in spec["rayClusterConfig"] and {*_bounds(model), *numbers} == {2}
    return (spec["predictor"]["minReplicas"] if "predictor" in spec else spec["replicas"]) == 2 and not any(
        each["kind"] in ("HorizontalPodAutoscaler", "ScaledObject") for each in of_model(model).values()
    )


def _own_scaler(model: ServedModel) -> bool:
    """Its own, between the plan's bounds, and none of ours."""
    ours = [each for each in of_model(model).values() if each["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")]
    if model.kubeai:
        spec, plan = workload(model)["spec"], model.autoscaling
        followed = 1 <= spec["targetRequests"] <= plan.metrics[0].target and "replicas" not in spec
        return (
            not ours
            and followed
            and (spec["minReplicas"], spec["maxReplicas"])
            == (
                plan.min_replicas,
                plan.max_replicas,
            )
        )
    if ours or not model.ray:
        return False
    cluster = workload(model)["spec"]["rayClusterConfig"]
    (workers,) = cluster["workerGroupSpecs"]
    plan = model.autoscaling
    bounds = (plan.min_replicas, plan.max_replicas)
    return bool(cluster["enableInTreeAutoscaling"]) and bounds == (
        workers["minReplicas"],
        workers["maxReplicas"],
    ) == _bounds(model)


def _scaled_object(model: ServedModel) -> dict[str, Any]:
    spec: dict[str, Any] = of_model(model).get("scaled-object", {"spec": {"triggers": [], "minReplicaCount": 1}})[
        "spec"
    ]
    return spec


def _mounts(model: ServedModel, what: str) -> bool:
    return what in {mount["name"] for mount in server(model)["volumeMounts"]}


def _token(model: ServedModel) -> bool:
    downloading = of_model(model)["download-job"] if model.kubeai else workload(model)
    spec = pod_of(downloading)
    first = [*spec.get("initContainers", ()), *spec["containers"]][0]
    return "hf-token" in {mount["name"] for mount in first["volumeMounts"]} and not _mounts(model, "hf-token")


def _claim(model: ServedModel) -> bool:
    volumes = {volume["name"]: volume for volume in pod_of(workload(model))["volumes"]}
    name = next(mount["name"] for mount in server(model)["volumeMounts"] if mount["mountPath"] == "/cache")
    claim = volumes[name].get("persistentVolumeClaim", {}).get("claimName")
    return bool(claim == of_model(model)["cache"]["metadata"]["name"])


def _template(model: ServedModel) -> bool:
    """Its file is mounted where the argument says, with the text of the plan."""
    if model.ray:
        return _has("--chat-template")(model) and _mounts(model, "chat-template")
    (argument,) = [each for each in server(model)["args"] if each.startswith("--chat-template=")]
    path = str(argument).partition("=")[2]
    if model.kubeai:
        (file,) = workload(model)["spec"]["files"]
        mounted = {mount["mountPath"] for mount in server(model)["volumeMounts"] if mount.get("readOnly")}
        return file == {"path": path, "content": model.chat_template} and path in mounted
    return _mounts(model, "chat-template") and path.startswith("/etc/vllm/chat-template/")


def _zero(model: ServedModel) -> bool:
    return bool((workload(model)["spec"] if model.kubeai else _scaled_object(model)).get("minReplicas") == 0) or bool(
        _scaled_object(model).get("minReplicaCount") == 0
    )


def _downloads_itself(model: ServedModel) -> bool:
    pods = pod_of(workload(model)).get("initContainers", [])
    return [each["name"] for each in pods] == ["download"]


def _answers_to(model: ServedModel) -> bool:
    """The last of them counts, where a name is an argument; the Model's own where a proxy looks it up."""
    if model.kubeai or model.backend == "aibrix":  # whose proxy or route goes by that name
        return bool(workload(model)["metadata"]["name"] == model.served_name)
    if model.ray:
        (config,) = llm_configs(model)
        return bool(config["model_loading_config"]["model_id"] == model.served_name)
    return f"--served-model-name={model.served_name}" in server(model)["args"]


def _leaves_as_planned(model: ServedModel) -> bool:
    pod, drain = pod_of(workload(model)), model.drain
    sleep = pre_stop_sleep_seconds(server(model))
    if model.ray:
        return bool(sleep == drain.pre_stop_seconds + drain.shutdown_timeout_seconds)
    return bool((sleep, pod["terminationGracePeriodSeconds"]) == (drain.pre_stop_seconds, drain.grace_period_seconds))


def _secret_variable(model: ServedModel) -> bool:
    found = {each["name"]: each.get("valueFrom") for each in server(model)["env"]}
    return found.get("API_KEY") == {"secretKeyRef": {"name": "keys", "key": "api"}}


ADAPTED = replace(OPEN_MODEL, args=(*OPEN_MODEL.args, "--enable-lora", "--lora-modules", "sql=/cache/hub/x"))


def _keeps(model: ServedModel) -> bool:
    if WORKLOADS[model.backend] in ("ray-service", "kubeai-model"):
        return False
    names = {container["name"] for container in pod_of(workload(model)).get("initContainers", [])}
    return {"compiled-restore", "compiled-keep"} <= names


def _warms_up(model: ServedModel) -> bool:
    return "exec" in server(model).get("startupProbe", {})


def _reads_only(model: ServedModel) -> bool:
    """KubeAI has a claim of its own in every pod, with what it pleases."""
    volumes = pod_of(workload(model))["volumes"] if model.kubeai is None else []
    return any(volume.get("persistentVolumeClaim", {}).get("readOnly") for volume in volumes)


def _is_its_own_address(model: ServedModel) -> bool:
    """The Service's pods are servers, of which the gateway chooses one; in Ray's a proxy chooses again."""
    if model.ray or model.kubeai:
        return False
    return bool(of_model(model)["service"]["spec"]["selector"].items() <= labels(model).items())


DRAFTED = replace(OPEN_MODEL, args=(*OPEN_MODEL.args, '--speculative-config={"method": "draft_model"}'))
OWN_IMAGE = replace(OPEN_MODEL, image="registry.example/vllm:v0.33.0")
ROUTED = replace(OPEN_MODEL, name="routed")
STAGED = replace(OPEN_MODEL, args=(*OPEN_MODEL.args, "--pipeline-parallel-size=2"))
# How each feature shows in what is rendered: a model that asks for it, and what must be there.
SHOWN: dict[str, tuple[ServedModel, Callable[[ServedModel], bool]]] = {
    "tensor-parallel": (VOLUME_MODEL, lambda m: server(m)["resources"]["limits"]["nvidia.com/gpu"] == "4"),
    "pipeline-parallel": (STAGED, _has("--pipeline-parallel-size")),
    "multi-node": (GROUP_MODEL, lambda m: workload(m)["kind"] == "LeaderWorkerSet"),
    # Behind KubeAI's proxy an adapter that it does not know is no model.
    "lora": (ADAPTED, lambda m: _has("--enable-lora", "--lora-modules")(m) and m.kubeai is None),
    "draft-model": (DRAFTED, _has("--speculative-config")),
    "chat-template": (TEMPLATE_MODEL, _template),
    "extra-args": (replace(OPEN_MODEL, args=(*OPEN_MODEL.args, "--seed=7")), _has("--seed")),
    "served-name": (MODEL, _answers_to),
    "secret-env": (replace(OPEN_MODEL, secret_env={"API_KEY": SecretValue("keys", "api")}), _secret_variable),
    "own-image": (OWN_IMAGE, lambda m: server(m)["image"] == OWN_IMAGE.image),
    "volume-cache": (VOLUME_MODEL, _claim),
    "efs-cache": (replace(OPEN_MODEL, cache=CachePlan("efs", 19)), _reads_only),
    "compile-cache": (replace(OPEN_MODEL, compiled=CompiledPlan("k", SIDECAR, SIDECAR)), _keeps),
    "warm-up": (replace(OPEN_MODEL, warm_up=True), _warms_up),
    "pod-cache": (OPEN_MODEL, _downloads_itself),
    "other-source": (BUCKET_MODEL, lambda m: server(m).get("args", [""])[0].startswith("/cache/s3/")),
    "token": (MODEL, _token),
    "hpa": (MODEL, _scaler("HorizontalPodAutoscaler")),
    "keda": (KEDA_MODEL, _scaler("ScaledObject")),
    "fixed": (FIXED_MODEL, _fixed),
    "own-scaler": (MODEL, _own_scaler),
    "schedules": (KEDA_MODEL, lambda m: any(t["type"] == "cron" for t in _scaled_object(m)["triggers"])),
    "zero": (KEDA_MODEL, _zero),
    "canary": (CANARY_MODEL, lambda m: workload(m)["kind"] == "Rollout"),
    "router": (ROUTED, lambda m: of_model(m)["service"]["spec"]["selector"]["app.kubernetes.io/name"] == "router"),
    "session": (ROUTED, _is_its_own_address),
    "drain": (replace(OPEN_MODEL, drain=DrainPlan(7, 300, 352, 30)), _leaves_as_planned),
}


def test_every_feature_of_ours_is_looked_for_in_what_is_rendered() -> None:
    assert list(SHOWN) == [feature.name for feature in FEATURES]


@pytest.mark.parametrize("feature", SHOWN)
@pytest.mark.parametrize("backend", WORKLOADS)
def test_the_table_says_what_the_rendering_does(backend: str, feature: str) -> None:
    model, shown = SHOWN[feature]
    does = features()[feature][backend].does
    assert shown(on(model, backend)) == (does == YES), f"backend_features.csv says {does} of {feature} on {backend}"


def test_table_settings_and_code_have_the_same_backends() -> None:
    assert set(rendered()) == set(BACKENDS) == {each.value for each in Backend} == set(WORKLOADS)
    for name, backend in BACKENDS.items():
        assert list(inspect.signature(backend.register).parameters) == ["name", "args", "parent"], name


@pytest.mark.parametrize("backend", WORKLOADS)
def test_a_model_of_a_backend_whose_replicas_are_ours_leaves_the_backend_none_to_move(backend: str) -> None:
    for model in (MODEL, KEDA_MODEL, FIXED_MODEL) if backends()[backend].scaler == OURS else ():
        made = workload(on(model, backend))
        if backend == "kserve":
            owner = made["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"]
            assert owner == ("none" if model is FIXED_MODEL else "external")
            assert not made["spec"]["predictor"].keys() & {"maxReplicas", "scaleTarget", "scaleMetric", "autoScaling"}


@pytest.mark.parametrize("model", [each for each in ELSEWHERE if each.router], ids=case)
def test_a_router_finds_the_models_pods_and_no_other_and_runs_as_restricted_as_they_do(model: ServedModel) -> None:
    assert model.router is not None
    spec = router_values(model, model.router)["routerSpec"]
    told = dict(
        pair.split("=") for pair in spec["extraArgs"][spec["extraArgs"].index("--k8s-label-selector") + 1].split(",")
    )
    assert told == of_model(model)["pdb"]["spec"]["selector"]["matchLabels"]
    pod = pod_of(workload(model))
    assert spec["securityContext"] == pod["securityContext"]
    assert spec["containerSecurityContext"] == pod["containers"][0]["securityContext"]
    writable = {mount["mountPath"] for mount in spec["extraVolumeMounts"]}
    assert {"name": "HOME", "value": "/tmp"} in spec["env"]
    assert writable == {"/tmp"}
    assert spec["pdb"]["maxUnavailable"] < spec["replicaCount"]


@pytest.mark.parametrize("model", [each for each in ELSEWHERE if each.router], ids=case)
def test_clients_reach_the_router_as_they_reach_the_servers_and_it_reaches_servers_and_api_alone(
    model: ServedModel,
) -> None:
    """Servers stay open to clients: while a model moves there or back its Service still names them for a while."""
    made = of_model(model)
    assert made["router-policy"]["spec"]["podSelector"]["matchLabels"] == made["service"]["spec"]["selector"]
    (clients,), (into,) = made["router-policy"]["spec"]["ingress"], made["network-policy"]["spec"]["ingress"]
    assert clients["from"] == into["from"][: 1 + len(model.client_namespaces)]
    assert clients["ports"] == into["ports"]
    out = made["router-policy"]["spec"]["egress"]
    assert out[0]["to"] == [{"podSelector": {"matchLabels": made["pdb"]["spec"]["selector"]["matchLabels"]}}]
    assert "0.0.0.0/0" not in str(out)


@pytest.mark.parametrize("model", [each for each in ELSEWHERE if each.picker], ids=case)
def test_a_pool_is_the_models_servers_and_its_picker_one_pod_that_only_the_gateway_asks(model: ServedModel) -> None:
    made, plan = of_model(model), model.picker
    assert plan is not None
    pool, picker = made["pool"]["spec"], made["picker"]["spec"]
    assert pool["selector"]["matchLabels"] == made["pdb"]["spec"]["selector"]["matchLabels"]
    assert pool["targetPorts"] == [{"number": server(model)["ports"][0]["containerPort"]}]
    reference = pool["endpointPickerRef"]
    assert reference["name"] == made["picker-service"]["metadata"]["name"]
    assert [reference["port"]["number"]] == [port["port"] for port in made["picker-service"]["spec"]["ports"]]
    pods = picker["template"]["metadata"]["labels"]
    for selects in (
        made["picker-service"]["spec"]["selector"],
        made["picker-policy"]["spec"]["podSelector"]["matchLabels"],
        made["picker-pdb"]["spec"]["selector"]["matchLabels"],
        picker["selector"]["matchLabels"],
    ):
        assert selects.items() <= pods.items()
    for others in (made["service"]["spec"]["selector"], pool["selector"]["matchLabels"]):
        assert not others.items() <= pods.items(), "the picker would be asked for completions"
    (into,) = made["picker-policy"]["spec"]["ingress"]
    (gateway,) = into["from"]
    assert gateway["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": plan.gateway_namespace}
    assert "0.0.0.0/0" not in str(made["picker-policy"]["spec"]["egress"])


@pytest.mark.parametrize("model", [each for each in ELSEWHERE if each.picker], ids=case)
def test_a_picker_is_told_its_own_pool_and_may_read_and_do_nothing_else(model: ServedModel) -> None:
    made = of_model(model)
    (container,) = made["picker"]["spec"]["template"]["spec"]["containers"]
    args = dict(argument.removeprefix("--").split("=") for argument in container["args"])
    pool = made["pool"]
    assert (args["pool-name"], args["pool-namespace"]) == (pool["metadata"]["name"], pool["metadata"]["namespace"])
    assert args["pool-group"] == pool["apiVersion"].partition("/")[0]
    folder, _, file = args["config-file"].rpartition("/")
    assert folder in {mount["mountPath"] for mount in container["volumeMounts"]}
    config = yaml.safe_load(made["picker-config"]["data"][file])
    known = {plugin["type"] for plugin in config["plugins"]}
    for profile in config["schedulingProfiles"]:
        used = {plugin["pluginRef"] for plugin in profile["plugins"]}
        assert used <= known
        assert {"prefix-cache-scorer", "queue-scorer", "kv-cache-utilization-scorer"} == used
    assert {verb for rule in made["picker-role"]["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert "*" not in str(made["picker-role"]["rules"])


@pytest.mark.parametrize("model", [each for each in ELSEWHERE if each.picker], ids=case)
def test_the_gateway_sends_a_models_own_path_to_its_pool_and_no_other_path(model: ServedModel) -> None:
    made = of_model(model)
    (rule,) = made["pool-route"]["spec"]["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": f"/{model.name}/v1"}}]
    (to,) = rule["backendRefs"]
    assert f"{to['group']}/v1" == made["pool"]["apiVersion"]
    assert (to["kind"], to["name"]) == (made["pool"]["kind"], made["pool"]["metadata"]["name"])


@pytest.mark.parametrize("model", [each for each in ELSEWHERE if each.backend == "aibrix"], ids=case)
def test_aibrix_finds_a_models_deployment_its_pods_and_its_service_by_one_name(model: ServedModel) -> None:
    """Its route goes from the label of the Deployment to the Service of that name and port; its plugin by the pods'."""
    made, usual = of_model(model), of_model(on(model, "deployment"))
    added = {
        key: value
        for key, value in made["deployment"]["metadata"]["labels"].items()
        if key not in usual["deployment"]["metadata"]["labels"]
    }
    assert added["model.aibrix.ai/name"] == made["service"]["metadata"]["name"]
    assert added["model.aibrix.ai/port"] == str(made["service"]["spec"]["ports"][0]["port"])
    assert labels(model) == labels(on(model, "deployment")) | added
    assert made["deployment"]["spec"]["selector"] == usual["deployment"]["spec"]["selector"]
    assert not any("aibrix" in each["apiVersion"] for each in made.values()), "no definition of AIBrix is needed"
