"""Namespaces: `ModelNamespace` for models, and the labels that say which pods a namespace lets in."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.network_policies import default_deny
from components.manifest import Manifest, arguments
from planning.model import NAMESPACE_OWNERS, OWN_LABELS, NamespaceOwner


def namespace_manifest(name: str, setting: str) -> Manifest:
    """A Namespace whose admission enforces the level of the setting that names it, and warns and audits at it too."""
    return owned_namespace(name, NAMESPACE_OWNERS[setting])


def owned_namespace(name: str, owner: NamespaceOwner) -> Manifest:
    """The same of an owner whose namespace no setting names."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {
                **OWN_LABELS,
                **{f"pod-security.kubernetes.io/{mode}": owner.level.value for mode in ("enforce", "audit", "warn")},
            },
        },
    }


@dataclass(frozen=True)
class ModelNamespaceArgs:
    """`namespace`: its name in the cluster."""

    namespace: str


class ModelNamespace(pulumi.ComponentResource):
    """A namespace for models: Pod Security `restricted`, network closed."""

    name: pulumi.Output[str]

    def __init__(self, name: str, args: ModelNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:ModelNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            **arguments(namespace_manifest(args.namespace, "models[].namespace")),
            opts=child,
        )
        self.name = namespace.metadata["name"]
        k8s.networking.v1.NetworkPolicy(
            f"{name}-default-deny", **arguments(default_deny(args.namespace), self.name), opts=child
        )
        self.register_outputs({"name": self.name})
