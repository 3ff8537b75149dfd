"""The inputs of the provider resource itself: which are known, what they mean, when a change means another cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.providers.kubernetes.kubeconfig import active_server
from local.providers.rpc import UNKNOWN, plain

# Inputs of kubernetes.Provider in the Python SDK 4.34.2 (pulumi_kubernetes/provider.py), plus the engine's own.
_KNOWN: Final = frozenset(
    {
        "kubeconfig",
        "context",
        "cluster",
        "namespace",
        "clusterIdentifier",
        "deleteUnreachable",
        "skipUpdateUnreachable",
        "enableConfigMapMutable",
        "enableSecretMutable",
        "enablePatchForce",
        "enableServerSideApply",
        "upsertExistingObjects",
        "helmReleaseSettings",
        "kubeClientSettings",
        "suppressDeprecationWarnings",
        "suppressHelmHookWarnings",
        "renderYamlToDirectory",
        "alwaysRender",
        "version",
        "pluginDownloadURL",
    }
)
_NOT_HERE: Final = {
    "renderYamlToDirectory": "rendering to a directory",
    "alwaysRender": "rendering to a directory",
    "helmReleaseSettings": "Helm settings of the provider",
    "kubeClientSettings": "client settings of the provider",
}
_ENV: Final = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}


@dataclass(frozen=True)
class ProviderSettings:
    """What the provider resource says about all objects that use it."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = "default"
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    config_map_mutable: bool = False
    secret_mutable: bool = False
    patch_force: bool = False
    upsert: bool = False


def read_settings(config: Mapping[str, Any], env: Mapping[str, str] = os.environ) -> ProviderSettings:
    """Settings from Configure's arguments; flags fall back to the real provider's environment variables."""
    values = {key: _decoded(value) for key, value in plain(config).items()}

    def flag(key: str) -> bool:
        value = values.get(key)
        return str(env.get(_ENV[key], "") if value is None else value).lower() in ("true", "1")

    kubeconfig = values.get("kubeconfig") or ""
    return ProviderSettings(
        kubeconfig=json.dumps(kubeconfig) if isinstance(kubeconfig, dict) else str(kubeconfig),
        context=values.get("context") or "",
        cluster=values.get("cluster") or "",
        namespace=values.get("namespace") or "default",
        delete_unreachable=flag("deleteUnreachable"),
        skip_update_unreachable=flag("skipUpdateUnreachable"),
        config_map_mutable=flag("enableConfigMapMutable"),
        secret_mutable=flag("enableSecretMutable"),
        patch_force=flag("enablePatchForce"),
        upsert=flag("upsertExistingObjects"),
    )


def _decoded(value: Any) -> Any:
    """The engine hands non-string provider inputs over as JSON text."""
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    return value


def config_failures(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(property, reason) for provider inputs that the stand-in does not know or cannot honour."""
    failures = []
    for key, value in plain(config).items():
        if key not in _KNOWN:
            failures.append((key, f'unknown provider property "{key}"; known: {", ".join(sorted(_KNOWN))}'))
        elif key in _NOT_HERE and value not in (None, "", False, "false"):
            failures.append((key, f"the local stand-in provider does not do {_NOT_HERE[key]}"))
        elif key == "enableServerSideApply" and value in (False, "false"):
            failures.append((key, "the local stand-in provider always uses server-side apply"))
    return failures


def config_replaces(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the new provider inputs mean another cluster, so that every object must be created anew there.

    A changed clusterIdentifier says so; equal ones say the opposite; without them the active server's URL decides.
    """
    before, after = plain(old), plain(new)
    identifiers = before.get("clusterIdentifier"), after.get("clusterIdentifier")
    if UNKNOWN in identifiers:
        return False
    if all(identifiers):
        return bool(identifiers[0] != identifiers[1])
    if any(identifiers):
        return False
    kubeconfigs = before.get("kubeconfig") or "", after.get("kubeconfig") or ""
    if UNKNOWN in kubeconfigs:
        return False
    servers = [active_server(str(text)) for text in kubeconfigs]
    return all(servers) and servers[0] != servers[1]
