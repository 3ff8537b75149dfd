"""AWS Cost Anomaly Detection, which moto's Cost Explorer lacks: monitors and subscriptions as documents.

Nothing is detected. https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Cost_Explorer_Service.html
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from moto.ce.models import CostExplorerBackend
from moto.ce.responses import CostExplorerResponse
from moto.core.exceptions import JsonRESTError


@dataclass(frozen=True)
class _AnomalyDocument:
    """One of the two: `list_` names its documents in an answer."""

    name: str
    arn: str
    list_: str


MONITOR = _AnomalyDocument("AnomalyMonitor", "MonitorArn", "AnomalyMonitors")
SUBSCRIPTION = _AnomalyDocument("AnomalySubscription", "SubscriptionArn", "AnomalySubscriptions")


def kept(backend: CostExplorerBackend, kind: _AnomalyDocument) -> dict[str, dict[str, Any]]:
    """The documents of an account by ARN; moto's reset forgets them with all else of the backend."""
    documents: dict[str, dict[str, Any]] = vars(backend).setdefault(f"_local_{kind.name}", {})
    return documents


def install() -> None:
    """Patches moto's classes; once per process."""
    for kind, word in ((MONITOR, "anomaly_monitor"), (SUBSCRIPTION, "anomaly_subscription")):
        for operation, function in {
            f"create_{word}": _create,
            f"get_{word}s": _get,
            f"update_{word}": _update,
            f"delete_{word}": _delete,
        }.items():
            setattr(CostExplorerResponse, operation, _bound(function, kind))


def _bound(function: Any, kind: _AnomalyDocument) -> Any:
    return lambda response: json.dumps(function(response, kind, json.loads(response.body)))


def _known(response: Any, kind: _AnomalyDocument, arn: str) -> dict[str, Any]:
    document = kept(response.ce_backend, kind).get(arn)
    if document is None:
        raise JsonRESTError(f"Unknown{kind.arn.removesuffix('Arn')}Exception", f"{kind.name} {arn} is not known")
    return document


def _create(response: Any, kind: _AnomalyDocument, given: dict[str, Any]) -> dict[str, Any]:
    account = response.current_account
    arn = f"arn:{response.partition}:ce::{account}:{kind.name.lower()}/{uuid.uuid4()}"
    own = {"AccountId": account} if kind is SUBSCRIPTION else {}
    for monitor in given[kind.name].get("MonitorArnList", []):
        _known(response, MONITOR, monitor)
    kept(response.ce_backend, kind)[arn] = {**own, **given[kind.name], kind.arn: arn}
    response.ce_backend.tag_resource(arn, given.get("ResourceTags") or [])
    return {kind.arn: arn}


def _get(response: Any, kind: _AnomalyDocument, given: dict[str, Any]) -> dict[str, Any]:
    wanted = given.get(f"{kind.arn}List")
    if wanted:
        return {kind.list_: [_known(response, kind, arn) for arn in wanted]}
    return {kind.list_: list(kept(response.ce_backend, kind).values())}


def _update(response: Any, kind: _AnomalyDocument, given: dict[str, Any]) -> dict[str, Any]:
    _known(response, kind, given[kind.arn]).update(given)
    return {kind.arn: given[kind.arn]}


def _delete(response: Any, kind: _AnomalyDocument, given: dict[str, Any]) -> dict[str, Any]:
    _known(response, kind, given[kind.arn])
    del kept(response.ce_backend, kind)[given[kind.arn]]
    return {}
