"""The ground that faults are provoked on: a platform of its own, with one small stack in a known state.

States: `nothing` (no stack), `one`, `two` and `full` (the stack after an update with that file), None (not known:
started from nothing before the next scenario).
"""

from __future__ import annotations

import contextlib
import copy
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from local.build.toolchain import ensure_tools
from local.commands import platform
from local.control_plane.certificates import ensure_pki
from local.faults.engine import EngineRun
from local.faults.final_state import FinalState, aws_of, differences, objects_of, resources_of
from local.faults.holds import DoesNotHold, must
from local.faults.proxy import FaultProxy
from local.host.errors import PlatformError
from local.host.paths import Paths
from local.host.processes import Processes, ProcessSpec
from local.stacks.aws_inventory import aws_objects
from local.stacks.inventory import every_object
from local.stacks.stack import Stack

STACK = "faults"
BASE = Path(__file__).parent / "stack.yaml"
COLD_START_SECONDS = 1.0
SETTLE_SECONDS = 60.0
"""How long nodes, pods and volumes may take to follow what was decided."""


@dataclass(frozen=True)
class Measure:
    """An undisturbed run: where a kill can fall."""

    seconds: float
    events: int


class Ground:
    """Platform, stack and what is known of them."""

    def __init__(self, paths: Paths, reports: Path) -> None:
        self.paths = replace(paths, state=reports / "platform")
        self.logs = reports / "log"
        self.state: str | None = None
        self.variables: dict[str, str] = {}
        """Set for Pulumi besides the platform's own."""
        self.measures: dict[str, Measure] = {}
        self.references: dict[str, FinalState] = {}
        self._runs = 0
        self._last_run: EngineRun | None = None

    # -- platform ------------------------------------------------------------------------------------------------
    def open(self) -> None:
        """Starts the platform, with the proxy in front of its API server for Pulumi."""
        os.environ["VLLM_ON_EKS_LOCAL_DIR"] = str(self.paths.state)
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)
        if self.paths.state.exists():
            platform.stop_all(Processes(self.paths))
            shutil.rmtree(self.paths.state)
        with self.quietly():
            ensure_tools(self.paths, ("platform", "monitoring"))
            pki = ensure_pki(self.paths.pki)
            self.proxy = FaultProxy(pki)
            os.environ["VLLM_ON_EKS_CLUSTER_ENDPOINT"] = self.proxy.url
            self._start()

    def _start(self) -> None:
        self.ports = dict(platform.start(self.paths, COLD_START_SECONDS).ports)
        self.proxy.upstream_port = self.ports["kube-apiserver"]
        self.stack = Stack(self.paths, self.ports, STACK)
        self.processes = Processes(self.paths)

    def close(self) -> None:
        """Stops the platform and removes its state; logs stay."""
        if self._last_run and self._last_run.process.poll() is None:
            self._last_run.kill()
        platform.stop_all(Processes(self.paths))
        if self.paths.log.exists():
            shutil.copytree(self.paths.log, self.logs / "platform", dirs_exist_ok=True)
        shutil.rmtree(self.paths.state, ignore_errors=True)
        self.proxy.close()

    def revive(self) -> None:
        """Starts again what of the platform a fault has ended."""
        with self.quietly():
            self._start()

    def api(self, name: str) -> Any:
        """An API class of the official client, at the API server itself, not through the proxy."""
        from kubernetes import client, config

        own = config.new_client_from_config(config_file=str(self.paths.kubeconfig))  # type: ignore[no-untyped-call]
        return getattr(client, name)(own)

    def specification(self, name: str) -> ProcessSpec:
        """How a process of the platform is started."""
        processes = platform.specs(self.paths, ensure_pki(self.paths.pki), self.ports, COLD_START_SECONDS)
        return next(spec for spec in processes if spec.name == name)

    def begin_anew(self) -> None:
        """Empties the platform."""
        with self.quietly():
            self.proxy.mode = None
            platform.empty(self.paths)
            self._start()
        self.state = "nothing"

    @contextlib.contextmanager
    def quietly(self) -> Iterator[None]:
        """What the platform's own code prints goes into a log."""
        with (self.logs / "platform-commands.log").open("a") as log, contextlib.redirect_stdout(log):
            yield

    # -- stack ---------------------------------------------------------------------------------------------------
    def file(self, state: str, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
        """The stack file of a state; `change` edits its config."""
        content = stack_file(state, change)
        path = self.logs / f"Pulumi.{state}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    def prepare(self, file: Path) -> None:
        """What `make up` does before `pulumi up`: stack file, secrets, recovery after a killed update."""
        with self.quietly():
            self.stack.prepare(file)

    def begin_update(self) -> tuple[str, EngineRun]:
        """Starts the update from `one` to `two` or back; the state it aims at, and the run."""
        if self.state not in ("one", "two"):
            self.to("one")
        target = "two" if self.state == "one" else "one"
        self.prepare(self.file(target))
        self.state = None
        return target, self.begin("up")

    def begin(
        self, operation: str, *options: str, events: bool = True, preexec: Callable[[], None] | None = None
    ) -> EngineRun:
        """Starts `pulumi up` or `pulumi destroy` of the stack as it is prepared."""
        self._runs += 1
        command = self.stack.command(
            operation, "--stack", STACK, "--yes", "--skip-preview", "--non-interactive", *options
        )
        self._last_run = EngineRun(
            command,
            {**self.stack.environment, **self.variables},
            self.logs / f"{self._runs:03d}-{operation}.log",
            events,
            preexec,
        )
        return self._last_run

    def pulumi(self, *arguments: str, timeout_seconds: float = 180) -> tuple[int, str]:
        """Exit code and both streams of another CLI command."""
        done = subprocess.run(
            self.stack.command("--non-interactive", *arguments, "--stack", STACK),
            env={**self.stack.environment, **self.variables, "PULUMI_DEBUG_COMMANDS": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout_seconds,
        )
        self._runs += 1
        (self.logs / f"{self._runs:03d}-{arguments[0]}.log").write_text(done.stdout)
        return done.returncode, done.stdout

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        """`python -m local ...` on this platform, as a user runs it."""
        return subprocess.Popen(
            [sys.executable, "-m", "local", *arguments], cwd=self.paths.repo, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def to(self, state: str) -> None:
        """Brings the stack into a state by undisturbed updates."""
        if self.state == state:
            return
        # What a stack with Prometheus leaves behind (its kinds, and a ServiceMonitor that the GPU Operator makes
        # where the kind exists) is as it should be, and would differ from a stack that never had one.
        if self.state is None or "full" in (self.state, state):
            self.begin_anew()
        if self.state == state:
            return
        if state == "nothing":
            run = self.begin("destroy")
        else:
            self.prepare(self.file(state))
            run = self.begin("up")
        code = run.end()
        if code != 0:
            self.state = None
            raise PlatformError(f"an undisturbed {state!r} failed; {run.why}")
        kind = "destroy" if state == "nothing" else "up" if self.state == "nothing" else "update"
        if "full" not in (state, self.state):
            self.measures.setdefault(kind, Measure(time.monotonic() - run.started, run.event_count()))
        self.state = state

    def learn(self) -> None:
        """Undisturbed runs: what each state is, how long the way there takes, where kills can fall."""
        for state in ("one", "two", "one", "nothing"):
            self.to(state)
            self.learn_state()

    def learn_state(self) -> None:
        """Takes what is there now as what the present state is, if it is not known yet."""
        assert self.state is not None
        if self.state not in self.references:
            self.references[self.state] = self.settled()

    # -- final state ---------------------------------------------------------------------------------------------
    def look(self) -> FinalState:
        """What is there now."""
        endpoint = f"http://127.0.0.1:{self.ports['aws']}"
        return FinalState(
            resources_of(self.stack.resources()),
            objects_of(every_object(self.paths.kubeconfig)),
            aws_of(aws_objects(endpoint, by_name=True)),
        )

    def settled(self) -> FinalState:
        """What is there when it has not changed for a moment."""
        deadline = time.monotonic() + SETTLE_SECONDS
        before = self.look()
        while time.monotonic() < deadline:
            time.sleep(2)
            if (now := self.look()) == before:
                return now
            before = now
        return before

    def must_be(self, state: str) -> None:
        """Waits until everything is as after an undisturbed run; raises DoesNotHold with the differences."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while left := differences(self.references[state], self.look()):
            if time.monotonic() > deadline:
                self.state = None
                raise DoesNotHold(f"other than after an undisturbed run ({len(left)}):\n" + "\n".join(left[:20]))
            time.sleep(1)
        must(not self.stack.pending(), f"operations are pending: {self.stack.pending()}")
        self.state = state

    def go_on_to(self, state: str, *options: str) -> EngineRun:
        """The same command once more, after recovery, with `options`; it must succeed and end in the state."""
        if state == "nothing":
            with self.quietly():
                self.stack.recover()
            run = self.begin("destroy")
        else:
            self.prepare(self.file(state))
            run = self.begin("up", *options)
        must(run.end() == 0, f"the next run failed; {run.why}")
        self.must_be(state)
        return run


def stack_file(state: str, change: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """The stack file of a state; `change` edits its config."""
    content: dict[str, Any] = yaml.safe_load(BASE.read_text())
    for edit in (CHANGES.get(state), change):
        if edit:
            edit(content["config"])
    return content


def _second(config: dict[str, Any]) -> None:
    """A second model, a longer context for the first one, other tags on everything in AWS."""
    models = config["vllm-on-eks:models"]
    other = copy.deepcopy(models[0])
    other["name"] = "second"
    models[0]["maxModelLen"] = 4096
    models.append(other)
    config["vllm-on-eks:tags"] = {"environment": "faults", "team": "two"}


def _full(config: dict[str, Any]) -> None:
    """With Prometheus, the metrics adapter, and an HPA between one and two replicas."""
    del config["vllm-on-eks:monitoring"]
    config["vllm-on-eks:models"][0]["autoscaling"] = {"minReplicas": 1, "maxReplicas": 2}


CHANGES: Mapping[str, Callable[[dict[str, Any]], None]] = {"two": _second, "full": _full}
