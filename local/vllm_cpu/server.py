"""One real `vllm serve` process, started from a rendered container as a kubelet would start it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from local.engine.flags import container_arguments
from local.vllm_cpu import changes
from local.vllm_cpu.environment import Environment


def user_of(pod_spec: Mapping[str, Any], container: Mapping[str, Any]) -> int | None:
    """The rendered user id."""
    own = (container.get("securityContext") or {}).get("runAsUser")
    user = own if own is not None else (pod_spec.get("securityContext") or {}).get("runAsUser")
    return None if user is None else int(user)


def as_user(user: int | None) -> list[str]:
    """Words before a command that run it as that user: needs root and setpriv, and is nothing without.

    It may read everything (the environment is below root's home) and write only what is its own: the cache is not.
    """
    if not can_be(user):
        return []
    may = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *may]


def can_be(user: int | None) -> bool:
    """Whether a process of ours can be another user's."""
    return user is not None and os.geteuid() == 0 and shutil.which("setpriv") is not None


def free_port() -> int:
    """A port of this machine that is free now."""
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Server:
    """The process of one container. `root` stands for the container's `/`; its log is `log`."""

    environment: Environment
    pod_spec: Mapping[str, Any]
    container: Mapping[str, Any]
    root: Path
    log: Path
    port: int
    names_port: int | None = None
    """Of the proxy to Services by name (local/monitoring/pod_network.py)."""
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def variables(self) -> dict[str, str]:
        """Its environment on this machine."""
        return changes.environment(self.container, self.root, self.names_port)

    @property
    def hub_cache(self) -> Path:
        return Path(self.variables["HF_HUB_CACHE"])

    @property
    def command(self) -> list[str]:
        return [str(self.environment.vllm), "serve", *changes.arguments(container_arguments(self.container), self.port)]

    def lay_out(self) -> None:
        """The folders that the container mounts: those it may write to are its user's."""
        user = user_of(self.pod_spec, self.container)
        for mount in self.container.get("volumeMounts") or []:
            folder = Path(f"{self.root}{mount['mountPath']}")
            folder.mkdir(parents=True, exist_ok=True)
            if not mount.get("readOnly") and as_user(user):
                os.chown(folder, user or 0, user or 0)

    def start(self, more: Sequence[str] = ()) -> None:
        """Starts it in a session of its own."""
        self.lay_out()
        prefix = as_user(user_of(self.pod_spec, self.container))
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*prefix, *self.command, *more], env=self.variables, cwd=self.root,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    async def execute(self, command: Sequence[str], port: int, timeout_seconds: float) -> tuple[int | None, str]:
        """Runs a command in the container, as its user: exit code and what it said; None when its time was over.

        `port`: the one that the container thinks it listens on.
        """
        prefix = as_user(user_of(self.pod_spec, self.container))
        process = await asyncio.create_subprocess_exec(
            *prefix, *changes.command(command, port, self.port, self.environment.folder), env=self.variables,
            cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            said, _ = await asyncio.wait_for(process.communicate(), timeout_seconds)
        except TimeoutError:
            return None, f"no answer within {timeout_seconds:g} s"
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return process.returncode, said.decode(errors="replace").strip()

    @property
    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None

    def terminate(self) -> None:
        """SIGTERM to the container's first process, and to no other, as a container runtime does."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to everything that is left of it."""
        if self.process is None:
            return
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def cpu_seconds(self) -> float:
        """CPU time of all its processes so far: stands for a GPU's busy time."""
        if self.process is None:
            return 0.0
        total = 0.0
        with contextlib.suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.process.pid)
            for process in [first, *first.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += process.cpu_times().user
        return total


def end_leftovers(folder: Path) -> int:
    """Ends servers, and what they started, whose own kubelet is gone: all that works in a folder below this one.

    Returns how many there were.
    """
    ended = 0
    for _ in range(5):  # one may have started another meanwhile
        left = _working_below(folder.resolve())
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=5)
        ended += len(left)
        if not left:
            break
    return ended


def _working_below(folder: Path) -> list[psutil.Process]:
    processes = []
    for process in psutil.process_iter():
        try:
            where = Path(process.cwd().removesuffix(" (deleted)"))
        except (psutil.Error, OSError):  # gone, or another user's
            continue
        if where.is_relative_to(folder) and process.pid != os.getpid():
            processes.append(process)
    return processes
