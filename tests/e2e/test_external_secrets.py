"""The real External Secrets Operator (0.16.2) brings a token out of Secrets Manager: it arrives, rotates, and goes.

Its program is built only for a stack that asks for it (`python -m local tools external-secrets`); without it: skipped.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from kubernetes.client.exceptions import ApiException

from tests.e2e.cluster import Cluster, eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.loading import changed_stack

pytestmark = pytest.mark.e2e

NAME, OTHER = "prod/huggingface", "prod/database"
FIRST, ROTATED = "hf_canary4711FIRST", "hf_canary4711ROTATED"
GROUP, VERSION = "external-secrets.io", "v1"


def _from_secrets_manager(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    model["autoscaling"] = {"kind": "none", "minReplicas": 1}
    model["tokenSecret"] = {"kind": "secretsManager", "name": NAME, "property": "token"}


class Tokens(Cluster):
    """The secret in AWS and what the cluster has of it."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.manager = boto3.client(
            "secretsmanager",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{platform.ports['aws']}",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def externals(self) -> list[dict[str, Any]]:
        return list(self.custom.list_namespaced_custom_object(GROUP, VERSION, "models", "externalsecrets")["items"])

    def condition(self, name: str) -> tuple[str, str, str]:
        (external,) = [external for external in self.externals() if external["metadata"]["name"] == name]
        ready = [c for c in external.get("status", {}).get("conditions", []) if c["type"] == "Ready"]
        return (ready[0]["status"], ready[0]["reason"], ready[0].get("message", "")) if ready else ("", "", "")

    def value(self, name: str) -> str:
        data = self.core.read_namespaced_secret(name, "models").data
        return base64.b64decode(data["token"]).decode()

    def ask_again(self, name: str) -> None:
        body = {"metadata": {"annotations": {"force-sync": str(time.time_ns())}}}
        self.custom.patch_namespaced_custom_object(GROUP, VERSION, "models", "externalsecrets", name, body)

    def rotate(self, token: str) -> None:
        self.manager.put_secret_value(SecretId=NAME, SecretString=json.dumps({"token": token}))


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_unless_built("external-secrets")
    return changed_stack(tmp_path_factory.mktemp("external-secrets"), _from_secrets_manager)


@pytest.fixture(scope="module")
def tokens(stack_file: Path, platform: Platform) -> Iterator[Tokens]:
    made = Tokens(platform)
    made.manager.create_secret(Name=NAME, SecretString=json.dumps({"token": FIRST}))
    made.manager.create_secret(Name=OTHER, SecretString="canary of somebody else")
    platform.run("up", "--stack-file", str(stack_file))
    yield made
    platform.run("down", "--stack", "local")


def _only(tokens: Tokens) -> str:
    (external,) = [external for external in tokens.externals() if external["metadata"]["name"].startswith("qwen-hf-")]
    return str(external["metadata"]["name"])


def test_the_token_arrives_and_is_in_no_state(platform: Platform, tokens: Tokens, stack_file: Path) -> None:
    name = _only(tokens)
    assert tokens.condition(name)[0] == "True"
    assert tokens.value(name) == FIRST
    owner = tokens.core.read_namespaced_secret(name, "models").metadata.owner_references[0]
    assert (owner.kind, owner.name) == ("ExternalSecret", name)
    assert "canary" not in platform.stack("local").state_file.read_text()
    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(stack_file))
    assert platform.stack("local").up(refresh=True).changes == 0


def test_a_rotated_token_arrives_without_pulumi_which_has_nothing_to_say_of_it(
    platform: Platform, tokens: Tokens
) -> None:
    name = _only(tokens)
    tokens.rotate(ROTATED)
    tokens.ask_again(name)
    eventually("rotated", lambda: tokens.value(name) == ROTATED, lambda: tokens.condition(name))
    assert platform.stack("local").up(refresh=True).changes == 0
    assert tokens.value(name) == ROTATED


def test_its_role_reads_no_secret_that_no_model_names(tokens: Tokens) -> None:
    """By the store of the stack, and with a right to write ExternalSecrets: IAM is what says no."""
    spec = {
        "secretStoreRef": {"kind": "SecretStore", "name": "aws-secrets-manager"},
        "target": {"name": "stolen"},
        "data": [{"secretKey": "token", "remoteRef": {"key": OTHER}}],
    }
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "ExternalSecret", "metadata": {"name": "thief"}, "spec": spec}
    tokens.custom.create_namespaced_custom_object(GROUP, VERSION, "models", "externalsecrets", body)
    eventually("refused", lambda: tokens.condition("thief")[0] == "False", lambda: tokens.condition("thief"))
    with pytest.raises(ApiException):
        tokens.core.read_namespaced_secret("stolen", "models")
    tokens.custom.delete_namespaced_custom_object(GROUP, VERSION, "models", "externalsecrets", "thief")


def test_a_secret_that_is_gone_is_told_and_the_last_token_stays(tokens: Tokens) -> None:
    name = _only(tokens)
    tokens.manager.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)
    tokens.ask_again(name)
    eventually("told", lambda: tokens.condition(name)[0] == "False", lambda: tokens.condition(name))
    assert tokens.condition(name)[1] == "SecretSyncedError"
    assert tokens.value(name) == ROTATED
    tokens.manager.create_secret(Name=NAME, SecretString=json.dumps({"token": FIRST}))
    tokens.ask_again(name)
    eventually("back", lambda: tokens.condition(name)[0] == "True", lambda: tokens.condition(name))


def test_a_destroy_leaves_no_secret_no_definition_and_no_operator(platform: Platform, tokens: Tokens) -> None:
    platform.run("down", "--stack", "local")
    assert tokens.definitions(GROUP, f"generators.{GROUP}") == set()
    secrets = tokens.core.list_secret_for_all_namespaces().items
    assert not [secret.metadata.name for secret in secrets if secret.metadata.name.startswith("qwen-hf-")]
    assert not platform.processes.is_alive("external-secrets")
    assert tokens.manager.describe_secret(SecretId=NAME)["Name"] == NAME, "the secret is its owner's"
