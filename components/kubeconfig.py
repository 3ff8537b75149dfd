"""The kubeconfig of an EKS cluster: endpoint, CA and how to get a token. Holds no secret."""

from __future__ import annotations

import json
from typing import Any


def kubeconfig(name: str, endpoint: str, certificate_authority: str, region: str) -> str:
    """Kubeconfig (JSON, which is YAML) whose tokens come from `aws eks get-token`, as `aws eks update-kubeconfig` does.

    `certificate_authority` is base64 of the PEM, as EKS returns it. `aws` is looked up on the PATH of whoever uses it.
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
