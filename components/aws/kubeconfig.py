"""The kubeconfig of an EKS cluster (endpoint, CA and how to get a token; no secret), and the provider that uses it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes


def kubeconfig(name: str, endpoint: str, certificate_authority: str, region: str) -> str:
    """Kubeconfig (JSON, which is YAML) whose tokens come from `aws eks get-token`, as `aws eks update-kubeconfig` does.

    `certificate_authority` is base64 of the PEM, as EKS returns it. `aws` is looked up on its user's PATH.
    """
    user: dict[str, Any] = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"],
        "interactiveMode": "Never",
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {"server": endpoint, "certificate-authority-data": certificate_authority},
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
        "users": [{"name": name, "user": {"exec": user}}],
    }
    return json.dumps(config, indent=2)


def kubernetes_provider(name: str, config: pulumi.Input[str], after: Sequence[pulumi.Resource]) -> kubernetes.Provider:
    """The provider of everything inside the cluster. `after`: access, nodes, add-ons, and where images come from.

    Hidden ordering: a kubeconfig says nothing of access, nodes, DNS, volumes; nothing starts or leaves without them.
    """
    return kubernetes.Provider(
        name,
        kubeconfig=config,
        # A rotated token or a new dashboard updates in place; by default it is replaced under a name that is taken.
        enable_secret_mutable=True,
        enable_config_map_mutable=True,
        opts=pulumi.ResourceOptions(depends_on=list(after)),
    )
