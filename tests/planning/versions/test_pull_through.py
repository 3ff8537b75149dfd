"""ECR as a cache: names of images, rules, and what ECR would refuse."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from planning.versions.images import stack_images
from planning.versions.mirroring import as_json, as_text
from planning.versions.pins import mirrored
from planning.versions.pull_through import upstream_facts
from settings.pull_through import CachePrefix, Upstream, UpstreamRegistry
from tests.components.plans import CACHE, ECR
from tests.planning.stacks import errors, planned, refusal, stack

ACCOUNT = "111122223333"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"
HUB = {"registry": "docker.io", "credentialArn": SECRET}
UPSTREAMS = "registry.pullThrough.upstreams"
PLACE = f"{UPSTREAMS}[0].credentialArn"


def cached(*upstreams: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Sections of a stack with these upstreams; none: the default ones."""
    cache = {"prefix": "prod", **({"upstreams": upstreams} if upstreams else {})}
    return {"account": ACCOUNT, "registry": {"pullThrough": cache}, **more}


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ("quay.io/prometheus/prometheus:v3", f"{ECR}/prod/quay/prometheus/prometheus:v3"),
        ("quay.io", f"{ECR}/prod/quay"),
        ("ghcr.io/kedacore", f"{ECR}/prod/github/kedacore"),
        ("vllm/vllm-openai:v0.33.0@sha256:12", f"{ECR}/prod/docker-hub/vllm/vllm-openai:v0.33.0@sha256:12"),
        ("docker.io/grafana/grafana:13", f"{ECR}/prod/docker-hub/grafana/grafana:13"),
        ("docker.io", f"{ECR}/prod/docker-hub"),
        ("docker.io/busybox:1.37.0", f"{ECR}/prod/docker-hub/library/busybox:1.37.0"),
        ("busybox:1.37.0", f"{ECR}/prod/docker-hub/library/busybox:1.37.0"),
        ("nvcr.io/nvidia/gpu-operator:v26.7.0", "nvcr.io/nvidia/gpu-operator:v26.7.0"),
        ("nvcr.io/nvidia", "nvcr.io/nvidia"),
        ("registry.acme.dev:5000/vllm:1", "registry.acme.dev:5000/vllm:1"),
        ("localhost:5000/vllm:1", "localhost:5000/vllm:1"),
        (f"{ECR}/prod/quay/a/b:1", f"{ECR}/prod/quay/a/b:1"),
    ],
)
def test_an_image_is_below_the_prefix_of_its_registry_and_others_stay_where_they_are(image: str, place: str) -> None:
    assert mirrored(image, CACHE) == place
    assert mirrored(place, CACHE) == place


def test_by_default_the_registries_that_need_no_credential_are_cached() -> None:
    plan = planned(**cached())
    assert plan.pull_through is not None
    assert {upstream.registry: upstream.prefix for upstream in plan.pull_through.upstreams} == {
        "public.ecr.aws": "prod/ecr-public",
        "quay.io": "prod/quay",
        "registry.k8s.io": "prod/kubernetes",
    }
    assert plan.models[0].image.startswith("vllm/vllm-openai"), "Docker Hub's needs a credential"
    assert planned().pull_through is None


def test_the_servers_image_and_the_nodes_rights_follow_the_upstream() -> None:
    plan = planned(**cached(HUB))
    host = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
    assert plan.pull_through is not None
    assert plan.models[0].image.startswith(f"{host}/prod/docker-hub/vllm/vllm-openai:")
    assert [(upstream.url, upstream.credential_arn) for upstream in plan.pull_through.upstreams] == [
        ("registry-1.docker.io", SECRET)
    ]
    assert CACHE.host == ECR


def test_charts_come_from_their_own_repositories() -> None:
    charts = {
        release.charts["opentelemetry-collector"].repository
        for release in planned(
            **cached(HUB), tracing={"kind": "collector", "endpoint": "http://tempo.observability.svc:4317"}
        ).operators
    }
    assert charts == {"https://open-telemetry.github.io/opentelemetry-helm-charts"}


@pytest.mark.parametrize(
    ("sections", "path", "words"),
    [
        ({**cached(), "account": None}, "registry.pullThrough", "the account is in each image's name"),
        (cached({"registry": "docker.io"}), PLACE, "ECR takes no rule for docker.io without a credential"),
        (cached({"registry": "ghcr.io"}), PLACE, "ECR takes no rule for ghcr.io without a credential"),
        (cached({"registry": "quay.io", "credentialArn": SECRET}), PLACE, "ECR takes no credential for quay.io"),
        (cached({**HUB, "credentialArn": SECRET.replace("us-east-1", "us-west-2")}), PLACE, "us-west-2, and ECR"),
        (cached({**HUB, "credentialArn": SECRET.replace("1111", "9999")}), PLACE, "the secret is in 999922223333"),
        (
            cached({"registry": "quay.io"}, {"registry": "quay.io"}),
            f"{UPSTREAMS}[1]",
            "cached already",
        ),
    ],
)
def test_what_ecr_would_refuse_is_refused(sections: dict[str, Any], path: str, words: str) -> None:
    assert words in errors(refusal(**sections))[path]


def test_a_mirror_and_a_cache_are_one_too_many() -> None:
    sections = cached()
    sections["registry"]["mirror"] = "registry.example/mirror"
    assert "each would have two places" in errors(refusal(**sections))["registry.pullThrough"]


@pytest.mark.parametrize(
    ("cache", "words"),
    [
        ({"prefix": "Prod"}, "not a prefix of repositories"),
        ({"prefix": "a/b"}, "not a prefix of repositories"),
        ({"prefix": "p" * 20}, "at most 19"),
        ({}, "prefix"),
        ({"prefix": "p", "upstreams": [{"registry": "nvcr.io"}]}, "nvcr.io|Input should be"),
        ({"prefix": "p", "upstreams": []}, "at least 1"),
        ({"prefix": "p", "upstreams": [{"registry": "ghcr.io", "credentialArn": SECRET.replace("ecr-pull", "pull")}]},
         "not the ARN of a secret that ECR may read"),
    ],
)  # fmt: skip
def test_a_section_that_cannot_be_is_refused(cache: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        stack(account=ACCOUNT, registry={"pullThrough": cache})


def test_settings_and_facts_name_the_same_registries_and_the_longest_prefix_is_ecrs() -> None:
    facts = upstream_facts()
    assert set(get_args(UpstreamRegistry)) == set(facts)
    longest = TypeAdapter(CachePrefix).json_schema()["maxLength"]
    # API_CreatePullThroughCacheRule: ecrRepositoryPrefix, maximum length of 30.
    assert longest + 1 + max(len(row["name"]) for row in facts.values()) == 30
    assert Upstream(registry="quay.io").credential_arn is None


def test_the_list_says_as_what_each_image_is_pulled() -> None:
    plan = planned(**cached(HUB))
    document = as_json(planned(), None, plan.pull_through)
    pulled = {image["image"]: image["pulled_as"] for image in document["images"]}
    assert set(pulled) == {use.image for use in stack_images(planned())}
    (served,) = (name for name in pulled if "vllm-openai" in name)
    assert pulled[served] == plan.models[0].image
    of_hub = [name for name in pulled if name.startswith("docker.io/")]
    assert {name for name, place in pulled.items() if place} == set(of_hub)
    assert f"    pulled as {pulled[served]}" in "\n".join(as_text(document))
