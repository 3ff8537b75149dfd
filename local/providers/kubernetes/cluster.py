"""The API server, as plain JSON over the official client's configuration, credentials and connection pool.

The models of the client are not used: what goes in and out of state is the object as JSON, whatever its kind.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from local.providers.kubernetes.kubeconfig import KubeconfigError, load_kubeconfig

Json = dict[str, Any]

APPLY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"
_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 60
_POOL_CONNECTIONS: Final = 64
_MOST_RETRIES: Final = 11
"""client-go: a request and ten repetitions (k8s.io/client-go v0.34 rest/request.go, maxRetries)."""


class ApiError(Exception):
    """The server refused: `status` is the HTTP code, `reason` the Status reason, the text the server's message."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.reason = status, message, reason

    @property
    def is_not_found(self) -> bool:
        return self.status == 404

    @property
    def is_conflict(self) -> bool:
        return self.status == 409


class KindMissing(ApiError):
    """The server has no such apiVersion and kind (a CustomResourceDefinition that is not there yet)."""

    def __init__(self) -> None:
        super().__init__(
            404,
            "the apiVersion for this resource does not exist. Verify that any required CRDs have been created",
            "KindMissing",
        )


class Unreachable(Exception):
    """No connection to a server could be made (or there is no usable kubeconfig)."""


@dataclass(frozen=True)
class ResourceInfo:
    """How the server names and scopes a kind: `base` is /api/v1 or /apis/GROUP/VERSION."""

    base: str
    plural: str
    is_namespaced: bool


class Cluster:
    """One API server. Connects at the first call; safe to be used from many threads."""

    def __init__(self, kubeconfig: str, context: str = "", cluster: str = "") -> None:
        self._given = (kubeconfig, context, cluster)
        self._lock = threading.Lock()
        self._client: Any = None
        self._kinds: dict[tuple[str, str], ResourceInfo] = {}
        self._has_answered = False

    def kubeconfig(self) -> Json:
        """The effective kubeconfig. Raises Unreachable when there is none."""
        try:
            return load_kubeconfig(*self._given)
        except KubeconfigError as error:
            raise Unreachable(str(error)) from None

    def _connect(self) -> Any:
        with self._lock:
            if self._client is None:
                # Imported here: the client takes half a second, and a preview without changes needs no server.
                from kubernetes import client, config

                settings = client.Configuration()
                settings.retries = 0
                settings.connection_pool_maxsize = _POOL_CONNECTIONS
                _load_credentials(self.kubeconfig(), settings, config)
                self._client = client.ApiClient(settings)
            return self._client

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Json:
        """One call; the answer's JSON. Raises ApiError for a refusal, Unreachable without a connection."""
        for _ in range(_MOST_RETRIES):
            response = self._send(method, path, query, body, content_type)
            pause = response.headers.get("Retry-After", "")
            # As client-go: 429 and 5xx are tried again when the server says when, ten times at most.
            if not pause.isdigit() or (response.status != 429 and response.status < 500):
                break
            time.sleep(int(pause))
        self._has_answered = True
        return _answer(response.status, response.data)

    def _send(self, method: str, path: str, query: Mapping[str, str] | None, body: Any, content_type: str) -> Any:
        import urllib3

        api = self._connect()
        headers = {"Accept": "application/json", "Content-Type": content_type}
        for auth in api.configuration.auth_settings().values():  # asks an exec plugin again when its token expired
            headers[auth["key"]] = auth["value"]
        url = f"{api.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            return api.rest_client.pool_manager.request(
                method,
                url,
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
                # An idle connection that the server has closed is worth a second try; a refused one is not.
                retries=urllib3.Retry(total=1, connect=0, read=1, redirect=0, backoff_factor=0),
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f'Get "{api.configuration.host}/openapi/v2": {_root_cause(error)}') from None

    def check_reachable(self) -> None:
        """Raises Unreachable when the server does not answer (any answer counts, a refusal too)."""
        if self._has_answered:
            return
        try:
            self.request("GET", "/version")
        except ApiError:
            return

    def info(self, api_version: str, kind: str) -> ResourceInfo:
        """Path and scope of a kind. Raises KindMissing; a miss is asked again, for CRDs appear during an update."""
        found = self._kinds.get((api_version, kind))
        if found is None:
            base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            try:
                resources = self.request("GET", base).get("resources") or []
            except ApiError as error:
                if error.is_not_found:
                    raise KindMissing() from None
                raise
            for item in resources:
                if "/" not in item["name"]:
                    key = (api_version, item["kind"])
                    self._kinds[key] = ResourceInfo(base, item["name"], bool(item["namespaced"]))
            found = self._kinds.get((api_version, kind))
        if found is None:
            raise KindMissing()
        return found

    def path(self, obj: Mapping[str, Any], *, collection: bool = False) -> str:
        """The URL path of an object (or of the collection that it is created in)."""
        info = self.info(obj["apiVersion"], obj["kind"])
        metadata = obj.get("metadata") or {}
        namespace = f"/namespaces/{quote(metadata.get('namespace') or 'default')}" if info.is_namespaced else ""
        name = "" if collection else f"/{quote(metadata['name'], safe='')}"
        return f"{info.base}{namespace}/{info.plural}{name}"

    def get(self, obj: Mapping[str, Any]) -> Json:
        """The live object that `obj` names (apiVersion, kind, metadata)."""
        return self.request("GET", self.path(obj))

    def find(self, obj: Mapping[str, Any]) -> Json | None:
        """The live object that `obj` names, or None when neither it nor its kind is there."""
        try:
            return self.get(obj)
        except ApiError as error:
            if error.is_not_found:
                return None
            raise

    def list(self, api_version: str, kind: str, namespace: str, label_selector: str = "") -> list[Json]:
        """The objects of a kind in a namespace."""
        path = self.path(
            {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace}}, collection=True
        )
        query = {"labelSelector": label_selector} if label_selector else None
        return [
            {"apiVersion": api_version, "kind": kind, **item}
            for item in self.request("GET", path, query=query).get("items") or []
        ]


def _load_credentials(kubeconfig: Json, settings: Any, config: Any) -> None:
    """Fills the client's settings. The client only logs that an exec plugin failed, and goes on as nobody."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        config.load_kube_config_from_dict(kubeconfig, client_configuration=settings)
    except config.ConfigException as error:
        raise Unreachable(str(error)) from None
    finally:
        root.removeHandler(handler)
    has_identity = bool(settings.api_key or settings.cert_file or settings.username)
    if said and not has_identity:
        raise Unreachable(f"getting credentials: {'; '.join(said)}")


def _answer(status: int, data: bytes) -> Json:
    try:
        content = json.loads(data) if data else {}
    except ValueError:
        content = {"message": data.decode(errors="replace").strip()}
    if not isinstance(content, dict):
        content = {"items": content}
    if status >= 400:
        message = content.get("message") or f"the server answered with HTTP {status}"
        raise ApiError(status, str(message), str(content.get("reason", "")))
    return content


def _root_cause(error: BaseException) -> str:
    """The innermost reason of a urllib3 error in few words: "connection refused" rather than a repr."""
    reason: Any = getattr(error, "reason", None) or error
    cause = getattr(reason, "__cause__", None) or getattr(reason, "__context__", None)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return str(reason)
