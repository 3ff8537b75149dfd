"""List and watch over plain HTTP: the whole process is one event loop, and watches outlive API-server restarts."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import aiohttp
from kubernetes import client, config

Object = dict[str, Any]
Log = Callable[[str], None]

WATCH_SECONDS = 300  # the server ends a watch after this long; we go on from the last resource version
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class Gone(Exception):
    """The resource version is too old: list again."""


class WriteRefused(aiohttp.ClientError):
    """The API server does not take it; says why in its own words."""


async def _refuse(response: aiohttp.ClientResponse) -> None:
    if response.status >= 400:
        raise WriteRefused(f"{response.method} {response.url.path}: {response.status} {(await response.text())[:500]}")


class RemovesObjects(Protocol):
    """What `remove` asks of an API."""

    async def delete_now(self, path: str, uid: str) -> None: ...


async def remove(api: RemovesObjects, path: str, uid: str, log: Log) -> None:
    """Removes a terminating object, again and again until the API server answers, as the kubelet does.

    Nothing else ends a pod that is left Terminating, and what waits for it (a drain, a rollout) waits forever.
    """
    failures = 0
    while True:
        try:
            return await api.delete_now(path, uid)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if failures == 0:
                log(f"WARNING pod object not removed, trying again: {error}")
        await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
        failures += 1


class KubeApi:
    """Requests to one API server with the credentials of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        settings = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=settings)  # type: ignore[no-untyped-call]
        self._base = str(settings.host).rstrip("/")
        self._headers = {}
        if "authorization" in settings.api_key:
            self._headers["Authorization"] = settings.get_api_key_with_prefix("authorization")
        self._ssl: ssl.SSLContext | bool = True
        if self._base.startswith("https"):
            context = ssl.create_default_context(cafile=settings.ssl_ca_cert)
            if not settings.verify_ssl:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if settings.cert_file:
                context.load_cert_chain(settings.cert_file, settings.key_file)
            self._ssl = context
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> KubeApi:
        # no total timeout: watches are long; no proxy from the environment: the server is on this machine
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5), trust_env=False, read_bufsize=2**22
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self, method: str, path: str, **options: Any) -> Any:
        assert self._session is not None, "use `async with KubeApi(...)`"
        headers = {**self._headers, **options.pop("headers", {})}
        return self._session.request(method, f"{self._base}{path}", headers=headers, ssl=self._ssl, **options)

    async def get(self, path: str) -> Object | None:
        """The object at `path`, None where there is none. Raises aiohttp.ClientError."""
        async with self._open("GET", path) as response:
            if response.status == 404:
                return None
            response.raise_for_status()
            document: Object = await response.json()
            return document

    async def patch_status(self, path: str, patch: Object) -> bool:
        """Strategic merge patch of the status subresource; False when the object is gone or changed hands."""
        headers = {"Content-Type": "application/strategic-merge-patch+json"}
        async with self._open("PATCH", f"{path}/status", data=json.dumps(patch), headers=headers) as response:
            if response.status in (404, 409):
                return False
            response.raise_for_status()
            return True

    async def patch_json(self, path: str, operations: list[Object]) -> bool:
        """JSON patch (RFC 6902) of an object; False when it is gone or changed hands."""
        headers = {"Content-Type": "application/json-patch+json"}
        async with self._open("PATCH", path, data=json.dumps(operations), headers=headers) as response:
            if response.status in (404, 409):
                return False
            response.raise_for_status()
            return True

    async def create(self, path: str, body: Object, manager: str) -> None:
        """Makes an object below the collection at `path`, as this field manager. Raises WriteRefused."""
        async with self._open("POST", f"{path}?fieldManager={manager}", json=body) as response:
            await _refuse(response)

    async def merge(self, path: str, patch: Object, manager: str) -> bool:
        """JSON merge patch, as this field manager; False when the object is gone. Raises WriteRefused."""
        headers = {"Content-Type": "application/merge-patch+json"}
        address = f"{path}?fieldManager={manager}"
        async with self._open("PATCH", address, data=json.dumps(patch), headers=headers) as response:
            if response.status == 404:
                return False
            await _refuse(response)
            return True

    async def delete(self, path: str) -> None:
        """Asks for its deletion, with its own grace; that it is gone is no error. Raises WriteRefused."""
        async with self._open("DELETE", path) as response:
            if response.status != 404:
                await _refuse(response)

    async def delete_now(self, path: str, uid: str) -> None:
        """Removes a terminating object at once, if it still is the one with this uid (as the kubelet does)."""
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        async with self._open("DELETE", path, json=body) as response:
            if response.status not in (404, 409):
                response.raise_for_status()

    async def follow(
        self, path: str, on_event: Callable[[str, Object], None], log: Log, listed: asyncio.Event | None = None
    ) -> None:
        """Calls `on_event(ADDED|MODIFIED|DELETED, object)` forever; after a gap, with what changed meanwhile.

        `listed` is set once the first list has been told.

        Events may repeat (a re-list sends ADDED for what is known); DELETED comes with the last known object.
        """
        known: dict[str, Object] = {}
        version = ""
        failures = 0
        while True:
            try:
                if not version:
                    version = await self._list(path, known, on_event)
                    if listed is not None:
                        listed.set()
                version = await self._watch(path, version, known, on_event)
                failures = 0
            except Gone:
                version = ""
            except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
                if failures == 0:
                    log(f"WARNING watch of {path} interrupted ({type(error).__name__}: {error}); trying again")
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
                version = ""

    async def _list(self, path: str, known: dict[str, Object], on_event: Callable[[str, Object], None]) -> str:
        async with self._open("GET", path) as response:
            response.raise_for_status()
            listed = await response.json()
        current = {item["metadata"]["uid"]: item for item in listed["items"]}
        for uid in [uid for uid in known if uid not in current]:
            on_event("DELETED", known.pop(uid))
        for uid, item in current.items():
            if known.get(uid, {}).get("metadata", {}).get("resourceVersion") != item["metadata"]["resourceVersion"]:
                known[uid] = item
                on_event("ADDED", item)
        return str(listed["metadata"]["resourceVersion"])

    async def _watch(
        self, path: str, version: str, known: dict[str, Object], on_event: Callable[[str, Object], None]
    ) -> str:
        query = f"?watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={version}"
        async with self._open("GET", path + query) as response:
            if response.status == 410:
                raise Gone
            response.raise_for_status()
            while line := await response.content.readline():
                event = json.loads(line)
                kind, item = event["type"], event["object"]
                if kind == "ERROR":
                    raise Gone
                version = item["metadata"]["resourceVersion"]
                if kind == "BOOKMARK":
                    continue
                if kind == "DELETED":
                    known.pop(item["metadata"]["uid"], None)
                else:
                    known[item["metadata"]["uid"]] = item
                on_event(kind, item)
        return version


Fetch = Callable[[str], Awaitable[Object | None]]
