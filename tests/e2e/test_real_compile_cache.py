"""`compileCache` with the real vLLM: what the first server of a model compiled, the next one starts with.

Server, init container and sidecar are as rendered, one pod after the other in the same folder, as pods of a cluster
have the same paths; the folder goes with the first pod, the claim stays.

Twice. By vLLM's own way on a GPU (VLLM_COMPILE), which its CPU platform switches off and a plugin of this test leaves
on: a graph in pieces between the attentions, and an archive of the whole model that is loaded back. And as vLLM 0.32
compiles on a CPU by itself (DYNAMO_TRACE_ONCE, vllm/platforms/cpu.py): there it saves that archive and cannot load it
(`finalize_loading`, vllm/compilation/decorators.py, is only what the other way has); it traces again, and finds the
kernels.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.serving.manifests.compiled import MOUNT, ROOT
from local.host.paths import platform_paths
from local.vllm_cpu import changes, weights
from local.vllm_cpu.environment import Environment, installed
from local.vllm_cpu.server import Server, as_user, can_be, free_port, user_of
from tests.e2e.loading import REPORTS
from tests.e2e.real_servers import open_to_servers, until_healthy
from tests.e2e.rendered_stack import Config, server_pod

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(installed(platform_paths()) is None, reason="vLLM is not installed; run: make engine"),
    pytest.mark.skipif(not os.environ.get("COMPILE"), reason="compiles for minutes; COMPILE=1 runs it"),
]

PORT = 8000
# Its C++ compiles on the few cores of this machine: 115 s on two busy ones.
PATIENCE_SECONDS = 1200
SAVED = "saved AOT compiled function to"
LOADED = "Directly load AOT compilation from path"
NOT_LOADED = "has no attribute 'finalize_loading'"
KERNELS = {".cpp", ".so"}
# Loaded by vLLM in each of its processes (the entry points `vllm.general_plugins`).
PLUGIN = """
def register():
    from vllm.config import CompilationMode
    from vllm.platforms.cpu import CpuPlatform

    own = CpuPlatform.check_and_update_config.__func__

    def as_on_a_gpu(platform, config):
        mode = config.compilation_config.mode
        own(platform, config)
        if mode == CompilationMode.VLLM_COMPILE:
            config.compilation_config.mode = mode

    CpuPlatform.check_and_update_config = classmethod(as_on_a_gpu)
"""


def _kept(config: Config) -> None:
    config["models"][0] |= {"maxModelLen": 2048, "maxNumSeqs": 4, "servedName": "qwen", "compileCache": "efs"}


@dataclass
class Compiling(Server):
    """A server that compiles, which the platform's other ones are spared (local/vllm_cpu/changes.py)."""

    plugins: Path | None = None

    @property
    def variables(self) -> dict[str, str]:
        own = {"VLLM_CPU_CI_ENV": "0", **({"PYTHONPATH": str(self.plugins)} if self.plugins else {})}
        return super().variables | own


@dataclass(frozen=True)
class Started:
    """One pod's life: what the two programs beside the server said, and what it left."""

    restored: str
    kept: str
    log: str
    seconds: float
    answer: str
    before: dict[str, str]
    """Files below the cache's root -> when they were written and digest, when the server was started."""
    after: dict[str, str]
    """The same when it answered."""


class Claim:
    """Pods of one model, each in the same folder, and the claim that outlives them."""

    def __init__(self, environment: Environment, folder: Path, plugins: Path | None) -> None:
        self.environment, self.folder, self.root, self.plugins = environment, folder, folder / "root", plugins
        self.pod: dict[str, Any] = server_pod("local", _kept)
        self.user = user_of(self.pod, self.pod["containers"][0])
        self.archives = Path(f"{self.root}{MOUNT}")
        self.archives.mkdir(parents=True)
        if can_be(self.user):
            os.chown(self.archives, self.user or 0, self.user or 0)

    def _beside(self, name: str, port: int) -> tuple[list[str], dict[str, str]]:
        """A container of the pod: its command on this machine, and its environment."""
        (container,) = [each for each in self.pod["initContainers"] if each["name"] == name]
        (asked,) = container["args"]
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        told = {
            key: changes.below(value, mounts, self.root) if key in ("kept", "root") else value
            for key, value in json.loads(asked).items()
        }
        words = [*container["command"], json.dumps(told)]
        command = changes.command(words, PORT, port, self.environment.folder)
        return [*as_user(self.user), *command], changes.environment(container, self.root)

    @contextmanager
    def _keeper(self, port: int) -> Iterator[subprocess.Popen[str]]:
        command, variables = self._beside("compiled-keep", port)
        keeper = subprocess.Popen(command, env=variables, cwd=self.root, stdout=subprocess.PIPE, text=True)
        try:
            yield keeper
        finally:
            keeper.terminate()
            assert keeper.wait(timeout=30) == 0, "it goes when it is told to"

    def _files(self) -> dict[str, str]:
        root = Path(f"{self.root}{ROOT}")
        return {
            str(file.relative_to(root)): f"{file.stat().st_mtime:.0f} {hashlib.sha256(file.read_bytes()).hexdigest()}"
            for file in root.rglob("*")
            if file.is_file()
        }

    def start(self, name: str) -> Started:
        """A new pod: the init container, the server, and the sidecar until it has said its line."""
        shutil.rmtree(f"{self.root}/tmp", ignore_errors=True)
        container, log = self.pod["containers"][0], self.folder / f"{name}.log"
        server = Compiling(self.environment, self.pod, container, self.root, log, free_port(), plugins=self.plugins)
        server.lay_out()
        weights.fill(self.environment, container, None, server.hub_cache, print)
        command, variables = self._beside("compiled-restore", server.port)
        restored = subprocess.run(command, env=variables, cwd=self.root, capture_output=True, text=True, check=True)
        before, began = self._files(), time.monotonic()
        with self._keeper(server.port) as keeper:
            try:
                server.start()
                until_healthy(server, PATIENCE_SECONDS)
                seconds = time.monotonic() - began
                assert keeper.stdout is not None
                kept = keeper.stdout.readline()
                after = self._files()
                return Started(restored.stdout, kept, log.read_text(), seconds, _answer(server.port), before, after)
            finally:
                server.kill()
                print(log.read_text()[-3000:])


def _answer(port: int) -> str:
    sent = {"model": "qwen", "prompt": [65] * 40, "max_tokens": 24, "temperature": 0, "ignore_eos": True}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/completions", json.dumps(sent).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=300) as answer:
        text: str = json.load(answer)["choices"][0]["text"]
        return text


def _plugin(folder: Path) -> Path:
    """A folder for PYTHONPATH that has the plugin as installed."""
    described = folder / "as_on_a_gpu-0.dist-info"
    described.mkdir(parents=True)
    (folder / "as_on_a_gpu.py").write_text(PLUGIN)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: as-on-a-gpu\nVersion: 0\n")
    (described / "entry_points.txt").write_text("[vllm.general_plugins]\nas_on_a_gpu = as_on_a_gpu:register\n")
    return folder


@pytest.mark.parametrize("way", ["gpu", "cpu"])
def test_the_second_server_starts_with_what_the_first_one_compiled(
    tmp_path_factory: pytest.TempPathFactory, way: str
) -> None:
    environment = installed(platform_paths())
    assert environment is not None
    folder = tmp_path_factory.mktemp("compiled")
    open_to_servers(folder)
    claim = Claim(environment, folder, _plugin(folder / "plugins") if way == "gpu" else None)
    cold, warm = claim.start("cold"), claim.start("warm")
    figures = {
        "cold_start_seconds": round(cold.seconds, 1),
        "warm_start_seconds": round(warm.seconds, 1),
        "kernel_files": len(_kernels(cold.after)),
        "archive_bytes": sum(file.stat().st_size for file in claim.archives.iterdir()),
    }
    print(f"compile cache, the way of a {way}:", json.dumps(figures))
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / f"real-compile-cache-{way}.json").write_text(json.dumps(figures, indent=2))

    assert "is not there yet" in cold.restored
    assert cold.before == {}
    assert _kernels(cold.after), "or nothing was compiled"
    assert (SAVED in cold.log, LOADED in cold.log) == (True, False)
    assert "bytes kept" in cold.kept

    assert "bytes unpacked" in warm.restored
    assert warm.before == cold.after, "the whole folder came back"
    assert (LOADED if way == "gpu" else NOT_LOADED) in warm.log
    assert _kernels(warm.after) == _kernels(cold.after), "nothing is compiled again"
    assert "is there" in warm.kept, "what is kept is never written again"
    assert warm.answer == cold.answer


def _kernels(files: dict[str, str]) -> dict[str, str]:
    return {name: what for name, what in files.items() if Path(name).suffix in KERNELS}
