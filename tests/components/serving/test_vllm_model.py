from __future__ import annotations

from dataclasses import replace

import pulumi
import pytest

from components.serving import ServingWiring, serve
from components.serving.vllm_model import VllmModel, VllmModelArgs
from planning.model import ScalerKind, ServedModel
from tests.components.plans import (
    FIXED_MODEL,
    KEDA_MODEL,
    MODEL,
    OPEN_MODEL,
    OPERATORS,
    VOLUME_MODEL,
    on,
)
from tests.components.rendered import EVERY_MODEL, WORKLOADS, case, of_model
from tests.components.serving.recorded import TYPES, only, program, recorded
from tests.engine import Secret, record


@pytest.mark.parametrize("model", EVERY_MODEL, ids=case)
def test_what_is_registered_is_what_the_builders_made(model: ServedModel) -> None:
    """The SDK turns dictionaries into its own types and back: nothing may be lost or renamed on the way."""
    engine = recorded(model)
    manifests = of_model(model)
    for what in TYPES.keys() & manifests.keys():
        name = manifests[what]["metadata"]["name"]
        (made,) = [each for each in engine.all(TYPES[what]) if each.inputs["metadata"]["name"] == name]
        assert made.inputs == manifests[what], what


@pytest.mark.parametrize("model", EVERY_MODEL, ids=case)
def test_nothing_is_registered_that_no_golden_shows(model: ServedModel) -> None:
    engine = recorded(model)
    components = {r.urn for r in engine.registrations if r.type.startswith("vllm-on-eks:index:Vllm")}
    made = [r for r in engine.registrations if r.parent in components and not r.type.startswith("aws:")]
    releases = 1 if model.router else 0
    assert len(made) == len(of_model(model)) + releases, [r.name for r in made]
    assert all(r.name.startswith(f"{model.name}-") for r in made)


def test_two_models_live_side_by_side_in_one_namespace() -> None:
    engine = recorded(MODEL, VOLUME_MODEL)
    registrations = [(r.type, r.inputs["metadata"]) for r in engine.registrations if "metadata" in r.inputs]
    names = [(kind, metadata.get("namespace"), metadata["name"]) for kind, metadata in registrations]
    assert len(names) == len(set(names)), "two objects of one kind with one name"
    assert len(engine.all("kubernetes:apps/v1:Deployment")) == 2
    assert len(engine.all("kubernetes:scheduling.k8s.io/v1:PriorityClass")) == 1


def test_the_deployment_leaves_replicas_to_the_autoscaler_and_waits_as_long_as_planned() -> None:
    deployment = only(recorded(MODEL), "deployment", "llama")
    assert deployment.ignore_changes == ("spec.replicas",)
    assert deployment.custom_timeouts == {"create": "1800s", "update": "1800s"}


@pytest.mark.parametrize("backend", WORKLOADS)
def test_servers_wait_for_account_network_token_and_working_gpus(backend: str) -> None:
    model = on(MODEL, backend)
    servers = only(recorded(model), WORKLOADS[backend], "llama")
    expected = {"llama-service-account", "llama-network-policy", "llama-hf-token"}
    if model.cache.kind == "persistentVolume":  # its Job waits for them, and the servers for it
        assert expected <= recorded(model).named("llama-download").depends_on
        expected = {"llama-download"}
    assert expected | {"smoke-job"} <= servers.depends_on
    by_data = servers.dependency_names - servers.depends_on
    assert {"models-namespace", "priority-class"} <= by_data


@pytest.mark.parametrize("backend", WORKLOADS)
def test_servers_wait_for_what_brings_their_kind_and_for_nobody_elses_operator(backend: str) -> None:
    model = on(MODEL, backend)
    servers = only(recorded(model), WORKLOADS[backend], "llama")
    needed = {chart for plan in OPERATORS if plan.name in model.operators for chart in plan.charts}
    every = {chart for plan in OPERATORS for chart in plan.charts}
    assert every & servers.depends_on == needed


@pytest.mark.parametrize("backend", WORKLOADS)
def test_an_update_waits_until_the_servers_are_ready_as_long_as_planned(backend: str) -> None:
    servers = only(recorded(on(MODEL, backend)), WORKLOADS[backend], "llama")
    assert servers.custom_timeouts is not None
    assert {servers.custom_timeouts[what] for what in ("create", "update")} == {"1800s"}
    awaited = servers.inputs["metadata"].get("annotations", {}).get("pulumi.com/waitFor")
    # A Model has no conditions: only a number that does not move can be waited for.
    usual = None if servers.type in (TYPES["deployment"], TYPES["kubeai-model"]) else "condition=Ready"
    assert awaited == usual
    fixed = only(recorded(on(FIXED_MODEL, backend)), WORKLOADS[backend], "fixed").inputs["metadata"]
    if backend == "kubeai":
        assert fixed["annotations"]["pulumi.com/waitFor"] == "jsonpath={.status.replicas.ready}=2"


# What goes and what comes when a model moves there from backend deployment.
MOVED: dict[str, tuple[set[str], set[str]]] = {
    "aibrix": (set(), set()),  # a rollout with other labels
    "kserve": ({"llama-deployment"}, {"llama-inference-service"}),
    "production-stack": (set(), {"llama-router", "llama-router-policy"}),
    # Its replicas are KubeAI's; its weights, here downloaded by each pod before, come by a claim that one Job fills.
    "kubeai": (
        {"llama-deployment", "llama-hpa", "llama-demand"},
        {"llama-kubeai-model", "llama-cache", "llama-download", "llama-download-policy"},
    ),
    "llm-d": (
        set(),
        {"llama-pool", "llama-pool-route", "llama-picker"}
        | {f"llama-picker-{each}" for each in ("account", "role", "binding", "config", "policy", "service", "pdb")},
    ),
    # Its replicas are Ray's: our autoscaler goes, with what was recorded for it.
    "ray": (
        {"llama-deployment", "llama-hpa", "llama-demand"},
        {"llama-ray-service", "llama-head-account", "llama-worker-policy", "llama-head-policy", "llama-head-monitor"},
    ),
}


@pytest.mark.parametrize("backend", [name for name in WORKLOADS if name != "deployment"])
def test_moving_a_model_to_another_backend_replaces_its_servers_and_nothing_else(backend: str) -> None:
    """By URN: what keeps its own is updated in place, so address, budget, monitor and autoscaler are never away."""
    usual, moved = (
        {registration.urn for registration in recorded(on(MODEL, name)).registrations}
        for name in ("deployment", backend)
    )
    gone, come = ({urn.rpartition("::")[2] for urn in urns} for urns in (usual - moved, moved - usual))
    assert (gone, come) == MOVED[backend]


@pytest.mark.parametrize("backend", WORKLOADS)
def test_the_address_waits_for_the_servers_whatever_makes_them(backend: str) -> None:
    """A model that comes from KubeAI has servers of other labels: a Service that moved first would name nobody."""
    engine = recorded(on(MODEL, backend))
    assert only(engine, WORKLOADS[backend], MODEL.name).name in engine.named("llama-service").depends_on


def test_the_address_waits_for_the_router_and_the_router_for_its_network() -> None:
    engine = recorded(on(MODEL, "production-stack"))
    assert "llama-router" in engine.named("llama-service").depends_on
    router = engine.named("llama-router")
    assert "llama-router-policy" in router.depends_on
    assert router.inputs["name"] == "llama-router"
    assert "llama-router" not in recorded(MODEL).named("llama-service").dependency_names


def test_a_picker_waits_for_its_pool_and_rights_and_the_route_for_the_picker() -> None:
    """The picker is not Ready without its pool; before it is, the gateway would send with nobody picking."""
    engine = recorded(on(MODEL, "llm-d"))
    wanted = {f"llama-picker-{each}" for each in ("binding", "config", "policy", "service")} | {"llama-pool"}
    assert wanted <= engine.named("llama-picker").depends_on
    assert "llama-picker" in engine.named("llama-pool-route").depends_on
    assert {"llama-picker-role", "llama-picker-account"} <= engine.named("llama-picker-binding").depends_on


@pytest.mark.parametrize("backend", WORKLOADS)
@pytest.mark.parametrize("model", [MODEL, KEDA_MODEL], ids=lambda model: str(model.name))
def test_one_autoscaler_scales_the_deployment_that_the_backend_makes(model: ServedModel, backend: str) -> None:
    there = on(model, backend)
    engine = recorded(there)
    scalers = [*engine.all(TYPES["hpa"]), *engine.all(TYPES["scaled-object"])]
    if there.autoscaling.kind is ScalerKind.BACKEND:
        assert scalers == []
        return
    (scaler,) = scalers
    target = scaler.inputs["spec"]["scaleTargetRef"]
    assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": there.deployment_name}
    servers = only(engine, WORKLOADS[backend], model.name)
    assert servers.name in scaler.dependency_names


@pytest.mark.parametrize("backend", WORKLOADS)
def test_servers_on_a_volume_wait_for_its_one_download(backend: str) -> None:
    engine = recorded(on(VOLUME_MODEL, backend))
    servers = only(engine, WORKLOADS[backend], "qwen")
    assert "qwen-download" in servers.depends_on
    assert "smoke-job" not in servers.dependency_names, "the smoke test is another pool's"
    job = only(engine, "download-job", "qwen")
    assert {"qwen-cache", "qwen-service-account", "qwen-download-policy"} <= job.depends_on
    assert job.custom_timeouts["create"] == "1260s"


def test_a_monitor_waits_for_the_release_that_brings_its_kind() -> None:
    monitor = only(recorded(MODEL), "pod-monitor", "llama")
    assert "monitoring-release" in monitor.depends_on


def test_the_autoscaler_follows_the_deployment_by_data() -> None:
    scaler = only(recorded(MODEL), "hpa", "llama")
    assert "llama-deployment" in scaler.dependency_names - scaler.depends_on


def test_the_token_is_in_its_secret_only_and_marked() -> None:
    engine = recorded(MODEL)
    secret = engine.named("llama-hf-token")
    assert isinstance(secret.inputs["stringData"], Secret)
    assert secret.plain_inputs["stringData"] == {"token": "hf_canary"}
    others = [r for r in engine.registrations if r.name != "llama-hf-token"]
    assert not any("hf_canary" in str(r.plain_inputs) for r in others)


@pytest.mark.parametrize("model", [VOLUME_MODEL, OPEN_MODEL], ids=["somebody else's", "none"])
def test_no_secret_is_made_where_the_token_is_somebody_elses_or_none(model: ServedModel) -> None:
    secrets = recorded(model).all("kubernetes:core/v1:Secret")
    assert [secret.name for secret in secrets] == ["monitoring-grafana-admin"]


def test_a_missing_token_is_named() -> None:
    args = VllmModelArgs(MODEL, "models", "vllm-model")
    with pytest.raises(ValueError, match="llama-hf-token"):
        record(lambda: VllmModel("llama", args))


def test_no_monitoring_means_no_monitor() -> None:
    engine = recorded(VOLUME_MODEL)
    assert engine.all(TYPES["pod-monitor"]) == []


def test_the_models_address_is_its_services() -> None:
    engine = recorded(MODEL)
    component = engine.only("vllm-on-eks:index:VllmModel")
    assert engine.outputs_of(component) == {
        "deploymentName": "llama",
        "url": "http://llama.models.svc.cluster.local:8000/v1",
    }


def test_a_first_preview_plans_everything_while_the_cluster_does_not_exist_yet() -> None:
    engine = record(lambda: program(MODEL, VOLUME_MODEL), preview=True)
    made = record(lambda: program(MODEL, VOLUME_MODEL))
    assert engine.summary() == made.summary()


def test_a_provider_reaches_every_object_of_a_model() -> None:
    import pulumi_kubernetes as k8s

    def reached() -> None:
        provider = k8s.Provider("cluster", kubeconfig="{}")
        wiring = ServingWiring(namespaces={"models": "models"}, priority_classes={"standard": "vllm-model"})
        model = replace(OPEN_MODEL, monitoring_namespace="monitoring")
        serve(model, wiring, pulumi.ResourceOptions(provider=provider))

    engine = record(reached)
    objects = [r for r in engine.registrations if r.type.startswith("kubernetes:")]
    assert len(objects) == 8
    assert all("::cluster::" in r.provider for r in objects)
