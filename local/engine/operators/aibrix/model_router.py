"""AIBrix' model router: an HTTPRoute for each labelled Deployment (pkg/controller/modelrouter).

It acts when a Deployment is made or goes, and never when one changes: labels that an update brings get no route before
the controller starts again, and the route of one that loses them stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.engine.operators.aibrix.names import GATEWAY, MODEL, NAMESPACE, Object, labels_of, port_of
from local.engine.operators.aibrix.names import REQUEST_SECONDS as TIMEOUT_SECONDS
from local.engine.operators.needs import ControllerApi

DEPLOYMENTS = "/apis/apps/v1/deployments"
ROUTES = f"/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/httproutes"
GRANTS = "/apis/gateway.networking.k8s.io/v1beta1/namespaces/{namespace}/referencegrants"
MANAGER = "aibrix-controller-manager"
PATHS = (
    "/v1/completions", "/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/v1/rerank",
    "/v1/classify", "/generate", "/generatevideo", "/v1/audio/transcriptions", "/v1/audio/translations",
)  # fmt: skip
CUSTOM_PATHS = "model.aibrix.ai/model-router-custom-paths"


class ModelRouter:
    """The controller, from the start of its pod to its end."""

    def __init__(self, api: ControllerApi, say: Callable[[str], None]) -> None:
        self._api, self._say = api, say
        self._labelled: set[tuple[str, str]] = set()
        self._seen: set[str] = set()

    async def on_deployment(self, event: str, item: Object) -> None:
        """Takes a watch event. Of one that it has seen, ADDED is a change told late (after a gap in the watch)."""
        metadata, model = item["metadata"], labels_of(item).get(MODEL)
        key, is_new = (metadata["namespace"], metadata["name"]), metadata["uid"] not in self._seen
        self._seen.add(metadata["uid"])
        if model is None or event == "DELETED":
            self._labelled.discard(key)
        else:
            self._labelled.add(key)
        if model is None or (event != "DELETED" and not is_new):
            return
        if event == "DELETED":
            await self._forget(metadata["namespace"], model)
        else:
            await self._make(item, model)

    async def _make(self, deployment: Object, model: str) -> None:
        namespace = deployment["metadata"]["namespace"]
        made = route(model, namespace, port_of(labels_of(deployment)), deployment["metadata"].get("annotations") or {})
        if await self._api.get(f"{ROUTES}/{made['metadata']['name']}") is None:
            await self._api.create(ROUTES, made, MANAGER)
            self._say(f"httproute {made['metadata']['name']} created for model {model}")
        grants = GRANTS.format(namespace=namespace)
        if namespace != NAMESPACE and await self._api.get(f"{grants}/{grant_name(namespace)}") is None:
            await self._api.create(grants, grant(namespace), MANAGER)

    async def _forget(self, namespace: str, model: str) -> None:
        await self._api.delete(f"{ROUTES}/{model}-router")
        self._say(f"httproute {model}-router deleted")
        if namespace != NAMESPACE and not any(where == namespace for where, _ in self._labelled):
            await self._api.delete(f"{GRANTS.format(namespace=namespace)}/{grant_name(namespace)}")


def route(model: str, namespace: str, port: int, annotations: Mapping[str, str]) -> Object:
    """The HTTPRoute: to the Service that is called as the model, by the header that the plugin sets."""
    own = dict.fromkeys(path for path in annotations.get(CUSTOM_PATHS, "").replace(" ", "").split(",") if path)
    header = {"type": "Exact", "name": "model", "value": model}
    matches = [{"path": {"type": "PathPrefix", "value": path}, "headers": [header]} for path in (*PATHS, *own)]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": f"{model}-router", "namespace": NAMESPACE},
        "spec": {
            "parentRefs": [{"name": GATEWAY, "namespace": NAMESPACE}],
            "rules": [
                {
                    "matches": matches,
                    "backendRefs": [{"name": model, "namespace": namespace, "port": port}],
                    "timeouts": {"request": f"{TIMEOUT_SECONDS:.0f}s"},
                }
            ],
        },
    }


def grant_name(namespace: str) -> str:
    """Of the ReferenceGrant in a models' namespace."""
    return f"{NAMESPACE}-reserved-referencegrant-in-{namespace}"


def grant(namespace: str) -> Object:
    """For all Services of the namespace."""
    made: dict[str, Any] = {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": grant_name(namespace), "namespace": namespace},
        "spec": {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": NAMESPACE}],
            "to": [{"group": "", "kind": "Service"}],
        },
    }
    return made
