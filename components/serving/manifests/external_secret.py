"""What External Secrets Operator makes a model's token Secret of."""

from __future__ import annotations

from components.manifest import WAIT_READY, Manifest
from components.serving.manifests.names import server_labels
from planning.model import SECRET_STORE, RemoteTokenPlan, ServedModel


def external_secret(model: ServedModel, secret_name: str, secret_key: str, remote: RemoteTokenPlan) -> Manifest:
    """One Secret with one key, read again every so often; it goes with this object, not with what it is read from."""
    reference = {"key": remote.name, **({"property": remote.property} if remote.property else {})}
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {
            "name": secret_name,
            "namespace": model.namespace,
            "labels": server_labels(model),
            "annotations": dict(WAIT_READY),
        },
        "spec": {
            "refreshInterval": go_duration(remote.refresh_minutes),
            "secretStoreRef": {"kind": "SecretStore", "name": SECRET_STORE},
            # Retain: a secret deleted in AWS is an error that is shown, and what runs keeps its token.
            "target": {"name": secret_name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
            "data": [{"secretKey": secret_key, "remoteRef": reference}],
        },
    }


def go_duration(minutes: int) -> str:
    """As Go writes it (time.Duration.String): the operator writes its objects back, and other words would be drift."""
    hours, rest = divmod(minutes, 60)
    return f"{hours}h{rest}m0s" if hours else f"{rest}m0s"
