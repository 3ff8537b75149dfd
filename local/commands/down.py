"""`down`: destroys the stacks, stops the processes that `up` started, removes the state. Caches stay."""

from __future__ import annotations

import json
import shutil

from local.commands.platform import exclusively, servers_folder, stop_all
from local.commands.stuck import HELD_LIMIT_SECONDS, held, watch
from local.host.errors import PlatformError
from local.host.paths import Paths
from local.host.processes import Processes
from local.host.progress import Stages
from local.recovery.recover import say
from local.stacks.stack import Stack, existing_stacks
from local.stacks.updates import UpdateSummary
from local.vllm_cpu.server import end_leftovers
from planning.units import amount

NEEDED_TO_DESTROY = ("etcd", "kube-apiserver", "kube-controller-manager", "kwok", "aws")


def down(paths: Paths) -> None:
    """Leaves nothing of the platform, however much of it is still alive."""
    if not paths.state.exists():
        print(f"nothing runs: {paths.state} is not there")
        return
    stages = Stages()
    processes = Processes(paths)
    with exclusively(paths):
        failed = _destroy_stacks(paths, processes, stages)
        with stages.stage("stopping"):
            print(f"  stopped: {', '.join(stop_all(processes)) or 'nothing was alive'}")
            end_leftovers(servers_folder(paths))  # where the engine process was killed, its servers were not
        shutil.rmtree(paths.state)
    if failed:
        raise PlatformError(
            f"pulumi destroy failed for {', '.join(failed)}; the remaining resources were removed with the platform"
        )
    print(f"down; caches stay in {paths.cache}")


def down_stack(paths: Paths, name: str, held_limit_seconds: float = HELD_LIMIT_SECONDS) -> None:
    """Destroys one stack; the platform stays. What a finalizer holds for longer than the limit ends it."""
    stages = Stages()
    processes = Processes(paths)
    with exclusively(paths):
        _refuse_without_platform(paths, processes, name)
        with stages.stage(f"pulumi destroy --stack {name}"):
            summary = _destroyed(paths, _stack(paths, name), held_limit_seconds)
    print(f"pulumi: {amount(summary.changes, 'change')}")


def _destroyed(paths: Paths, stack: Stack, held_limit_seconds: float = HELD_LIMIT_SECONDS) -> UpdateSummary:
    """Destroys it; an error also says what of the cluster does not go, and who holds it."""
    try:
        return stack.destroy(watch(paths.kubeconfig, held_limit_seconds))
    except PlatformError as error:
        lines = [line for line in held(paths.kubeconfig) if line not in str(error)]
        raise PlatformError("\n  ".join([str(error), *lines])) from error


def recover_stack(paths: Paths, name: str) -> None:
    """Makes a stack usable whose update was killed or whose state cannot be read; changes nothing that is there."""
    processes = Processes(paths)
    with exclusively(paths):
        _refuse_without_platform(paths, processes, name)
        stack = _stack(paths, name)
        say(name, [*stack.restore(), *stack.recover()])


def _refuse_without_platform(paths: Paths, processes: Processes, name: str) -> None:
    dead = [name for name in NEEDED_TO_DESTROY if not processes.is_alive(name)]
    if dead:
        raise PlatformError(f"{', '.join(dead)} is not alive; start it with: python -m local start")
    if name not in existing_stacks(paths):
        raise PlatformError(f"no stack {name!r} here; stacks: {', '.join(existing_stacks(paths)) or 'none'}")


def _stack(paths: Paths, name: str) -> Stack:
    return Stack(paths, json.loads((paths.run / "ports.json").read_text()), name)


def _destroy_stacks(paths: Paths, processes: Processes, stages: Stages) -> list[str]:
    """Destroys every stack that is on the platform; returns those that could not be destroyed."""
    dead = [name for name in NEEDED_TO_DESTROY if not processes.is_alive(name)]
    stacks = existing_stacks(paths)
    if stacks and dead:
        print(f"  not destroying {', '.join(stacks)}: {', '.join(dead)} is not alive; all goes with the platform")
        return []
    failed = []
    for name in stacks:
        stack = _stack(paths, name)
        with stages.stage(f"pulumi destroy --stack {name}"):
            try:
                if stack.resource_count() > 0:
                    _destroyed(paths, stack)
            except PlatformError as error:
                print(f"  {error}")
                failed.append(name)
    return failed
