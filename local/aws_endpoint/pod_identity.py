"""Credentials of EKS Pod Identity: what its agent hands a pod whose service account has an association.

Who calls with them is held to the role's own policies (contract/gate.py); every other caller here may do everything.
Answered as the agent does (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html), by HTTP beside
moto's switches: GET /moto-api/local/pod-identity?region=R&cluster=C&namespace=N&serviceAccount=A; R and C may be empty
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.backends import get_backend
from moto.moto_api._internal import urls

from local.aws_endpoint import eks_store as store
from local.aws_endpoint.contract.account import ACCOUNT_ID

PATH = "/moto-api/local/pod-identity"
VALID = timedelta(hours=6)


class _Sessions:
    roles: dict[str, str] = {}  # of this process, as moto's own state
    """Access key -> ARN of the role."""


def install() -> None:
    """Adds the path; once per process."""
    urls.url_paths[f"{{0}}{PATH}"] = _handle


def role_of(access_key: str) -> str | None:
    """The role whose credentials these are; None for anybody else's."""
    return _Sessions.roles.get(access_key)


def credentials(region: str, cluster: str, namespace: str, account: str) -> dict[str, str] | None:
    """What the agent answers a pod of this service account; None without an association."""
    for association in _associations(region, cluster):
        if (association["namespace"], association["serviceAccount"]) == (namespace, account):
            key = f"ASIA{uuid.uuid4().hex[:16].upper()}"
            _Sessions.roles[key] = association["roleArn"]
            return {
                "AccessKeyId": key,
                "SecretAccessKey": uuid.uuid4().hex,
                "Token": uuid.uuid4().hex,
                "AccountId": ACCOUNT_ID,
                "Expiration": (datetime.now(UTC) + VALID).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
    return None


def _associations(region: str, cluster: str) -> Iterator[Mapping[str, str]]:
    """Of one cluster; without a name of all: the platform's pods may be of any, one API server serves them all."""
    regions = get_backend("eks")[ACCOUNT_ID]
    for backend in [regions[region]] if region else list(regions.values()):
        for name, cluster_record in backend.clusters.items():
            if cluster in ("", name):
                yield from store.extra(cluster_record, "pod_identity").values()


def policy_of(role_arn: str) -> dict[str, Any]:
    """All statements of the role's policies, inline and attached, as one document; none where the role is gone."""
    iam = get_backend("iam")[ACCOUNT_ID][role_arn.split(":")[1]]
    role = next((role for role in iam.roles.values() if role.arn == role_arn), None)
    if role is None:
        return {"Statement": []}
    attached = [policy.document for policy in role.managed_policies.values()]
    return {"Statement": [s for text in (*role.policies.values(), *attached) for s in _statements(text)]}


def _statements(document: str | Mapping[str, Any]) -> list[dict[str, Any]]:
    statements = (json.loads(document) if isinstance(document, str) else document)["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _handle(request: Any, full_url: str, headers: Any) -> tuple[int, dict[str, str], str]:
    keys = ("region", "cluster", "namespace", "serviceAccount")
    value = credentials(*(request.args.get(key, "") for key in keys))
    if value is None:
        return 404, {}, json.dumps({"message": "no association of the service account"})
    return 200, {"Content-Type": "application/json"}, json.dumps(value)
