"""Goldens of everything a model is made of, and the rules that a golden alone would not defend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster.network_policies import NAMESPACE_NAME
from components.serving.manifests.deployment import LEAVE_WHEN_TAKEN, deployment, rolling_update
from components.serving.manifests.download import PROGRAM, download_container
from components.serving.manifests.environment import download_environment, server_environment
from components.serving.manifests.network_policy import download_policy, server_policy
from components.serving.manifests.pod_monitor import pod_monitor
from components.serving.manifests.service import pod_disruption_budget, service
from planning.model import ServedModel
from tests.components.plans import CANARY_MODEL, GROUP_MODEL, MODEL, OPEN_MODEL, SOURCE_MODELS, VOLUME_MODEL
from tests.components.rendered import MODELS, of_model
from tests.golden import as_yaml, assert_differs, assert_matches

GOLDENS = Path(__file__).parent / "goldens"


@pytest.mark.parametrize(
    "model", [*MODELS, *SOURCE_MODELS, CANARY_MODEL, GROUP_MODEL], ids=lambda model: str(model.name)
)
def test_a_model_renders_as_its_golden(model: ServedModel) -> None:
    manifests = {what: without_program(manifest) for what, manifest in of_model(model).items()}
    text = "---\n".join(f"# {what}\n{as_yaml(manifest)}" for what, manifest in manifests.items())
    assert "&id" not in text, "a shared object came out as a YAML anchor; goldens are to be read by people"
    if model.name in (MODEL.name, VOLUME_MODEL.name):  # a volume changes most of it
        assert_matches(GOLDENS / f"{model.name}.yaml", text)
    else:
        base = GOLDENS / f"{MODEL.name}.yaml"
        assert_differs(GOLDENS / f"{model.name}.diff", text, base, model.name, MODEL.name)


def without_program(value: Any) -> Any:
    """Programs are files of their own; goldens name them."""
    if isinstance(value, dict):
        return {key: without_program(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_program(each) for each in value]
    programs = {PROGRAM: "fetch_weights.py", LEAVE_WHEN_TAKEN: "leave_when_taken.py"}
    return f"<components/serving/{programs[value]}>" if isinstance(value, str) and value in programs else value


def test_service_budget_monitor_and_deployment_select_the_same_pods_and_only_servers() -> None:
    pods = deployment(MODEL, "p")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment(MODEL, "p")["spec"]["selector"]["matchLabels"],
        service(MODEL)["spec"]["selector"],
        pod_disruption_budget(MODEL)["spec"]["selector"]["matchLabels"],
        pod_monitor(MODEL)["spec"]["selector"]["matchLabels"],
        server_policy(MODEL)["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector == selectors[0] for selector in selectors)
    assert selectors[0].items() <= pods.items()
    download_pods = of_model(VOLUME_MODEL)["download-job"]["spec"]["template"]["metadata"]["labels"]
    assert not server_policy(VOLUME_MODEL)["spec"]["podSelector"]["matchLabels"].items() <= download_pods.items()


def test_servers_are_offline_and_never_see_the_token() -> None:
    names = {entry["name"]: entry for entry in server_environment(MODEL)}
    assert names["HF_HUB_OFFLINE"]["value"] == "1"
    assert all("valueFrom" not in entry for entry in names.values())
    assert not any("TOKEN" in name for name in names)


def test_a_plan_cannot_put_a_server_online() -> None:
    model = replace(MODEL, env={"HF_HUB_OFFLINE": "0"})
    assert {"name": "HF_HUB_OFFLINE", "value": "1"} in server_environment(model)
    assert {"name": "HF_HUB_OFFLINE", "value": "0"} not in server_environment(model)


def test_only_the_downloader_gets_the_token_and_as_a_file() -> None:
    assert {"name": "HF_TOKEN_PATH", "value": "/var/run/secrets/huggingface/token"} in download_environment(MODEL)
    assert "HF_HUB_OFFLINE" not in {entry["name"] for entry in download_environment(MODEL)}
    pod = deployment(MODEL, "p")["spec"]["template"]["spec"]
    (volume,) = [volume for volume in pod["volumes"] if "secret" in volume]
    assert volume["secret"]["secretName"] == "llama-hf-token"
    assert volume["secret"]["items"] == [{"key": "token", "path": "token"}]
    mounted = {volume_mount["name"] for volume_mount in pod["initContainers"][0]["volumeMounts"]}
    assert volume["name"] in mounted
    assert volume["name"] not in {volume_mount["name"] for volume_mount in pod["containers"][0]["volumeMounts"]}


def test_no_pod_has_the_token_of_a_model_that_needs_none_or_is_downloaded_by_a_job() -> None:
    for model in (OPEN_MODEL, VOLUME_MODEL):
        pod = deployment(model, "p")["spec"]["template"]["spec"]
        assert not any("secret" in volume for volume in pod["volumes"])
    assert not any("TOKEN" in entry["name"] for entry in download_environment(OPEN_MODEL))
    job = of_model(VOLUME_MODEL)["download-job"]["spec"]["template"]["spec"]
    assert any(volume.get("secret", {}).get("secretName") == "existing-token" for volume in job["volumes"])


def test_a_tag_is_looked_up_at_each_start_and_a_digest_never() -> None:
    def policies(model: ServedModel) -> set[str]:
        pod = deployment(model, "p")["spec"]["template"]["spec"]
        return {each["imagePullPolicy"] for each in (*pod.get("initContainers", []), *pod["containers"])}

    assert policies(MODEL) == {"Always"}
    assert policies(VOLUME_MODEL) == {"IfNotPresent"}


def test_a_pod_with_cores_of_its_own_is_limited_to_what_it_requests_in_every_container() -> None:
    own = replace(
        MODEL,
        resources=replace(MODEL.resources, cpu_request="3", cpu_limit="3"),
        download_resources=replace(MODEL.download_resources, cpu_limit="1"),
    )
    pod = deployment(own, "models")["spec"]["template"]["spec"]
    containers = [*pod.get("initContainers", []), *pod["containers"]]
    assert len(containers) == 2
    for container in containers:
        asked, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert {key: asked[key] for key in ("cpu", "memory")} == {key: limits[key] for key in ("cpu", "memory")}


def test_the_download_may_use_the_cpus_that_the_server_asks_for_and_the_server_any() -> None:
    (init,) = deployment(MODEL, "p")["spec"]["template"]["spec"]["initContainers"]
    (server,) = deployment(MODEL, "p")["spec"]["template"]["spec"]["containers"]
    assert init["resources"]["limits"]["cpu"] == server["resources"]["requests"]["cpu"]
    assert "cpu" not in server["resources"]["limits"]


def test_a_volume_model_downloads_in_one_job_and_an_empty_dir_model_in_each_pod() -> None:
    volume = of_model(VOLUME_MODEL)
    assert "initContainers" not in volume["deployment"]["spec"]["template"]["spec"]
    assert "download-job" in volume
    assert "download-job" not in of_model(MODEL)
    (init,) = deployment(MODEL, "p")["spec"]["template"]["spec"]["initContainers"]
    assert init["image"] == MODEL.image, "the downloader's image must be the one the node pulls anyway"


def test_the_downloader_asks_for_the_pinned_revision_and_no_gpu() -> None:
    container = download_container(MODEL)
    assert f'"revision": "{MODEL.revision}"' in container["args"][0]
    assert "nvidia.com/gpu" not in container["resources"]["limits"]
    assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in container["env"]


def test_the_downloader_is_told_what_the_server_reads_and_how_much_room_there_is() -> None:
    asked = json.loads(download_container(MODEL)["args"][0])
    (own,) = asked["repositories"]
    assert own["weights"][0] == "*.safetensors!consolidated*"
    assert 0.97 * 40 * 2**30 < asked["room_bytes"] < 40 * 2**30
    assert "def weight_files" in download_container(MODEL)["command"][2]


def test_a_rollout_starts_first_only_where_a_gpu_is_free() -> None:
    assert rolling_update(MODEL) == {"maxSurge": 0, "maxUnavailable": 1}
    assert rolling_update(VOLUME_MODEL) == {"maxSurge": 1, "maxUnavailable": 0}


def test_pods_that_share_a_volume_of_one_node_are_kept_on_it_and_others_are_spread() -> None:
    one_node = replace(VOLUME_MODEL, cache=replace(VOLUME_MODEL.cache, access_mode="ReadWriteOnce"), max_surge=0)
    pod = deployment(one_node, "p")["spec"]["template"]["spec"]
    (term,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    labels = deployment(one_node, "p")["spec"]["template"]["metadata"]["labels"]
    assert term["labelSelector"]["matchLabels"].items() <= labels.items(), "the first pod must satisfy its own affinity"
    assert "topologySpreadConstraints" not in pod
    assert "podAntiAffinity" not in pod["affinity"]
    spread = deployment(VOLUME_MODEL, "p")["spec"]["template"]["spec"]
    assert "podAffinity" not in spread["affinity"]
    assert "podAntiAffinity" in spread["affinity"]
    assert len(spread["topologySpreadConstraints"]) == 2


def test_no_sleep_means_no_lifecycle_hook() -> None:
    (server,) = deployment(VOLUME_MODEL, "p")["spec"]["template"]["spec"]["containers"]
    assert "lifecycle" not in server


def test_a_server_that_does_not_download_reaches_nothing() -> None:
    assert server_policy(VOLUME_MODEL)["spec"]["egress"] == []
    assert "Egress" in server_policy(VOLUME_MODEL)["spec"]["policyTypes"]


def test_a_pod_that_downloads_reaches_dns_and_public_https_only() -> None:
    for policy in (server_policy(MODEL), download_policy(VOLUME_MODEL)):
        dns, hub = policy["spec"]["egress"]
        assert {port["port"] for port in dns["ports"]} == {53}
        assert [port["port"] for port in hub["ports"]] == [443]
        assert "169.254.0.0/16" in hub["to"][0]["ipBlock"]["except"], "the instance's credentials stay out of reach"
        assert "10.0.0.0/8" in hub["to"][0]["ipBlock"]["except"], "the VPC and the API server stay out of reach"


def test_clients_come_from_named_namespaces_and_scrapes_from_prometheus_only() -> None:
    (rule,) = server_policy(MODEL)["spec"]["ingress"]
    assert [source["namespaceSelector"]["matchLabels"][NAMESPACE_NAME] for source in rule["from"]] == [
        "models",
        "chat",
        "monitoring",
    ]
    assert rule["from"][-1]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}
    assert rule["ports"] == [{"protocol": "TCP", "port": 8000}]
    assert all(source.keys() & {"namespaceSelector", "podSelector"} for source in rule["from"])


def test_no_monitoring_means_no_opening_for_it() -> None:
    (rule,) = server_policy(VOLUME_MODEL)["spec"]["ingress"]
    assert len(rule["from"]) == 1


def test_a_scrape_never_takes_longer_than_its_interval() -> None:
    (endpoint,) = pod_monitor(replace(MODEL, scrape_interval_seconds=5))["spec"]["podMetricsEndpoints"]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("5s", "5s")


def test_manifests_are_built_anew_each_time() -> None:
    first, second = yaml.safe_dump(of_model(MODEL)), of_model(MODEL)
    second["deployment"]["spec"]["template"]["spec"]["containers"][0]["args"].append("--broken")
    second["network-policy"]["spec"]["ingress"].clear()
    assert yaml.safe_dump(of_model(MODEL)) == first
