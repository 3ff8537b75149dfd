"""The provider resource: its inputs, its kubeconfig, and when it means another cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.providers.kubernetes.kubeconfig import KubeconfigError, active_server, load_kubeconfig
from local.providers.kubernetes.settings import config_failures, config_replaces, read_settings
from local.providers.rpc import UNKNOWN, Secret


def kubeconfig(server: str, name: str = "c") -> str:
    return json.dumps(
        {
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}}],
            "clusters": [{"name": name, "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"client-certificate": "pki/admin.crt"}}],
        }
    )


A, B = kubeconfig("https://a"), kubeconfig("https://b")


@pytest.mark.parametrize(
    ("old", "new", "is_other"),
    [
        ({"kubeconfig": A}, {"kubeconfig": B}, True),
        ({"kubeconfig": A}, {"kubeconfig": Secret(B)}, True),
        ({"kubeconfig": A}, {"kubeconfig": kubeconfig("https://a", "renamed")}, False),
        ({"kubeconfig": A}, {"kubeconfig": "/a/path"}, False),
        ({"kubeconfig": A}, {"kubeconfig": UNKNOWN}, False),
        ({"kubeconfig": A}, {"kubeconfig": A, "namespace": "x"}, False),
        ({"kubeconfig": A, "clusterIdentifier": "1"}, {"kubeconfig": B, "clusterIdentifier": "1"}, False),
        ({"kubeconfig": A, "clusterIdentifier": "1"}, {"kubeconfig": A, "clusterIdentifier": "2"}, True),
        ({"kubeconfig": A}, {"kubeconfig": A, "clusterIdentifier": "1"}, False),
    ],
)
def test_another_server_or_identifier_means_another_cluster(
    old: dict[str, Any], new: dict[str, Any], is_other: bool
) -> None:
    assert config_replaces(old, new) is is_other


def test_flags_come_from_the_inputs_then_from_the_environment() -> None:
    env = {"PULUMI_K8S_DELETE_UNREACHABLE": "true", "PULUMI_K8S_ENABLE_SECRET_MUTABLE": "true"}
    settings = read_settings({"enableSecretMutable": "false", "enableConfigMapMutable": True}, env)
    assert settings.delete_unreachable
    assert settings.config_map_mutable
    assert not settings.secret_mutable
    assert settings.namespace == "default"


def test_unknown_and_unhonoured_provider_inputs_are_refused() -> None:
    failures = dict(
        config_failures(
            {"kubeconfg": "x", "enableServerSideApply": "false", "renderYamlToDirectory": "d", "context": "c"}
        )
    )
    assert failures.keys() == {"kubeconfg", "enableServerSideApply", "renderYamlToDirectory"}


def test_a_kubeconfig_is_content_a_path_or_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config"
    file.write_text(A)
    monkeypatch.setenv("KUBECONFIG", str(file))
    assert load_kubeconfig(A)["clusters"][0]["cluster"]["server"] == "https://a"
    by_path = load_kubeconfig(str(file))
    assert by_path["users"][0]["user"]["client-certificate"] == str(tmp_path / "pki/admin.crt")
    assert load_kubeconfig("") == by_path


@pytest.mark.parametrize(
    ("given", "context", "text"),
    [("/no/such/file", "", "No such file"), (A, "other", 'context "other" does not exist'), ("garbage", "", "garbage")],
)
def test_an_unusable_kubeconfig_says_why(given: str, context: str, text: str) -> None:
    with pytest.raises(KubeconfigError, match=text):
        load_kubeconfig(given, context)


def test_the_server_of_the_active_context_is_found_in_content_only() -> None:
    assert active_server(A) == "https://a"
    assert active_server("/a/path") == ""
