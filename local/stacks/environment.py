"""The environment in which Pulumi, kubectl and boto3 mean the platform. `.local/env` holds the same for a shell."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from local.build.plugins import own_plugins, uses_installed_providers
from local.build.toolchain import link
from local.host.paths import Paths
from local.stacks.stack_files import project_folder

PROVIDERS = {"aws": "pulumi_aws", "kubernetes": "pulumi_kubernetes"}
# Of a user's own AWS set-up: on the platform nothing may find the way to a real account.
REMOVED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE")


def platform_environment(paths: Paths, ports: Mapping[str, int]) -> dict[str, str]:
    """Variables that the platform sets; they hold no secret, only names of files that do."""
    folders = [paths.repo / "local" / "bin", Path(sys.executable).parent, paths.tools_bin]
    return {
        "PATH": os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath)]),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['aws']}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "KUBECONFIG": str(paths.kubeconfig),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PULUMI_HOME": str(paths.state / "pulumi-home"),
        # The provider lies among the programs, which are on PATH: found there it is used with a warning each time.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        # Beside each file the backend would write another one with its media type, and not at once: a kill between
        # the two steps leaves it empty, and then the state "failed to load checkpoint: EOF" (gocloud.dev, fileblob).
        "PULUMI_BACKEND_URL": f"file://{paths.state / 'pulumi'}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase_file(paths)),
        "PULUMI_PYTHON_CMD": str(paths.repo / "local" / "bin" / "pulumi-python"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        **({} if uses_installed_providers() else {"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1"}),
        "VLLM_ON_EKS_LOCAL_DIR": str(paths.state),
        "VLLM_ON_EKS_PYTHON": sys.executable,
        "VLLM_ON_EKS_TOKEN_FILE": str(paths.token_file),
    }


def process_environment(paths: Paths, ports: Mapping[str, int]) -> dict[str, str]:
    """The platform's variables in this process's environment, without a user's own AWS and Pulumi accounts."""
    kept = {name: value for name, value in os.environ.items() if name not in REMOVED}
    return {**kept, **platform_environment(paths, ports)}


def env_script(paths: Paths, ports: Mapping[str, int]) -> str:
    """`.local/env`: after sourcing it, plain `pulumi`, `kubectl` and `aws` commands mean the platform."""
    variables = platform_environment(paths, ports)
    path = variables.pop("PATH").removesuffix(os.environ.get("PATH", os.defpath))
    lines = [
        "# Source this: pulumi, kubectl and aws then mean the embedded platform. Made by `make up`.",
        f"unset {' '.join(REMOVED)}",
        f'export PATH={shlex.quote(path)}"$PATH"',
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        "# The program is the checkout's; stack files are taken from it each time (local/stacks/stack_files.py: why).",
        "pulumi() {",
        f"  PYTHONPATH={shlex.quote(str(paths.repo))} {shlex.quote(sys.executable)} -m local refresh-stack-files &&",
        f'    command pulumi --cwd {shlex.quote(str(project_folder(paths)))} "$@"',
        "}",
    ]
    return "\n".join(lines) + "\n"


def passphrase_file(paths: Paths) -> Path:
    """Encrypts secrets in stack files and state; made once per platform, readable by its owner only."""
    return paths.state / "passphrase"


def link_providers(paths: Paths) -> None:
    """Puts the providers where the engine looks for plugins of the Python packages' versions.

    On PATH they would work too, with a warning in every output.
    """
    plugins = paths.state / "pulumi-home" / "plugins"
    if uses_installed_providers():
        own = own_plugins()
        own.mkdir(parents=True, exist_ok=True)
        link(plugins, own)
        return
    if plugins.is_symlink():
        plugins.unlink()
    # kubernetes: the real provider, a program like the others; aws: our stand-in, a script.
    places = {"kubernetes": paths.tools_bin, "aws": paths.repo / "local" / "providers" / "bin"}
    for name, package in PROVIDERS.items():
        program = f"pulumi-resource-{name}"
        link(plugins / f"resource-{name}-v{version(package)}" / program, places[name] / program)
