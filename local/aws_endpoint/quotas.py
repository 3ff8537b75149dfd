"""Service Quotas, of which moto knows the VPC service's only: the values that the played account has.

A request for more is granted at once; AWS takes hours to days, or says no.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse

from local.aws_endpoint.contract.account import NEW_ACCOUNT_QUOTAS, current

NOT_COUNTED = 10_000.0
"""What is answered for a quota that the account does not count: enough for all."""


def install() -> None:
    """Patches moto's classes; once per process."""
    ServiceQuotasBackend.get_service_quota = _get_service_quota
    ServiceQuotasResponse.get_aws_default_service_quota = _get_default
    ServiceQuotasResponse.request_service_quota_increase = _request_increase


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


def _request_increase(response: Any) -> str:
    service, code = response._get_param("ServiceCode"), response._get_param("QuotaCode")
    have, desired = _get_service_quota(None, service, code)["Value"], float(response._get_param("DesiredValue"))
    if desired <= have:
        raise JsonRESTError("IllegalArgumentException", f"Desired value must be greater than the current value {have}.")
    account = current()
    account.quotas = {**account.quotas, code: int(desired)}
    asked = {"ServiceCode": service, "QuotaCode": code, "DesiredValue": desired, "Status": "APPROVED"}
    return json.dumps({"RequestedQuota": asked})


def _get_default(response: Any) -> str:
    raise NoSuchResource
