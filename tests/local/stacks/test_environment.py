"""The environment in which every tool means the platform and none means a real account."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from local.control_plane.certificates import write_private
from local.host.ports import USUAL
from local.stacks.environment import env_script, link_providers, platform_environment, process_environment
from tests.local.places import paths_in


def test_every_client_is_pointed_at_the_platform(tmp_path: Path) -> None:
    environment = platform_environment(paths_in(tmp_path), USUAL)
    assert environment["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{USUAL['aws']}"
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state/pulumi?metadata=skip"
    assert environment["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{tmp_path}/state/passphrase"
    assert environment["PULUMI_SKIP_UPDATE_CHECK"] == "1"
    assert environment["PULUMI_IGNORE_AMBIENT_PLUGINS"] == "true"
    first, second, third = environment["PATH"].split(":")[:3]
    assert first.endswith("local/bin")
    assert (Path(second) / "python").exists()
    assert third == f"{tmp_path}/tools/bin"


def test_nothing_of_a_users_own_accounts_gets_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "PULUMI_ACCESS_TOKEN", "AWS_ACCESS_KEY_ID"):
        monkeypatch.setenv(name, "real")
    environment = process_environment(paths_in(tmp_path), USUAL)
    assert "real" not in environment.values()
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"


def test_no_secret_is_in_the_environment(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    paths.pki.mkdir(parents=True)
    write_private(paths.token_file, "canary-token")
    write_private(paths.state / "passphrase", "canary-passphrase")
    assert "canary" not in env_script(paths, USUAL)


def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_private(tmp_path / "passphrase", "x")
    assert (tmp_path / "passphrase").stat().st_mode & 0o777 == 0o600


def test_a_shell_that_sources_env_has_the_same_variables(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    (tmp_path / "env").write_text(env_script(paths, USUAL))
    shell = shutil.which("dash") or "/bin/sh"
    command = f'. {tmp_path}/env; echo "$KUBECONFIG|$AWS_ENDPOINT_URL|${{AWS_PROFILE-unset}}|${{PATH%%:*}}"'
    done = subprocess.run(
        [shell, "-c", command], env={"AWS_PROFILE": "real", "PATH": "/bin"}, capture_output=True, text=True, check=True
    )
    kubeconfig, endpoint, profile, first = done.stdout.strip().split("|")
    assert kubeconfig == f"{tmp_path}/state/kubeconfig"
    assert endpoint.startswith("http://127.0.0.1:")
    assert profile == "unset"
    assert first.endswith("local/bin")


def test_the_providers_are_plugins_of_the_versions_that_the_engine_asks_for(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    link_providers(paths)
    plugins = paths.state / "pulumi-home" / "plugins"
    assert sorted(path.name for path in plugins.iterdir()) == [
        "resource-aws-v7.51.1",
        "resource-kubernetes-v4.25.0",
    ]
    kubernetes, aws = (
        plugins / f"resource-{name}" / f"pulumi-resource-{name.split('-')[0]}"
        for name in ("kubernetes-v4.25.0", "aws-v7.51.1")
    )
    assert kubernetes.readlink() == paths.tools_bin / "pulumi-resource-kubernetes"
    assert aws.readlink() == paths.repo / "local" / "providers" / "bin" / "pulumi-resource-aws"


def test_installed_providers_are_used_on_request_and_ours_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = paths_in(tmp_path)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("USE_INSTALLED_PROVIDERS", "1")
    plugins = paths.state / "pulumi-home" / "plugins"
    link_providers(paths)
    assert plugins.resolve() == tmp_path / "own" / "plugins"
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in platform_environment(paths, USUAL)
    monkeypatch.delenv("USE_INSTALLED_PROVIDERS")
    link_providers(paths)
    assert not plugins.is_symlink()
    assert list((tmp_path / "own" / "plugins").iterdir()) == []
