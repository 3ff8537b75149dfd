"""Providers that are there already: which are taken, and which are not."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from local.build.plugins import installed_plugins, plugin_version
from local.build.table import TOOLS
from local.build.toolchain import find_installed
from tests.local.places import script

PROVIDER = next(tool for tool in TOOLS if tool.version_of)
NAME = "pulumi-resource-kubernetes"
SERVER = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
class Provider(provider_pb2_grpc.ResourceProviderServicer):
    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version=sys.argv[1])
server = grpc.server(ThreadPoolExecutor(1))
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
time.sleep(60)
"""


def provider(folder: Path, says: str) -> Path:
    """A program that serves the provider protocol and says this version."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.py").write_text(SERVER)
    return script(folder / NAME, f"exec {sys.executable} {folder}/server.py {says}")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "plugins"


def test_a_provider_on_path_is_taken_at_the_version_of_the_python_package_only(tmp_path: Path) -> None:
    good = provider(tmp_path / "good", version("pulumi_kubernetes"))
    assert find_installed([PROVIDER], [str(tmp_path / "good")]).programs == {NAME: good}
    provider(tmp_path / "other", "4.1.0")
    installed = find_installed([PROVIDER], [str(tmp_path / "other")])
    assert installed.programs == {}
    assert installed.passed_over == [
        f"{tmp_path}/other/{NAME} is 4.1.0, the Python package pulumi_kubernetes {version('pulumi_kubernetes')}"
    ]


def test_a_program_that_is_no_provider_says_no_version(tmp_path: Path) -> None:
    assert plugin_version(script(tmp_path / "silent", "sleep 30"), timeout_seconds=0.2) is None
    assert plugin_version(script(tmp_path / "broken", "exit 3")) is None
    assert plugin_version(tmp_path / "absent") is None


def test_a_plugin_of_the_users_own_pulumi_is_taken_when_wholly_there(own_home: Path) -> None:
    folder = own_home / f"resource-kubernetes-v{version('pulumi_kubernetes')}"
    mine = provider(folder, version("pulumi_kubernetes"))
    assert find_installed([PROVIDER], []).programs == {NAME: mine}
    folder.with_name(f"{folder.name}.partial").touch()
    assert installed_plugins(NAME, version("pulumi_kubernetes")) == []
