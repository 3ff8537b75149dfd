"""Provider plugins that are there already: asked for their version, and found where Pulumi keeps its own."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path


def uses_installed_providers() -> bool:
    """USE_INSTALLED_PROVIDERS=1: the real provider plugins in the user's own Pulumi home."""
    return os.environ.get("USE_INSTALLED_PROVIDERS") == "1"


def own_plugins() -> Path:
    """The folder in which the user's own Pulumi keeps its plugins."""
    return Path(os.environ.get("PULUMI_HOME") or "~/.pulumi").expanduser() / "plugins"


def installed_plugins(program: str, version: str) -> Sequence[Path]:
    """Where Pulumi would have put a provider of this version; empty if it is not there or was not wholly downloaded."""
    folder = own_plugins() / f"{program.removeprefix('pulumi-')}-v{version}"
    unfinished = folder.with_name(f"{folder.name}.partial").exists()
    return [] if unfinished or not (folder / program).is_file() else [folder]


def plugin_version(program: str | Path, timeout_seconds: float = 20.0) -> str | None:
    """What a provider says its version is (it has no --version, so it is started and asked); None if it says none."""
    import grpc
    from google.protobuf import empty_pb2
    from pulumi.runtime.proto import provider_pb2_grpc

    try:
        # It wants the engine's address; nothing is ever sent there.
        child = subprocess.Popen(
            [str(program), "127.0.0.1:1"], text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return None
    killer = threading.Timer(timeout_seconds, child.kill)  # a program that is no plugin may say nothing forever
    killer.start()
    try:
        port = child.stdout.readline().strip() if child.stdout else ""
        if not port.isdigit():
            return None
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            answer = stub.GetPluginInfo(empty_pb2.Empty(), timeout=timeout_seconds)
        return str(answer.version).removeprefix("v") or None
    except grpc.RpcError:
        return None
    finally:
        killer.cancel()
        child.kill()
        child.wait()
        if child.stdout:
            child.stdout.close()
