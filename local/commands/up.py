"""`up`: from nothing to a completion. Everything it finds alive and right it leaves as it is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.build.toolchain import ensure_tools
from local.commands.completion import CompletionAnswer, ask, service_url, wait_until_ready
from local.commands.platform import Started, empty, exclusively, start
from local.host.errors import PlatformError
from local.host.paths import Paths
from local.host.processes import Processes
from local.host.progress import Stages
from local.stacks.stack import Stack, existing_stacks
from local.stacks.stack_files import tool_needs
from local.stacks.updates import UpdateSummary
from local.vllm_cpu.environment import required
from planning.units import amount

READY_SECONDS, REAL_READY_SECONDS = 180, 900
"""Until the models are Ready: a simulated engine starts at once, a real one imports and warms up on these cores."""


def up(
    paths: Paths,
    stack_name: str,
    source: Path | None,
    cold_start_seconds: float,
    node_boot_seconds: float,
    engine: str = "simulated",
) -> None:
    """Tools, processes, `pulumi up`, a completion; says the time of each and where things are."""
    vllm = required(paths).folder if engine == "vllm" else None
    stages = Stages()
    with exclusively(paths):
        with stages.stage("tools"):
            ensure_tools(paths, tool_needs(paths, stack_name, source))
        with stages.stage("platform"):
            started = start_or_begin_anew(paths, cold_start_seconds, node_boot_seconds, vllm)
        with stages.stage(f"pulumi up --stack {stack_name}"):
            _refuse_a_second_stack(paths, stack_name, started.ports)
            stack = Stack(paths, started.ports, stack_name)
            stack.prepare(source)
            summary = stack.up()
        answers = _ask_models(paths, stages, REAL_READY_SECONDS if vllm else READY_SECONDS)
    _say_result(paths, stages, summary, answers)


def start_or_begin_anew(
    paths: Paths, cold_start_seconds: float, node_boot_seconds: float, vllm: Path | None = None
) -> Started:
    """Starts the platform; with nothing on it where what is there is not what the stacks believe."""
    if not _account_file(paths).exists():
        remember_account(paths)
    started = start(paths, cold_start_seconds, node_boot_seconds, vllm)
    print(f"  started: {', '.join(started.new) or 'nothing, all lives'}")
    if reason := why_begin_anew(paths, started):
        print(f"  {reason}: beginning again with an empty platform")
        empty(paths)
        started = start(paths, cold_start_seconds, node_boot_seconds, vllm)
    remember_account(paths)
    return started


def _account_file(paths: Paths) -> Path:
    """Says in which run of the AWS endpoint the stacks' resources are; goes with the stacks."""
    return paths.state / "pulumi" / "account"


def _aws_run(paths: Paths) -> str:
    """The latest start of the AWS endpoint; it keeps its account in memory, so each start has an empty one."""
    record = Processes(paths).record("aws")
    return f"{record.pid} {record.started_at}" if record else ""


def remember_account(paths: Paths) -> None:
    """Takes the account of the latest start of the AWS endpoint for the one that the stacks believe in.

    What `start` returns cannot tell it: a start that fails after its first wave, or is interrupted, returns nothing.
    """
    _account_file(paths).parent.mkdir(parents=True, exist_ok=True)
    _account_file(paths).write_text(_aws_run(paths))


def why_begin_anew(paths: Paths, started: Started) -> str | None:
    """Why what the stacks believe cannot be brought into line with what is there; None in the usual case."""
    stacks = [Stack(paths, started.ports, name) for name in existing_stacks(paths)]
    remembered = _account_file(paths).read_text() if _account_file(paths).exists() else ""
    if _aws_run(paths) != remembered and any(stack.resource_count() > 1 for stack in stacks):
        return "the AWS endpoint keeps its state in memory and was started again"
    lost = [name for stack in stacks for name in stack.lost_resources()]
    if lost:
        return f"an update was killed while it made {', '.join(lost)}, which cannot be found again"
    return None


def _refuse_a_second_stack(paths: Paths, name: str, ports: Mapping[str, int]) -> None:
    """Every EKS cluster of the platform is the one API server, so two stacks would share their namespaces."""
    for other in existing_stacks(paths):
        if other != name and Stack(paths, ports, other).resource_count() > 1:
            raise PlatformError(
                f"stack {other} is up, and all clusters of the platform are one API server; first run: "
                f"python -m local down --stack {other}"
            )


def _ask_models(paths: Paths, stages: Stages, patience_seconds: float) -> list[CompletionAnswer]:
    with stages.stage("models ready"):
        running = wait_until_ready(paths, timeout_seconds=patience_seconds)
    if not running:
        return []
    with stages.stage("first completion"):
        return [ask(service_url(paths, model)) for model in running]


def _say_result(paths: Paths, stages: Stages, summary: UpdateSummary, answers: Sequence[CompletionAnswer]) -> None:
    print()
    for answer in answers:
        print(f"{answer.model} at {answer.url}/v1 says:\n  {answer.text.strip()}\n")
    print(f"pulumi: {amount(summary.changes, 'change')}, {summary.unchanged} unchanged\n{stages.table()}\n")
    for line in hints(paths, answers):
        print(line)


def hints(paths: Paths, answers: Sequence[CompletionAnswer]) -> list[str]:
    """How to look further."""
    lines = []
    if answers:
        lines.append(
            f"  curl {answers[0].url}/v1/chat/completions -H 'Content-Type: application/json' "
            f"""-d '{{"model": "{answers[0].model}", "messages": [{{"role": "user", "content": "hello"}}]}}'"""
        )
    if shutil.which("kubectl"):
        lines.append(f"  kubectl --kubeconfig {paths.kubeconfig} get pods -A -o wide")
    lines += [
        "  make status            processes, nodes, pods, services, outputs",
        "  make logs NAME=engine  one log; make logs: the end of every log",
        f"  source {paths.env_file}; pulumi stack --stack local; pulumi preview --stack dev",
        "  make down              destroy, stop, remove",
    ]
    return lines
