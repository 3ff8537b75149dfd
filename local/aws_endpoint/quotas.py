"""Service Quotas, of which moto knows the VPC service's only: the values that the played account has."""

from __future__ import annotations

from typing import Any

from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse

from local.aws_endpoint.contract.account import NEW_ACCOUNT_QUOTAS, current

NOT_COUNTED = 10_000.0
"""What is answered for a quota that the account does not count: enough for everybody."""


def install() -> None:
    """Patches moto's classes; once per process."""
    ServiceQuotasBackend.get_service_quota = _get_service_quota
    ServiceQuotasResponse.get_aws_default_service_quota = _get_default


def _get_service_quota(backend: Any, service_code: str, quota_code: str) -> dict[str, Any]:
    if quota_code not in NEW_ACCOUNT_QUOTAS:
        raise NoSuchResource
    value = current().quotas.get(quota_code, NOT_COUNTED)
    return {
        "ServiceCode": service_code,
        "QuotaCode": quota_code,
        "QuotaName": quota_code,
        "Value": float(value),
        "Adjustable": True,
        "GlobalQuota": False,
    }


def _get_default(response: Any) -> str:
    raise NoSuchResource
