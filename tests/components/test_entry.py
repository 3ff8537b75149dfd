"""One address through an Ingress: closed before it is open, and nothing but listed paths behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.cluster.entry import Entry, EntryArgs, manifests
from components.cluster.entry.envoy import bootstrap
from components.cluster.gateway.manifests import NAME as GATEWAY_NAME
from planning.cluster.entry import NAME
from planning.model import EntryPlan, RoutedModel
from settings.gateway import API_PATHS
from tests.components.entries import ENTRIES, PLAIN, SEVERAL, VERSIONS
from tests.components.rendered import of_entry
from tests.engine import record
from tests.golden import as_yaml, assert_matches
from tests.planning.stacks import model
from tests.program import run_program

GOLDENS = Path(__file__).parent / "goldens"
EACH = pytest.mark.parametrize("plan", ENTRIES.values(), ids=list(ENTRIES))


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_is_as_its_golden(name: str) -> None:
    made = of_entry(ENTRIES[name])
    made["configuration"]["data"] = {"envoy.json": json.loads(made["configuration"]["data"]["envoy.json"])}
    text = "---\n".join(f"# {what}\n{as_yaml(each)}" for what, each in made.items())
    assert "&id" not in text, "a shared object came out as a YAML anchor"
    assert_matches(GOLDENS / f"entry-{name}.yaml", text)


@EACH
def test_an_ingress_has_tls_and_each_listed_path_exactly_written(plan: EntryPlan) -> None:
    spec = manifests.ingress(plan)["spec"]
    (rule,), (tls,) = spec["rules"], spec["tls"]
    assert (rule["host"], tls["hosts"]) == (plan.gateway.host, [plan.gateway.host])
    paths = {path["path"]: path["pathType"] for path in rule["http"]["paths"]}
    below = {f"/{model.name}{path}" for model in plan.models for path in plan.gateway.paths}
    assert set(paths) == {*plan.gateway.paths, *below}
    assert set(paths.values()) == {"Exact"}


@EACH
def test_every_path_of_the_ingress_is_a_route_of_the_proxies_and_no_other_is(plan: EntryPlan) -> None:
    (host,) = _manager(plan, "requests")["route_config"]["virtual_hosts"]
    assert host["domains"] == [plan.gateway.host, f"{plan.gateway.host}:*"]
    written = {path["path"] for path in manifests.ingress(plan)["spec"]["rules"][0]["http"]["paths"]}
    assert {route["match"]["path"] for route in host["routes"]} == written
    clusters = {cluster["name"] for cluster in bootstrap(plan)["static_resources"]["clusters"]}
    asked = {route["route"]["cluster"] for route in host["routes"] if "cluster" in route.get("route", {})}
    assert asked <= clusters


def _manager(plan: EntryPlan, listener: str) -> dict[str, Any]:
    (one,) = (each for each in bootstrap(plan)["static_resources"]["listeners"] if each["name"] == listener)
    manager: dict[str, Any] = one["filter_chains"][0]["filters"][0]["typed_config"]
    return manager


def test_a_header_keeps_a_client_with_its_version_and_requests_without_one_are_drawn() -> None:
    def shared(plan: EntryPlan) -> list[dict[str, Any]]:
        (host,) = _manager(plan, "requests")["route_config"]["virtual_hosts"]
        return [each["route"] for each in host["routes"] if len(_weights(each)) > 1]

    assert shared(VERSIONS)
    for action in shared(VERSIONS):
        assert action["hash_policy"] == [{"header": {"header_name": "x-user"}}]
        assert action["weighted_clusters"]["use_hash_policy"] is True
    drawn = shared(replace(VERSIONS, gateway=replace(VERSIONS.gateway, session_headers={})))
    assert [("hash_policy" in action, "use_hash_policy" in action["weighted_clusters"]) for action in drawn] == [
        (False, False)
    ] * len(shared(VERSIONS))


def _weights(route: dict[str, Any]) -> list[dict[str, Any]]:
    clusters: list[dict[str, Any]] = route.get("route", {}).get("weighted_clusters", {}).get("clusters", [])
    return clusters


def test_proxies_let_the_controller_in_and_reach_models_and_only_with_tokens_the_internet() -> None:
    policy = manifests.proxy_policy(SEVERAL)["spec"]
    (into,) = policy["ingress"]
    assert [peer["namespaceSelector"]["matchLabels"] for peer in into["from"]] == [
        {"kubernetes.io/metadata.name": "ingress"}
    ]
    assert "0.0.0.0/0" in str(policy["egress"])
    assert "0.0.0.0/0" not in str(manifests.proxy_policy(PLAIN)["spec"])
    (balancer,) = manifests.proxy_policy(VERSIONS)["spec"]["ingress"]
    assert [port["port"] for port in balancer["ports"]] == [8080, 8081], "a load balancer asks after their health, too"


def test_only_where_a_controller_says_where_it_is_reached_an_update_waits_for_it() -> None:
    def waits(plan: EntryPlan) -> bool:
        return "pulumi.com/skipAwait" not in manifests.ingress(plan)["metadata"]["annotations"]

    assert not waits(PLAIN)
    assert waits(replace(PLAIN, ingress=replace(PLAIN.ingress, awaited=True)))


def test_a_proxy_that_leaves_goes_on_as_long_as_an_answer_may_take() -> None:
    pod = manifests.proxies(SEVERAL)["spec"]["template"]["spec"]
    seconds = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert seconds == SEVERAL.leaving_seconds < pod["terminationGracePeriodSeconds"]
    assert _manager(SEVERAL, "requests")["common_http_protocol_options"]["idle_timeout"] == "660s"


def test_pods_are_new_ones_when_what_they_read_at_their_start_changes() -> None:
    def pod(plan: EntryPlan) -> Any:
        return manifests.proxies(plan)["spec"]["template"]["metadata"]["annotations"]

    assert pod(SEVERAL) != pod(replace(SEVERAL, connect_seconds=6))
    assert pod(SEVERAL) == pod(replace(SEVERAL, callers=("other",)))


def test_what_restricts_an_ingress_is_there_before_it_and_proxies_after_their_policies() -> None:
    engine = record(lambda: Entry("gateway", EntryArgs(SEVERAL)))
    ingress = engine.named("gateway-ingress")
    assert {"gateway-sources", "gateway-service", "gateway-certificate"} <= ingress.depends_on
    assert {"gateway-proxies", "gateway-default-deny", "gateway-config"} <= engine.named("gateway-envoy").depends_on
    assert "gateway-envoy" in engine.named("gateway-service").depends_on
    plain = record(lambda: Entry("gateway", EntryArgs(PLAIN)))
    names = {registration.name for registration in plain.registrations}
    assert not names & {"gateway-sources", "gateway-certificate"}


def test_a_stack_with_an_ingress_has_no_envoy_gateway_and_lets_its_proxies_in() -> None:
    assert NAME == GATEWAY_NAME, "annotations name objects by it"
    sections = {
        "nodePools": [{"name": "l4", "instanceTypes": ["g6.2xlarge"], "minNodes": 2, "maxNodes": 2}],
        "systemNodes": {"minNodes": 3},
        "gateway": {
            "kind": "ingress",
            "ingressClass": "kong",
            "host": "llm.example.com",
            "certificate": {"kind": "certManager", "issuer": "letsencrypt"},
        },
        "models": [model(), model(name="other", servedName="other", namespace="search")],
    }
    engine = run_program(sections, "dev", secrets={"grafanaPassword": "canary-1"})
    releases = [each.inputs["name"] for each in engine.all("kubernetes:helm.sh/v3:Release")]
    assert "cert-manager" in releases
    assert "gateway-helm" not in releases
    assert not [each for each in engine.registrations if "gateway.networking.k8s.io" in each.type]
    policy = engine.named("chat-network-policy").inputs["spec"]["ingress"][0]["from"]
    assert {"kubernetes.io/metadata.name": "gateway"} in [peer["namespaceSelector"]["matchLabels"] for peer in policy]
    assert "cert-manager" in engine.named("gateway-certificate").depends_on
    (plugin,) = engine.all("kubernetes:configuration.konghq.com/v1:KongPlugin")
    assert plugin.inputs["config"] == {"allow": ["10.0.0.0/16"]}


def test_what_a_hundred_models_with_all_paths_make_fits_into_a_config_map() -> None:
    """The API server takes 1 MiB; a stack has no more models, and a gateway no more paths."""
    names = [f"{'m' * 30}-{number:03}" for number in range(100)]
    models = tuple(RoutedModel(name, "models" + "x" * 20, 8000, "/openai/v1") for name in names)
    gateway = replace(
        SEVERAL.gateway,
        names_of={name: (name,) for name in names},
        paths=(*API_PATHS, "/v1/responses", "/v1/rerank"),
        alone=None,
    )
    text = manifests.configuration(replace(SEVERAL, gateway=gateway, models=models))["data"][manifests.CONFIG_FILE]
    assert len(text.encode()) < 1024 * 1024
