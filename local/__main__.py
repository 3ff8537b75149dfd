"""`python -m local`: the embedded platform's commands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.host.errors import PlatformError
from local.host.paths import platform_paths
from local.load import options as load_options
from settings.command_line import Parser
from settings.last_resort import guarded
from settings.printable import lines

# Modules are imported by the command that needs them: `status` does not wait for certificates, nor `env` for boto3.


def _up(arguments: argparse.Namespace) -> None:
    from local.commands.up import up

    times = (arguments.cold_start_seconds, arguments.node_boot_seconds)
    up(platform_paths(), arguments.stack, arguments.stack_file, *times, arguments.engine)


def _start(arguments: argparse.Namespace) -> None:
    from local.build.toolchain import ensure_tools
    from local.commands.platform import exclusively
    from local.commands.up import start_or_begin_anew

    paths = platform_paths()
    with exclusively(paths):
        ensure_tools(paths, ("platform", "monitoring"))
        start_or_begin_anew(paths, arguments.cold_start_seconds, arguments.node_boot_seconds)
    print(f"source {paths.env_file}")


def _engine(arguments: argparse.Namespace) -> None:
    from local.vllm_cpu.environment import install, required

    environment = (required if arguments.installed else install)(platform_paths())
    print(f"vLLM: {environment.vllm}")


def _tools(arguments: argparse.Namespace) -> None:
    from local.build.toolchain import ensure_tools

    for name, program in ensure_tools(platform_paths(), arguments.needs or ("platform", "monitoring")).items():
        print(f"{name}: {program}")


def _down(arguments: argparse.Namespace) -> None:
    from local.commands.down import down, down_stack

    if arguments.stack:
        down_stack(platform_paths(), arguments.stack, arguments.held_limit_seconds)
    else:
        down(platform_paths())


def _recover(arguments: argparse.Namespace) -> None:
    from local.recovery import recover

    if arguments.own_account:
        recover.say(arguments.stack, recover.recover(recover.own_pulumi, arguments.stack, recover.boto3_client()))
        return
    from local.commands.down import recover_stack

    recover_stack(platform_paths(), arguments.stack)


def _faults(arguments: argparse.Namespace) -> None:
    from local.faults.run import run

    only = [name for name in arguments.only.split(",") if name]
    if not run(platform_paths(), arguments.seed, only, arguments.count, arguments.list):
        raise PlatformError("not everything held; see above")


def _status(arguments: argparse.Namespace) -> None:
    from local.commands.status import status

    status(platform_paths())


def _logs(arguments: argparse.Namespace) -> None:
    from local.commands.status import logs

    logs(platform_paths(), arguments.name, arguments.follow)


def _env(arguments: argparse.Namespace) -> None:
    paths = platform_paths()
    if not paths.env_file.exists():
        raise PlatformError("nothing runs; start it with: make up")
    print(paths.env_file.read_text(), end="")


def _wait(arguments: argparse.Namespace) -> None:
    from local.commands.completion import wait_until_ready

    for model in wait_until_ready(platform_paths(), arguments.timeout_seconds):
        print(f"{model.namespace}/{model.name}: {model.available} of {model.wanted} replicas available")


def _load(arguments: argparse.Namespace) -> None:
    from local.load.command import load

    load(platform_paths(), arguments)


def _refresh_stack_files(arguments: argparse.Namespace) -> None:
    from local.stacks.stack_files import stacks_of, write_stack_file

    paths = platform_paths()
    for stack in stacks_of(paths):
        write_stack_file(paths, stack)


def _engine_parsers(commands: Any, up: argparse.ArgumentParser) -> None:
    """What is about the real vLLM."""
    up.add_argument(
        "--engine", choices=("simulated", "vllm"), default="simulated", help="vllm: real processes (make engine)"
    )
    engine = commands.add_parser("engine", help="install the real vLLM for CPUs")
    engine.add_argument("--installed", action="store_true", help="only say where it is; an error where it is not")
    engine.set_defaults(run=_engine)


def _cold_start_options() -> Parser:
    cold_start = Parser(add_help=False)
    cold_start.add_argument(
        "--cold-start-seconds",
        type=float,
        default=float(os.environ.get("VLLM_ON_EKS_COLD_START_SECONDS", "6")),
        help="how long a model server takes until it is Ready (default 6)",
    )
    cold_start.add_argument(
        "--node-boot-seconds",
        type=float,
        default=float(os.environ.get("VLLM_ON_EKS_NODE_BOOT_SECONDS", "3")),
        help="how long a node takes that the simulated cluster-autoscaler asked for (default 3)",
    )
    return cold_start


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m local", description="The embedded platform.")
    commands = parser.add_subparsers(required=True, metavar="command")
    cold_start = _cold_start_options()
    up = commands.add_parser("up", parents=[cold_start], help="platform, stack, a completion")
    up.add_argument("--stack", default="local")
    up.add_argument("--stack-file", type=Path, help="another file in place of Pulumi.<stack>.yaml")
    up.set_defaults(run=_up)
    _engine_parsers(commands, up)
    start = commands.add_parser("start", parents=[cold_start], help="the platform's processes, no stack")
    start.set_defaults(run=_start)
    tools = commands.add_parser("tools", help="only find or build the programs")
    tools.add_argument(
        "needs",
        nargs="*",
        metavar="NEED",
        help="platform, monitoring (both: default), keda, external-secrets, karpenter, gateway, kserve, kuberay, "
        "llm-d, rollouts, lws, collector, rules, scan",
    )
    tools.set_defaults(run=_tools)
    down = commands.add_parser("down", help="destroy the stacks, stop, remove")
    down.add_argument("--stack", help="destroy only this stack, and leave the platform up")
    held = "how long a finalizer may hold an object before a destroy is given up and says whose it is (default 120)"
    down.add_argument("--held-limit-seconds", type=float, default=120, help=held)
    down.set_defaults(run=_down)
    recover = commands.add_parser("recover", help="make a stack usable whose update was killed")
    recover.add_argument("--stack", default="local")
    recover.add_argument(
        "--own-account", action="store_true", help="with the pulumi, backend and AWS account of this shell"
    )
    recover.set_defaults(run=_recover)
    faults = commands.add_parser("faults", help="provoke what goes wrong in production, on a platform of its own")
    faults.add_argument("--seed", type=int, help="repeat the choices of an earlier run; default: a new one")
    faults.add_argument("--only", default="", metavar="NAME,...", help="scenarios by name, or by the start of names")
    faults.add_argument("--count", type=int, help="a sample of so many")
    faults.add_argument("--list", action="store_true", help="say what there is and what must hold")
    faults.set_defaults(run=_faults)
    commands.add_parser("status", help="what runs and how it is").set_defaults(run=_status)
    logs = commands.add_parser("logs", help="the end of every log, or of one")
    logs.add_argument("name", nargs="?")
    logs.add_argument("--follow", "-f", action="store_true")
    logs.set_defaults(run=_logs)
    commands.add_parser("env", help="shell variables; as .local/env").set_defaults(run=_env)
    wait = commands.add_parser("wait", help="until every model is Ready")
    wait.add_argument("--timeout-seconds", type=float, default=180)
    wait.set_defaults(run=_wait)
    load = commands.add_parser("load", help="requests through a model's Service, and what becomes of them")
    load_options.add_arguments(load)
    load.set_defaults(run=_load)
    refresh = commands.add_parser("refresh-stack-files", help="take the checkout's stack files over")
    refresh.set_defaults(run=_refresh_stack_files)
    return parser


@guarded("python -m local")
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; what went wrong is said in words, without a traceback."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except PlatformError as error:
        print(f"error: {lines(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
