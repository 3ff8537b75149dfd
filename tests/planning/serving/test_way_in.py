"""Where weights come from: a mirror or a proxy, and what the downloader may then reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.cluster.gpu_smoke_test import smoke_test_job
from components.serving.manifests.deployment import deployment
from components.serving.manifests.download import download_container, download_job
from components.serving.manifests.network_policy import server_policy
from settings.read import read
from tests.components.plans import SMOKE_TEST, VOLUME_MODEL
from tests.planning.stacks import errors, model, planned, refusal

MIRROR = {"endpoint": "https://hub.internal:8443/", "cidrs": ["10.1.2.0/24"]}


def test_without_settings_nothing_is_told_and_the_hub_alone_is_open() -> None:
    served = planned().models[0]
    names = {each["name"] for each in download_container(served)["env"]}
    assert names.isdisjoint({"HF_ENDPOINT", "HTTPS_PROXY"})
    assert len(server_policy(served)["spec"]["egress"]) == 2


def test_a_mirror_is_told_to_the_downloader_only_and_opened_on_its_port() -> None:
    served = planned(downloads=MIRROR).models[0]
    environment = {each["name"]: each["value"] for each in download_container(served)["env"]}
    assert environment["HF_ENDPOINT"] == "https://hub.internal:8443"
    assert environment["HF_HUB_DISABLE_XET"] == "1"
    pod = deployment(served, "p")["spec"]["template"]["spec"]
    assert "HF_ENDPOINT" not in {each["name"] for each in pod["containers"][0]["env"]}
    _, public, private = server_policy(served)["spec"]["egress"]
    assert [port["port"] for port in public["ports"]] == [443, 8443]
    assert private["to"] == [{"ipBlock": {"cidr": "10.1.2.0/24"}}]
    assert [port["port"] for port in private["ports"]] == [8443]


def test_a_proxy_is_not_asked_for_what_is_in_the_cluster() -> None:
    served = planned(downloads={"proxy": "http://proxy.internal:3128", "cidrs": ["10.1.2.3/32"]}).models[0]
    environment = {each["name"]: each["value"] for each in download_container(served)["env"]}
    assert environment["HTTPS_PROXY"] == "http://proxy.internal:3128"
    assert ".cluster.local" in environment["NO_PROXY"]


def test_a_token_does_not_travel_in_plain_text() -> None:
    gated = model(source="meta-llama/Llama-3.1-8B-Instruct", tokenSecret={"kind": "pulumiConfig"})
    refused = errors(refusal(models=[gated], downloads={"endpoint": "http://hub.internal"}))
    assert "write https://" in refused["downloads.endpoint"]
    planned(downloads={"endpoint": "http://hub.internal"})


@pytest.mark.parametrize(
    "downloads",
    [
        {"endpoint": "hub.internal"},
        {"endpoint": "https://user:hunter2xy@hub.internal"},
        {"proxy": "socks5://proxy:1080"},
        {"cidrs": ["10.0.0.0/8"]},
    ],
)
def test_addresses_that_are_none_or_hold_a_password_are_mistakes_of_the_file(downloads: dict[str, Any]) -> None:
    problems = read({"downloads": downloads}, "dev").problems
    assert [problem for problem in problems if problem.path.startswith("downloads")]
    assert not any("hunter2xy" in problem.text for problem in problems)


def test_pods_of_ours_pull_with_the_secrets_that_are_named() -> None:
    plan = planned(registry={"pullSecrets": ["regcred"]})
    wanted = [{"name": "regcred"}]
    assert deployment(plan.models[0], "p")["spec"]["template"]["spec"]["imagePullSecrets"] == wanted
    job = download_job(replace(VOLUME_MODEL, pull_secrets=("regcred",)))
    assert job["spec"]["template"]["spec"]["imagePullSecrets"] == wanted
    smoke = smoke_test_job(replace(SMOKE_TEST, pull_secrets=("regcred",)), "gpu-operator")
    assert smoke["spec"]["template"]["spec"]["imagePullSecrets"] == wanted
    assert "imagePullSecrets" not in deployment(planned().models[0], "p")["spec"]["template"]["spec"]


def test_the_downloader_gets_the_memory_that_was_asked_for_it() -> None:
    assert planned().models[0].download_resources.memory == "3Gi"
    more = planned(models=[model(resources={"downloadMemory": "8Gi"})]).models[0]
    assert more.download_resources.memory == "8Gi"
    refused = errors(refusal(models=[model(resources={"downloadMemory": "64Gi"})]))
    assert "write at most 13Gi" in refused["models[0].resources.downloadMemory"]
