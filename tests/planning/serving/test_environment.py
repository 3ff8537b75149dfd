"""What a server may be given as environment, and what is refused with the setting to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from components.serving.manifests.deployment import deployment
from planning.facts import rows
from planning.model import Severity
from planning.serving.environment import ENVIRONMENT, known_to_vllm
from tests.planning.stacks import errors, model, planned, pool, refusal

OWN_IMAGE = {"repository": "registry.example.com/vllm", "tag": "v0.33.0"}
REFERENCE = {"name": "vllm-keys", "key": "api-key"}


def told(**asked: Any) -> dict[str, str]:
    return errors(refusal(models=[model(**asked)]))


def container(**asked: Any) -> list[dict[str, Any]]:
    (served,) = planned(models=[model(**asked)]).models
    server = deployment(served, "critical")["spec"]["template"]["spec"]["containers"][0]
    assert all("env" not in each or each is server for each in [server])
    return list(server["env"])


def test_a_plain_variable_is_the_servers() -> None:
    env = container(env={"NCCL_P2P_DISABLE": "1", "VLLM_LOGGING_LEVEL": "DEBUG"})
    assert {"name": "NCCL_P2P_DISABLE", "value": "1"} in env
    assert {"name": "VLLM_LOGGING_LEVEL", "value": "DEBUG"} in env


def test_a_value_from_a_secret_is_a_reference_and_never_a_text() -> None:
    env = container(secretEnv={"VLLM_API_KEY": REFERENCE})
    reference = {"secretKeyRef": {"name": "vllm-keys", "key": "api-key"}}
    assert {"name": "VLLM_API_KEY", "valueFrom": reference} in env


def test_the_downloader_gets_none_of_them() -> None:
    (served,) = planned(models=[model(env={"NCCL_DEBUG": "INFO"}, secretEnv={"VLLM_API_KEY": REFERENCE})]).models
    pod = deployment(served, "critical")["spec"]["template"]["spec"]
    for init_container in pod["initContainers"]:
        assert {"NCCL_DEBUG", "VLLM_API_KEY"}.isdisjoint(entry["name"] for entry in init_container["env"])


def test_without_the_settings_the_environment_is_ours_alone() -> None:
    (served,) = planned().models
    assert served.env == ENVIRONMENT
    assert served.secret_env == {}


@pytest.mark.parametrize("name", [entry["name"] for entry in container()])
def test_what_the_pod_sets_itself_cannot_be_set(name: str) -> None:
    assert f"models[0].env.{name}" in told(env={name: "x"})
    assert f"models[0].secretEnv.{name}" in told(secretEnv={name: REFERENCE})


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("HF_TOKEN", "write tokenSecret"),
        ("HUGGING_FACE_HUB_TOKEN", "write tokenSecret"),
        ("HF_ENDPOINT", "write downloads.endpoint"),
        ("https_proxy", "write downloads.proxy"),
        ("VLLM_PORT", "one port is the Service's"),
        ("VLLM_DP_MASTER_PORT", "one port is the Service's"),
        ("VLLM_NIXL_SIDE_CHANNEL_PORT", "one port is the Service's"),
        ("PROMETHEUS_MULTIPROC_DIR", "autoscaling, alerts and dashboards read them"),
        ("VLLM_KEEP_ALIVE_ON_ENGINE_DEATH", "would not restart it"),
        ("VLLM_SERVER_DEV_MODE", "every client of the Service"),
        ("VLLM_LOGGING_CONFIG_PATH", "the pod does not have"),
        ("NVIDIA_VISIBLE_DEVICES", "device plugin"),
        ("LD_PRELOAD", "which code runs"),
        ("AWS_SECRET_ACCESS_KEY", "reaches no cloud"),
        ("VLLM_PLUGINS", "no official image has"),
    ],
)
def test_what_the_stack_relies_on_is_refused_with_what_to_do(name: str, write: str) -> None:
    assert write in told(env={name: "1"})[f"models[0].env.{name}"]


@pytest.mark.parametrize("name", ["VLLM_API_KEY", "MY_PASSWORD", "S3_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "DB_TOKEN"])
def test_a_credential_by_its_name_belongs_into_a_secret(name: str) -> None:
    message = told(env={name: "abc"})[f"models[0].env.{name}"]
    assert f"write secretEnv: {{{name}: {{name: <Secret>, key: <key>}}}}" in message
    assert "abc" not in message
    assert container(secretEnv={name: REFERENCE})


def test_a_credential_by_its_value_is_refused_and_not_repeated() -> None:
    value = "hf_" + "a1B2" * 8
    lines = told(env={"GREETING": value})
    assert lines
    assert value not in str(lines)


def test_a_name_twice_is_refused() -> None:
    lines = told(env={"GREETING": "a"}, secretEnv={"GREETING": REFERENCE})
    assert "is in env too" in lines["models[0].secretEnv.GREETING"]


def test_a_name_that_vllm_does_not_read_is_warned_of_with_the_nearest() -> None:
    findings = planned(models=[model(env={"VLLM_LOGING_LEVEL": "DEBUG"})]).findings
    (told_of,) = [finding for finding in findings if finding.rule == "environment-unknown"]
    assert told_of.severity is Severity.WARNING
    assert "did you mean VLLM_LOGGING_LEVEL" in told_of.fix


def test_code_is_for_images_of_ones_own() -> None:
    served = model(env={"VLLM_PLUGINS": "mine"}, image=OWN_IMAGE)
    assert any(finding.rule == "environment-risk" for finding in planned(nodePools=[pool()], models=[served]).findings)


def test_rows_that_name_vllms_variables_name_real_ones() -> None:
    """A row without a wildcard that no vLLM reads would protect nothing."""
    gone = {"VLLM_DO_NOT_TRACK"}
    for row in rows("environment.csv"):
        for name in row["name"].split("|"):
            if name.startswith("VLLM_") and not set(name) & set("().*?"):
                assert name in known_to_vllm() | gone, name
