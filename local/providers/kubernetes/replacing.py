"""Which changes need a new object, as measured on the real provider (4.32) and listed in its source (force_new)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pulumi.runtime.proto import provider_pb2 as pb

from local.providers.kubernetes.settings import ProviderSettings
from local.providers.rpc import detailed_diff, diff_response, plain

# Paths that force a replacement, by kind; a path covers what lies below it, [*] any list position.
REPLACE_UNREADY: Final = "pulumi.com/replaceUnready"
_EVERY_KIND: Final = ("metadata.name", "metadata.namespace")
_POD_CONTAINER_FIELDS: Final = (
    "env",
    "image",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "securityContext",
    "terminationMessagePath",
    "workingDir",
)
_BY_KIND: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.selector", "spec.template"),
    ("", "ConfigMap"): ("binaryData", "data"),
    ("", "Secret"): ("type", "stringData", "data"),
    ("", "Service"): ("spec.clusterIP",),
    ("", "Pod"): tuple(f"spec.containers[*].{field}" for field in _POD_CONTAINER_FIELDS),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
}


def group_of(api_version: str) -> str:
    """ "apps" of "apps/v1", "" of "v1"."""
    return api_version.rpartition("/")[0]


def replacing_paths(inputs: Mapping[str, Any], settings: ProviderSettings) -> tuple[str, ...]:
    """The paths of this object whose change forces a replacement (`inputs` = the old ones)."""
    group, kind = group_of(str(inputs.get("apiVersion", ""))), str(inputs.get("kind", ""))
    paths = _BY_KIND.get((group, kind), ())
    is_mutable = (kind == "ConfigMap" and settings.config_map_mutable) or (kind == "Secret" and settings.secret_mutable)
    if group == "" and is_mutable and inputs.get("immutable") is not True:
        paths = tuple(path for path in paths if path not in ("data", "binaryData", "stringData"))
    return _EVERY_KIND + paths


def forces_replacement(path: str, replacing: tuple[str, ...]) -> bool:
    """Whether a changed `path` (as detailed_diff writes it) lies at or under one of `replacing`, or above it."""
    steps = _steps(path)
    for pattern in replacing:
        wanted = _steps(pattern)
        shared = min(len(steps), len(wanted))
        if all(want in ("*", step) for want, step in zip(wanted[:shared], steps[:shared], strict=True)):
            return True
    return False


def _steps(path: str) -> list[str]:
    """`spec.containers[0].image` -> spec, containers, 0, image; quoted keys stay one step."""
    found = re.findall(r'\["((?:[^"\\]|\\.)*)"\]|\[([^\]]*)\]|([^.\[\]]+)', path)
    return ["".join(parts) for parts in found]


def diff_objects(old: Mapping[str, Any], new: Mapping[str, Any], settings: ProviderSettings, *, is_patch: bool) -> Any:
    """The DiffResponse of two checked inputs. Named objects that keep their name are deleted before re-creation."""
    before, after = plain(old), plain(new)
    replacing = _EVERY_KIND if is_patch else replacing_paths(before, settings)
    changes = detailed_diff(before, after)
    return diff_response(
        changes,
        lambda path: forces_replacement(path, replacing),
        delete_before_replace=_keeps_its_name(before, after),
    )


def wants_ready_job(inputs: Mapping[str, Any]) -> bool:
    """Whether the object is a Job that is to be made anew when it has not succeeded."""
    annotations = plain((plain(inputs.get("metadata")) or {}).get("annotations") or {})
    is_job = (group_of(str(inputs.get("apiVersion", ""))), inputs.get("kind")) == ("batch", "Job")
    return is_job and isinstance(annotations, Mapping) and annotations.get(REPLACE_UNREADY) == "true"


def add_unready_replacement(response: Any, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Makes `response` a replacement because the live object is not ready."""
    path = f'metadata.annotations["{REPLACE_UNREADY}"]'
    response.changes = pb.DiffResponse.DIFF_SOME
    if path not in response.replaces:
        response.replaces.append(path)
    response.detailedDiff[path].kind = pb.PropertyDiff.UPDATE_REPLACE
    response.detailedDiff[path].inputDiff = True
    response.deleteBeforeReplace = _keeps_its_name(plain(old), plain(new))


def _keeps_its_name(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    before, after = old.get("metadata") or {}, new.get("metadata") or {}
    is_autonamed = (after.get("annotations") or {}).get("pulumi.com/autonamed") == "true"
    same = all(before.get(key) == after.get(key) for key in ("name", "namespace"))
    same_type = group_of(str(old.get("apiVersion", ""))) == group_of(str(new.get("apiVersion", "")))
    return not is_autonamed and same and same_type and old.get("kind") == new.get("kind")
