"""What a resource's type token and URN say: an object, a Patch of one, or a Helm release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

RELEASE_TYPE: Final = "kubernetes:helm.sh/v3:Release"
_NOT_OBJECTS: Final = {
    "kubernetes:helm.sh/v2:Chart": "charts rendered by the provider",
    "kubernetes:helm.sh/v3:Chart": "charts rendered by the provider",
    "kubernetes:helm.sh/v4:Chart": "charts rendered by the provider",
    "kubernetes:yaml:ConfigFile": "YAML files",
    "kubernetes:yaml/v2:ConfigFile": "YAML files",
    "kubernetes:yaml/v2:ConfigGroup": "YAML groups",
    "kubernetes:kustomize:Directory": "kustomize folders",
    "kubernetes:kustomize/v2:Directory": "kustomize folders",
}

# Built-in kinds that live outside of namespaces (kubectl api-resources --namespaced=false, Kubernetes 1.36). For
# other groups the server is asked; where it cannot be, a kind counts as namespaced.
_CLUSTER_SCOPED: Final = frozenset(
    {
        ("v1", "ComponentStatus"),
        ("v1", "Namespace"),
        ("v1", "Node"),
        ("v1", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("authentication.k8s.io", "SelfSubjectReview"),
        ("authentication.k8s.io", "TokenReview"),
        ("authorization.k8s.io", "SelfSubjectAccessReview"),
        ("authorization.k8s.io", "SelfSubjectRulesReview"),
        ("authorization.k8s.io", "SubjectAccessReview"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
        ("storagemigration.k8s.io", "StorageVersionMigration"),
    }
)
_BUILT_IN_GROUPS: Final = frozenset(
    {"v1", "apps", "autoscaling", "batch", "policy", "events.k8s.io", "discovery.k8s.io", "coordination.k8s.io"}
    | {group for group, _ in _CLUSTER_SCOPED}
)


def type_of(urn: str) -> str:
    """The resource's own type token: urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    """The resource's logical name (which may hold "::")."""
    return urn.split("::", 3)[3]


def unsupported(type_token: str) -> str:
    """Why the stand-in cannot serve a type; empty when it can."""
    what = _NOT_OBJECTS.get(type_token)
    return f"the local stand-in provider does not do {what} ({type_token})" if what else ""


def is_release(type_token: str) -> bool:
    """Whether the type is a Helm release."""
    return type_token == RELEASE_TYPE


def is_patch(type_token: str, inputs: Mapping[str, Any]) -> bool:
    """Whether the type is the Patch twin of a kind: ConfigMapPatch, whose `kind` says ConfigMap."""
    kind = type_token.rpartition(":")[2]
    return kind.endswith("Patch") and inputs.get("kind") != kind


def api_version_and_kind(type_token: str) -> tuple[str, str]:
    """("apps/v1", "Deployment") of kubernetes:apps/v1:Deployment; "core/v1" is "v1"."""
    _, module, kind = type_token.split(":", 2)
    return module.removeprefix("core/"), kind


def built_in_scope(api_version: str, kind: str) -> bool | None:
    """True = namespaced, False = cluster-scoped, None = not a built-in group: ask the server."""
    group = api_version.partition("/")[0]  # "v1" for the core group
    if (group, kind) in _CLUSTER_SCOPED:
        return False
    return True if group in _BUILT_IN_GROUPS else None
