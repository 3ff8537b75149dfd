"""The Pulumi project as the platform uses it: the checkout's program with stack files of its own.

Pulumi writes an encryption salt and encrypted secrets into the stack file. On the platform these are throw-away and
must not show up in the checkout, so `.local/project/Pulumi.yaml` names the checkout as `main` and `.local/stacks`
as the folder of stack files. Each of those is the checkout's file, freshly taken, plus the platform's own secrets, plus
the folder of stand-in charts (`registry.charts`) where the file names no source of charts itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local.build.toolchain import link
from local.host.errors import PlatformError
from local.host.paths import Paths
from local.stacks.aws_secrets import RemoteToken

EXAMPLES = {"dev": ("203.0.113.10/32",), "prod": ("203.0.113.0/28",)}
UNROUTED_ADDRESS = "192.88.99.1/32"
"""Public by syntax and unused (RFC 7526): the platform's API server is on this machine."""
# Operator -> what builds its program, where a stack that installs it is meant to run it.
OPERATOR_NEEDS = {
    "kserve": "kserve",
    "argo-rollouts": "rollouts",
    "kuberay": "kuberay",
    "lws": "lws",
    "opentelemetry-collector": "collector",
}
# Of a real stack: the key or salt by which its secrets were encrypted, which is not known here.
REAL_ENCRYPTION = ("encryptionsalt", "secretsprovider", "encryptedkey")


def charts_folder(paths: Paths) -> Path:
    """The stand-in charts, with the real CRDs in them (`platform.assemble_charts`)."""
    return paths.state / "charts"


def project_folder(paths: Paths) -> Path:
    """What `pulumi --cwd` is given."""
    return paths.state / "project"


def stack_file(paths: Paths, stack: str) -> Path:
    return paths.state / "stacks" / f"Pulumi.{stack}.yaml"


def project_name(paths: Paths) -> str:
    """`name` of the checkout's Pulumi.yaml."""
    return str(_read(paths.repo / "Pulumi.yaml")["name"])


def write_project(paths: Paths) -> None:
    """Writes the project file: the checkout's, with the program there and the stack files here."""
    project = _read(paths.repo / "Pulumi.yaml")
    project["main"] = str(paths.repo)
    project["stackConfigDir"] = "../stacks"
    # Paths of options would count from here; PATH puts the virtual environment first anyway.
    project["runtime"] = "python"
    folder = project_folder(paths)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    # `--policy-pack policies` counts from here, too.
    link(folder / "policies", paths.repo / "policies")


def write_stack_file(paths: Paths, stack: str, source: Path | None = None) -> set[str]:
    """Takes the stack file over from the checkout (or from `source`) and returns the secrets still to be set."""
    source = source or paths.repo / f"Pulumi.{stack}.yaml"
    if not source.exists():
        raise PlatformError(f"there is no stack file {source.name}; stacks: {', '.join(stacks_of(paths))}")
    target = stack_file(paths, stack)
    merged = merge(_own_addresses(_read(source), stack), _read(target) if target.exists() else {})
    _take_charts_from(merged["config"], f"{project_name(paths)}:registry", charts_folder(paths))
    target.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(merged, sort_keys=False, width=1000)
    if not target.exists() or target.read_text() != text:
        target.write_text(text)
    config: dict[str, Any] = merged["config"]
    return secret_keys(config, project_name(paths)) - set(config)


def _own_addresses(content: dict[str, Any], stack: str) -> dict[str, Any]:
    """A stack file that we ship, with the platform's address in place of the example, as docs/on-aws.md tells to
    do; the account of prod is the platform's anyway. Another file's examples are left for `up` to refuse."""
    text = json.dumps(content, default=str)
    for example in EXAMPLES.get(stack, ()):
        text = text.replace(f'"{example}"', f'"{UNROUTED_ADDRESS}"')
    document: dict[str, Any] = json.loads(text)
    return document


def stacks_of(paths: Paths) -> list[str]:
    """Stacks that the checkout has files for."""
    return sorted(path.name.split(".")[1] for path in paths.repo.glob("Pulumi.*.yaml"))


def merge(checkout: Mapping[str, Any], platform: Mapping[str, Any]) -> dict[str, Any]:
    """The checkout's stack file without its own encryption, with the platform's salt and secrets."""
    merged = {key: value for key, value in checkout.items() if key not in REAL_ENCRYPTION}
    merged |= {key: value for key, value in platform.items() if key in REAL_ENCRYPTION}
    config = {key: value for key, value in (checkout.get("config") or {}).items() if not _is_secure(value)}
    secrets = {key: value for key, value in (platform.get("config") or {}).items() if _is_secure(value)}
    return {**merged, "config": {**config, **secrets}}


def _take_charts_from(config: dict[str, Any], key: str, folder: Path) -> None:
    """Sets `registry.charts`, unless the stack file does; what is no mapping is left for `up` to refuse."""
    registry = config.get(key) or {}
    if isinstance(registry, Mapping) and not registry.get("charts"):
        config[key] = {**registry, "charts": str(folder)}


def secret_keys(config: Mapping[str, Any], project: str) -> set[str]:
    """Config secrets that a stack file asks for, as full keys. Of a file that cannot be read: none, `up` says why."""
    from settings.read import secret_needs  # the settings take a while to import

    settings = _settings(config, project)
    return {f"{project}:{need.key}" for need in secret_needs(settings)} if settings else set()


def tool_needs(paths: Paths, stack: str, source: Path | None = None) -> tuple[str, ...]:
    """What the platform has to build for a stack (tool_table.NEEDS); of a file that cannot be read: the least."""
    file = source or paths.repo / f"Pulumi.{stack}.yaml"
    settings = _settings(_read(file).get("config") or {}, project_name(paths)) if file.exists() else None
    if settings is None:
        return ("platform",)
    from planning.backends.operators import asked_operators, is_installed  # as the settings

    keda = any(model.autoscaling.kind == "keda" for model in settings.models)
    karpenter = ["karpenter"] if any(pool.kind == "karpenter" for pool in settings.node_pools) else []
    external = ["external-secrets"] if remote_tokens(settings) and settings.external_secrets.install else []
    gateway = ["gateway"] if settings.gateway.kind == "gatewayApi" and settings.gateway.install else []
    asked = {row.name for row in asked_operators(settings) if is_installed(settings, row)}
    others = [*external, *karpenter, *gateway, *(OPERATOR_NEEDS[name] for name in OPERATOR_NEEDS if name in asked)]
    if any(settings.backend_of(model) == "llm-d" for model in settings.models):
        others.append("llm-d")
    if not settings.monitoring.enabled:
        return ("platform", *others)
    return ("platform", "monitoring", *(["keda"] if keda else []), *others)


def remote_tokens(settings: Any) -> dict[str, RemoteToken]:
    """What models read by its name in Secrets Manager."""
    tokens: dict[str, RemoteToken] = {}
    for model in settings.models:
        token = model.token_secret
        if token is not None and token.kind == "secretsManager":
            known = tokens.get(token.name, RemoteToken())
            keys = known.keys | ({token.property} - {None})
            tokens[token.name] = RemoteToken(keys, known.kms_key_arn or token.kms_key_arn)
    return tokens


def remote_tokens_of(paths: Paths, stack: str) -> tuple[str, dict[str, RemoteToken]]:
    """Region, and what `remote_tokens` says of the stack's file on the platform; nothing where it cannot be read."""
    settings = _settings(_read(stack_file(paths, stack)).get("config") or {}, project_name(paths))
    return (settings.region, remote_tokens(settings)) if settings is not None else ("", {})


def _settings(config: Mapping[str, Any], project: str) -> Any:
    from settings.read import read, section_keys

    sections = {key: config[f"{project}:{key}"] for key in section_keys() if f"{project}:{key}" in config}
    return read(sections, "platform").settings


def _is_secure(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"secure"}


def _read(path: Path) -> dict[str, Any]:
    """The mapping in a file; raises PlatformError in one line where it cannot be read, as the preview does."""
    from settings.documents import DocumentError
    from settings.yaml_text import yaml_file

    try:
        content = yaml_file(path)
    except DocumentError as error:
        raise PlatformError(str(error)) from None
    return content if isinstance(content, dict) else {}
