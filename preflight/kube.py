"""Questions to the Kubernetes API of an EKS cluster: GET only, with a token made of the caller's AWS credentials."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from preflight.account import AwsAccount, Unanswered

SECONDS = 5


class ClusterApi:
    """`cluster`: as eks:DescribeCluster tells it."""

    def __init__(self, cluster: Mapping[str, Any], aws: AwsAccount) -> None:
        self._endpoint = str(cluster["endpoint"])
        authority = base64.b64decode(cluster["certificateAuthority"]["data"]).decode("ascii", "ignore")
        self._context = _trusting(authority)
        self._token = aws.cluster_token(str(cluster["name"]))

    def items(self, path: str, **query: str) -> list[Any]:
        """The objects of a list, empty where the cluster has no such kind. Raises Unanswered."""
        document = self.get(path, **query)
        return list(document.get("items") or ()) if document else []

    def get(self, path: str, **query: str) -> Any | None:
        """One object; None where it is not there. Raises Unanswered."""
        path += f"?{urlencode(query, quote_via=quote)}" if query else ""
        request = urllib.request.Request(f"{self._endpoint}{path}", headers={"Authorization": f"Bearer {self._token}"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS, context=self._context) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise Unanswered(f"GET {path}: HTTP {error.code}") from None
        except (OSError, ValueError) as error:
            raise Unanswered(f"GET {path}: {type(error).__name__}, the API is not reached from here") from None


def _trusting(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, ValueError):
        raise Unanswered("the cluster's certificate authority cannot be read") from None
