"""Clients of the AWS endpoint, made when first used, and refused where they would reach the real AWS."""

from __future__ import annotations

import functools
import os
import re
import threading
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.providers.rpc import ProviderError

_LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
_NOT_FOUND: Final = re.compile(r"NotFound|NoSuch|^404$|DoesNotExist|NotExist|NonExistent|Unknown(Monitor|Subscription)")
# Codes that end when something else that is being deleted is gone.
_STILL_USED: Final = re.compile(r"DependencyViolation|DeleteConflict|ResourceInUse|InUse$|FileSystemInUse")
_DEFAULT_REGION: Final = "us-east-1"


class AwsError(ProviderError):
    """AWS refused a call; `code` is its error code."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"operation error {service}: {operation}, api error {code}: {message}")
        self.code = code

    @property
    def is_not_found(self) -> bool:
        return _NOT_FOUND.search(self.code) is not None

    @property
    def is_still_used(self) -> bool:
        return _STILL_USED.search(self.code) is not None


@functools.cache
def _session() -> Any:
    return botocore.session.get_session()


@functools.cache
def service_model(service: str) -> Any:
    """botocore's description of a service; ec2's takes 84 ms to load, so only when needed."""
    return _session().get_service_model(service)


@functools.cache
def operation_model(service: str, operation: str) -> Any:
    """The model of `operation`, given in snake_case as boto3 names its methods."""
    model = service_model(service)
    names = {xform_name(name): name for name in model.operation_names}
    return model.operation_model(names[operation])


def require_local_endpoint() -> None:
    """Refuses to work without an endpoint on this machine: a stand-in must never touch a real account."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if urlsplit(endpoint).hostname not in _LOCAL_HOSTS:
        raise ProviderError(
            "the local stand-in of the AWS provider works only against an endpoint on this machine, and "
            f"AWS_ENDPOINT_URL is {endpoint or 'not set'}. For real AWS install the real plugin "
            "(`pulumi plugin install resource aws`) and take local/providers off PATH."
        )


class Cloud:
    """One account seen from one provider resource. Thread-safe; a client per service and region."""

    def __init__(
        self,
        region: str | None = None,
        *,
        access_key: str | None = None,
        secret_key: str | None = None,
        token: str | None = None,
    ) -> None:
        environment = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        self.region = region or environment or _DEFAULT_REGION
        self._keys = {
            "aws_access_key_id": access_key or os.environ.get("AWS_ACCESS_KEY_ID") or "local",
            "aws_secret_access_key": secret_key or os.environ.get("AWS_SECRET_ACCESS_KEY") or "local",
            "aws_session_token": token or os.environ.get("AWS_SESSION_TOKEN"),
        }
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str | None = None) -> Any:
        key = (service, region or self.region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = _session().create_client(
                    service,
                    region_name=key[1],
                    config=Config(
                        retries={"max_attempts": 2, "mode": "standard"},
                        max_pool_connections=64,
                        parameter_validation=True,
                        s3={"addressing_style": "path"},
                    ),
                    **self._keys,
                )
            return self._clients[key]

    def call(self, service: str, operation: str, params: dict[str, Any], region: str | None = None) -> Any:
        """Calls `operation`; raises AwsError for what AWS refuses, ProviderError for the rest."""
        try:
            return getattr(self.client(service, region), operation)(**params)
        except ClientError as error:
            answer = error.response.get("Error", {})
            raise AwsError(
                service, error.operation_name, str(answer.get("Code", "")), str(answer.get("Message", ""))
            ) from error
        except BotoCoreError as error:
            raise ProviderError(f"operation error {service}: {operation}: {error}") from error

    @functools.cached_property
    def identity(self) -> dict[str, str]:
        """GetCallerIdentity: Account, Arn, UserId."""
        answer = self.call("sts", "get_caller_identity", {})
        return {key: answer[key] for key in ("Account", "Arn", "UserId")}

    @property
    def partition(self) -> str:
        return self.identity["Arn"].split(":")[1]
