"""`python -m local`: the embedded platform's commands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from local.errors import PlatformError
from local.paths import platform_paths

# Modules are imported by the command that needs them: `status` does not wait for certificates, nor `env` for boto3.


def _up(arguments: argparse.Namespace) -> None:
    from local.up import up

    up(platform_paths(), arguments.stack, arguments.stack_file, arguments.cold_start_seconds)


def _start(arguments: argparse.Namespace) -> None:
    from local.platform import exclusively, start
    from local.toolchain import ensure_tools

    paths = platform_paths()
    with exclusively(paths):
        ensure_tools(paths)
        started = start(paths, arguments.cold_start_seconds)
    print(f"started: {', '.join(started.new) or 'nothing, all lives'}; source {paths.env_file}")


def _tools(arguments: argparse.Namespace) -> None:
    from local.toolchain import ensure_tools

    for name, program in ensure_tools(platform_paths()).items():
        print(f"{name}: {program}")


def _down(arguments: argparse.Namespace) -> None:
    from local.down import down, down_stack

    if arguments.stack:
        down_stack(platform_paths(), arguments.stack)
    else:
        down(platform_paths())


def _status(arguments: argparse.Namespace) -> None:
    from local.status import status

    status(platform_paths())


def _logs(arguments: argparse.Namespace) -> None:
    from local.status import logs

    logs(platform_paths(), arguments.name, arguments.follow)


def _env(arguments: argparse.Namespace) -> None:
    paths = platform_paths()
    if not paths.env_file.exists():
        raise PlatformError("nothing runs; start it with: make up")
    print(paths.env_file.read_text(), end="")


def _wait(arguments: argparse.Namespace) -> None:
    from local.completion import wait_until_ready

    for model in wait_until_ready(platform_paths(), arguments.timeout_seconds):
        print(f"{model.namespace}/{model.name}: {model.available} of {model.wanted} replicas available")


def _refresh_stack_files(arguments: argparse.Namespace) -> None:
    from local.stack_files import stacks_of, write_stack_file

    paths = platform_paths()
    for stack in stacks_of(paths):
        write_stack_file(paths, stack)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The embedded platform.")
    commands = parser.add_subparsers(required=True, metavar="command")
    cold_start = argparse.ArgumentParser(add_help=False)
    cold_start.add_argument(
        "--cold-start-seconds",
        type=float,
        default=float(os.environ.get("VLLM_ON_EKS_COLD_START_SECONDS", "6")),
        help="how long a model server takes until it is Ready (default 6)",
    )
    up = commands.add_parser("up", parents=[cold_start], help="platform, stack, a completion")
    up.add_argument("--stack", default="local")
    up.add_argument("--stack-file", type=Path, help="another file in place of Pulumi.<stack>.yaml")
    up.set_defaults(run=_up)
    start = commands.add_parser("start", parents=[cold_start], help="the platform's processes, no stack")
    start.set_defaults(run=_start)
    commands.add_parser("tools", help="only find or build the programs").set_defaults(run=_tools)
    down = commands.add_parser("down", help="destroy the stacks, stop, remove")
    down.add_argument("--stack", help="destroy only this stack, and leave the platform up")
    down.set_defaults(run=_down)
    commands.add_parser("status", help="what runs and how it is").set_defaults(run=_status)
    logs = commands.add_parser("logs", help="the end of every log, or of one")
    logs.add_argument("name", nargs="?")
    logs.add_argument("--follow", "-f", action="store_true")
    logs.set_defaults(run=_logs)
    commands.add_parser("env", help="shell variables; as .local/env").set_defaults(run=_env)
    wait = commands.add_parser("wait", help="until every model is Ready")
    wait.add_argument("--timeout-seconds", type=float, default=180)
    wait.set_defaults(run=_wait)
    refresh = commands.add_parser("refresh-stack-files", help="take the checkout's stack files over")
    refresh.set_defaults(run=_refresh_stack_files)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; what went wrong is said in words, without a traceback."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except PlatformError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
