"""The AWS account as questions see it: read-only calls with short time-outs, and errors in one line."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

# Ten seconds for everything together (ask.py); one call must not take them all.
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 6, 3

# What makes botocore find credentials without a call to the network, as it looks for them
# (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html).
_VARIABLES = (
    *("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
_FILES = {"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "~/.aws/config"}


class Unanswered(Exception):
    """AWS did not answer: no permission, no network, throttled. The text says which call and why."""


def may_have_credentials(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether it is worth half a second to import the SDK: something of AWS is set, or lies at its usual place."""
    if any(environment.get(name) for name in _VARIABLES):
        return True
    return any(Path(environment.get(name, usual)).expanduser().is_file() for name, usual in _FILES.items())


class AwsAccount:
    """Calls of one region with the credentials of the environment."""

    def __init__(self, region: str, session: Any | None = None) -> None:
        import boto3  # takes a third of a second, which a plan without credentials need not pay

        self.region = region
        self._session = session or boto3.Session()
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()  # making clients is not thread-safe

    @property
    def has_credentials(self) -> bool:
        """Whether there are any; on an EC2 instance this asks its metadata service."""
        from botocore.exceptions import BotoCoreError

        try:
            return self._session.get_credentials() is not None
        except BotoCoreError:
            return False

    @cached_property
    def caller(self) -> Mapping[str, str]:
        """`Account` and `Arn` of who asks."""
        caller: Mapping[str, str] = self.call("sts", "get_caller_identity")
        return caller

    def call(self, service: str, operation: str, absent: Iterable[str] = (), **parameters: Any) -> Any:
        """The answer; None for an error whose code is in `absent`. Raises Unanswered."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client(service), operation)(**parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in absent:
                return None
            raise Unanswered(f"{_name(service, operation)}: {code}") from None
        except BotoCoreError as error:
            raise Unanswered(f"{_name(service, operation)}: {type(error).__name__}") from None

    def pages(self, service: str, operation: str, member: str, **parameters: Any) -> list[Any]:
        """All items of a list that AWS hands out by the page. Raises Unanswered."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            pages = self._client(service).get_paginator(operation).paginate(**parameters)
            return [item for page in pages for item in page[member]]
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise Unanswered(f"{_name(service, operation)}: {code}") from None
        except BotoCoreError as error:
            raise Unanswered(f"{_name(service, operation)}: {type(error).__name__}") from None

    def cluster_token(self, cluster: str) -> str:
        """A bearer token for the cluster's Kubernetes API: a signed sts:GetCallerIdentity, good for a minute."""
        from botocore.signers import RequestSigner

        client = self._client("sts")
        credentials, events = self._session.get_credentials(), self._session.events
        signer = RequestSigner(client.meta.service_model.service_id, self.region, "sts", "v4", credentials, events)
        request = {
            "method": "GET",
            "url": f"https://sts.{self.region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster},
            "context": {},
        }
        return token_text(signer.generate_presigned_url(request, "", expires_in=60, region_name=self.region))

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        with self._lock:
            if service not in self._clients:
                patience = Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"mode": "standard", "max_attempts": ATTEMPTS},
                )
                self._clients[service] = self._session.client(service, region_name=self.region, config=patience)
            return self._clients[service]


def _name(service: str, operation: str) -> str:
    return f"{service}:{''.join(word.capitalize() for word in operation.split('_'))}"


def token_text(presigned_url: str) -> str:
    """The bearer token that EKS' authenticator takes, as `aws eks get-token` makes it."""
    return "k8s-aws-v1." + base64.urlsafe_b64encode(presigned_url.encode()).decode().rstrip("=")
