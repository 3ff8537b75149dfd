"""Wrong stack files: every mistake at once, with path, value, limit and what to write instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from settings.cluster import CreateCluster, EndpointAccess
from settings.models import EmptyDirCache
from settings.read import (
    Loaded,
    SecretNeed,
    loaded_from,
    read,
    secret_needs,
    secret_problems,
    unknown_key_problems,
)
from settings.schema import json_schema
from settings.tokens import PulumiConfigToken
from tests.conftest import REPO
from tests.golden import assert_matches

REVISION = "a09a35458c702b33eeacc393d103063234e8bc28"
POOL = {"name": "l4", "instanceTypes": ["g6.xlarge"]}
MODEL = {"name": "qwen", "source": "Qwen/Qwen2.5-7B-Instruct", "revision": REVISION}


def problems(sections: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in read(sections, "dev").problems]


def test_an_empty_stack_file_is_valid_and_takes_every_default() -> None:
    loaded = read({}, "dev")
    assert loaded.problems == ()
    assert loaded.settings is not None
    assert isinstance(loaded.settings.cluster, CreateCluster)
    assert loaded.settings.models == ()


def test_kinds_may_be_left_out_where_one_choice_is_the_usual_one() -> None:
    loaded = read({"cluster": {"version": "1.33"}, "models": [{**MODEL, "cache": {}, "tokenSecret": {}}]}, "dev")
    assert loaded.problems == ()
    assert loaded.settings is not None
    model = loaded.settings.models[0]
    assert isinstance(model.cache, EmptyDirCache)
    assert model.token_secret == PulumiConfigToken(kind="pulumiConfig", key="hfToken")


def test_the_dev_stack_file_says_all_it_has_to_in_25_lines() -> None:
    lines = (REPO / "Pulumi.dev.yaml").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if not line.lstrip().startswith("#")]) <= 25


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_the_stack_files_we_ship_are_valid(stack: str) -> None:
    config = yaml.safe_load((REPO / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    loaded = read({key.removeprefix("vllm-on-eks:"): value for key, value in config.items()}, stack)
    assert loaded.problems == ()


def test_many_mistakes_are_all_told_at_once() -> None:
    document = {
        "cluster": {"endpointAccess": "publicAndPrivate", "version": 1.34},
        "network": {"zones": ["us-east-1a"], "cidr": "10.0.0.1/16"},
        "nodePools": [{**POOL, "minNodes": 5, "maxNodes": 2, "capcity": "spot"}, {"name": "GPU"}],
        "models": [
            {"name": "Qwen_", "source": "Qwen2.5", "maxModelLen": 0, "token": "hf_abcdefghijklmnop"},
            {**MODEL, "revision": "main", "cache": {"kind": "disk"}, "dtype": "float61", "acceptedRisks": 5},
            {**MODEL, "name": "x", "gpuMemoryUtilization": float("nan"), "autoscaling": {"minReplicas": "two"}},
        ],
        "netwrk": {},
        "tags": ["a"],
    }
    text = "\n".join(problems(document)) + "\n"
    assert "hf_abcdefghijklmnop" not in text
    assert_matches(REPO / "tests/settings/goldens/many-mistakes.txt", text)


def test_rules_that_span_fields_are_told_even_when_other_fields_are_wrong() -> None:
    told = problems({"nodePools": [{**POOL, "minNodes": 5, "maxNodes": 2, "diskGib": 1}]})
    assert told == [
        "nodePools[0].diskGib: 1 is less than 50; write 50 or more",
        "nodePools[0]: minNodes 5 is more than maxNodes 2; write maxNodes: 5 or more",
    ]


def test_what_is_left_of_a_wrong_file_can_still_be_planned() -> None:
    loaded = read({"nodePools": [POOL], "models": [{**MODEL, "maxModelLen": "long"}]}, "dev")
    assert [problem.path for problem in loaded.problems] == ["models[0].maxModelLen"]
    assert loaded.settings is not None
    assert loaded.settings.models[0].name == "qwen"


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"endpointAccess": "publicAndPrivate"}, "without publicAccessCidrs"),
        ({"endpointAccess": "publicAndPrivate", "publicAccessCidrs": ["0.0.0.0/0"]}, "the whole internet"),
        (
            {"endpointAccess": "private", "publicAccessCidrs": ["203.0.113.0/24"]},
            "has no effect while endpointAccess is private",
        ),
    ],
)
def test_the_kubernetes_api_is_never_open_to_everybody(cluster: dict[str, Any], message: str) -> None:
    assert any(message in problem for problem in problems({"cluster": cluster}))


def test_who_lists_addresses_and_says_no_more_opens_the_api_to_them_and_to_nobody_else() -> None:
    loaded = read({"cluster": {"publicAccessCidrs": ["54.1.2.3/32"]}}, "dev")
    assert loaded.settings is not None
    cluster = loaded.settings.cluster
    assert isinstance(cluster, CreateCluster)
    assert cluster.endpoint_access is EndpointAccess.PUBLIC_AND_PRIVATE
    assert cluster.public_access_cidrs == ("54.1.2.3/32",)
    for silent in ({}, {"publicAccessCidrs": []}, {"version": "1.35"}):
        private = read({"cluster": silent}, "dev").settings
        assert private is not None
        assert isinstance(private.cluster, CreateCluster)
        assert private.cluster.endpoint_access is EndpointAccess.PRIVATE
    assert any(
        "the whole internet" in problem for problem in problems({"cluster": {"publicAccessCidrs": ["0.0.0.0/0"]}})
    )


def test_two_models_of_one_name_and_an_existing_cluster_in_a_new_network_are_refused() -> None:
    told = problems({"cluster": {"kind": "existing", "name": "main"}, "models": [MODEL, MODEL]})
    assert len(told) == 2
    assert "two models are called 'qwen'" in told[0]
    assert "network.kind is create" in told[1]


def test_a_model_has_a_name_of_its_own_in_another_namespace_too() -> None:
    assert "whatever the namespace" in problems({"models": [MODEL, {**MODEL, "namespace": "other"}]})[0]


def test_secrets_that_settings_name_are_needed_once_each() -> None:
    token = {"tokenSecret": {"kind": "pulumiConfig", "key": "hfToken"}}
    loaded = read({"models": [{**MODEL, **token}, {**MODEL, "name": "b", **token}]}, "dev")
    assert loaded.settings is not None
    assert secret_needs(loaded.settings) == (
        SecretNeed("grafanaPassword", "monitoring.grafana.passwordKey"),
        SecretNeed("hfToken", "models[0].tokenSecret.key"),
    )


def test_without_grafana_no_password_is_needed() -> None:
    loaded = read({"monitoring": {"grafana": {"enabled": False}}}, "dev")
    assert loaded.settings is not None
    assert secret_needs(loaded.settings) == ()


def test_a_missing_secret_names_the_command_and_a_plain_one_is_refused_without_its_value() -> None:
    needs = (SecretNeed("hfToken", "models[0].tokenSecret.key"), SecretNeed("grafanaPassword", "monitoring"))
    told = [str(problem) for problem in secret_problems(needs, {"grafanaPassword": False}, "dev")]
    assert "run: pulumi config set --secret vllm-on-eks:hfToken --stack dev" in told[0]
    assert "stored in plain text" in told[1]


def test_a_config_key_that_nobody_reads_is_an_error() -> None:
    told = [str(problem) for problem in unknown_key_problems(["modles", "hfToken", "models"], ())]
    assert told == [
        "vllm-on-eks:modles: unknown key; did you mean models?",
        f"vllm-on-eks:hfToken: unknown key; known are: {', '.join(sorted(json_schema()['properties']))}",
    ]


RECEIVER = '"receiver": {"kind": "webhook", "urlKey": "alertWebhook"}'
OFF = "run: pulumi config rm vllm-on-eks:"


@pytest.mark.parametrize(
    ("sections", "key", "named_by"),
    [
        ({"monitoring": '{"enabled": false}'}, "grafanaPassword", "monitoring.grafana.passwordKey"),
        ({"monitoring": '{"grafana": {"enabled": false}}'}, "grafanaPassword", "monitoring.grafana.passwordKey"),
        ({"monitoring": '{"enabled": false, "grafana": {"passwordKey": "boss"}}'}, "boss", "passwordKey"),
        ({"monitoring": f'{{"enabled": false, "alerts": {{{RECEIVER}}}}}'}, "alertWebhook", "alerts.receiver.urlKey"),
        (
            {"monitoring": f'{{"grafana": {{"enabled": false}}, "alerts": {{"enabled": false, {RECEIVER}}}}}'},
            "alertWebhook",
            "alerts.receiver.urlKey",
        ),
        ({"monitoring": '{"enabled": false}'}, "hfToken", "no setting names it"),
        ({"monitoring": '{"enabled": false}'}, "ofLastYear", "no setting names it"),
    ],
)
def test_a_secret_left_over_from_what_is_switched_off_is_a_warning_that_says_what_to_do(
    sections: dict[str, str], key: str, named_by: str
) -> None:
    loaded = loaded_from({**sections, key: "canary"}, {key}, "dev")
    assert loaded.problems == ()
    (told,) = map(str, loaded.warnings)
    assert told.startswith(f"vllm-on-eks:{key}: ")
    assert named_by in told
    assert told.endswith(f"{OFF}{key} --stack dev")
    assert "canary" not in repr(loaded)


def test_a_left_over_secret_in_plain_text_is_still_an_error() -> None:
    for key in ("grafanaPassword", "hfToken"):
        loaded = loaded_from({"monitoring": '{"enabled": false}', key: "canary"}, set(), "dev")
        (told,) = map(str, loaded.problems)
        assert "regard it as leaked" in told
        assert told.endswith(f"{OFF}{key} --stack dev")
        assert loaded.warnings == ()
        assert "canary" not in repr(loaded)


def test_a_secret_in_use_is_no_warning() -> None:
    loaded = loaded_from({"grafanaPassword": ""}, {"grafanaPassword"}, "dev")
    assert (loaded.problems, loaded.warnings) == ((), ())


def test_a_section_that_is_misspelt_and_encrypted_stays_an_error() -> None:
    loaded = loaded_from({"modles": "[]", "monitoring": '{"enabled": false}'}, {"modles"}, "dev")
    assert [str(problem) for problem in loaded.problems] == ["vllm-on-eks:modles: unknown key; did you mean models?"]
    assert loaded.warnings == ()


@pytest.mark.parametrize("models", ["3", "[{}]", "["])
@pytest.mark.parametrize("encrypted", [{"hfToken"}, set()])
def test_while_settings_are_wrong_nobody_is_told_to_remove_a_secret(models: str, encrypted: set[str]) -> None:
    """What is wrong may be what names it."""
    texts = {"models": models, "monitoring": '{"enabled": false}', "hfToken": "{canary" if encrypted else "canary"}
    loaded = loaded_from(texts, encrypted, "dev")
    assert loaded.problems
    assert "hfToken" not in str((loaded.problems, loaded.warnings))


def test_without_alerts_their_receivers_secret_is_not_needed() -> None:
    receiver = {"kind": "webhook", "urlKey": "alertWebhook"}
    loaded = read({"monitoring": {"alerts": {"enabled": False, "receiver": receiver}}}, "dev")
    assert loaded.settings is not None
    assert [need.key for need in secret_needs(loaded.settings)] == ["grafanaPassword"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES: list[tuple[str | int, ...]] = [
    ("region",), ("cluster",), ("cluster", "version"), ("cluster", "accessEntries"), ("network",), ("network", "zones"),
    ("nodePools",), ("nodePools", 0), ("nodePools", 0, "instanceTypes"), ("nodePools", 0, "labels"), ("models",),
    ("models", 0), ("models", 0, "cache"), ("models", 0, "tokenSecret"), ("models", 0, "autoscaling"),
    ("models", 0, "autoscaling", "scaleDown"), ("models", 0, "maxModelLen"), ("models", 0, "extraArgs"), ("tags",),
    ("monitoring", "grafana"), ("registry", "mirror"),
]  # fmt: skip


@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_at_any_place_is_taken_or_told_with_its_path(place: tuple[str | int, ...], value: Any) -> None:
    document: dict[str, Any] = {
        "region": "us-east-1", "cluster": {}, "network": {}, "nodePools": [dict(POOL)],
        "models": [{**MODEL, "autoscaling": {}}], "monitoring": {}, "registry": {}, "tags": {},
    }  # fmt: skip
    here: Any = document
    for part in place[:-1]:
        here = here[part]
    here[place[-1]] = value
    loaded = read(document, "dev")
    assert isinstance(loaded, Loaded)
    if loaded.problems:
        assert all(problem.message and problem.path for problem in loaded.problems)
        assert any(str(place[0]) in problem.path or problem.path == "stack file" for problem in loaded.problems)
    else:
        assert loaded.settings is not None


def test_reading_leaves_the_document_as_it_was() -> None:
    document = {"models": [{**MODEL, "maxModelLen": 0}]}
    before = json.dumps(document)
    read(document, "dev")
    assert json.dumps(document) == before
