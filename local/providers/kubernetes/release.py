"""helm.sh/v3:Release through the Helm SDK (helm-python-sdk): real storage, hooks and waits, charts of this machine."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import helm_python as helm
import yaml

from local.providers.kubernetes.call import Call, unreachable_text
from local.providers.kubernetes.cluster import ApiError, Cluster, Unreachable
from local.providers.kubernetes.release_inputs import chart_folder, values_for_helm
from local.providers.kubernetes.settings import ProviderSettings
from local.providers.kubernetes.state import INPUTS, inputs_part
from local.providers.kubernetes.tokens import built_in_scope
from local.providers.rpc import UNKNOWN, InitFailed, ProviderError, Secret, plain

_WATCH: Final = "watcher"  # Helm 4's wait: kstatus over watches
_UNLIMITED_SECONDS: Final = 300


class Releases:
    """The Helm releases of one cluster."""

    def __init__(self, cluster: Cluster, settings: ProviderSettings) -> None:
        self._cluster, self._settings = cluster, settings
        self._running: set[Any] = set()

    def cancel(self) -> None:
        """Ends the installs and upgrades that run; Helm then marks their releases failed."""
        for context in list(self._running):
            context.cancel()

    @contextlib.contextmanager
    def _cancellable(self) -> Iterator[Any]:
        with helm.HelmContext() as context:
            self._running.add(context)
            try:
                yield context
            finally:
                self._running.discard(context)

    def create(self, call: Call, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Installs. A preview neither renders nor asks the cluster, like the real provider's."""
        if call.is_preview:
            return "", _unknown_state(inputs)
        name, namespace = _identity(inputs)
        object_id = f"{namespace}/{name}"
        with self._helm(namespace) as config, _chart(inputs) as chart, self._cancellable() as context:
            try:
                config.install(
                    chart,
                    name,
                    values_for_helm(inputs),
                    context=context,
                    namespace=namespace,
                    timeout=_timeout_seconds(call, inputs),
                    wait=_wait(inputs),
                    create_namespace=bool(plain(inputs["createNamespace"])),
                    rollback_on_failure=bool(plain(inputs["atomic"])),
                    description=plain(inputs.get("description")) or None,
                )
            except helm.HelmError as error:
                status = self._status(config, name)
                is_ours = status is not None and status["status"] in ("failed", "pending-install")
                if status is None or not is_ours or _is_name_in_use(error):
                    raise ProviderError(str(error)) from None
                raise self._incomplete(call, object_id, inputs, status, "created", error) from None
            status = self._status(config, name)
        return object_id, self._state(inputs, status or {})

    def update(self, call: Call, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Upgrades. What fails before Helm stores a revision (a schema, a template) leaves the old state."""
        if call.is_preview:
            return _unknown_state(news)
        name, namespace = _identity(news)
        with self._helm(namespace) as config, _chart(news) as chart, self._cancellable() as context:
            before = self._status(config, name)
            try:
                config.upgrade(
                    chart,
                    name,
                    values_for_helm(news),
                    context=context,
                    namespace=namespace,
                    timeout=_timeout_seconds(call, news),
                    wait=_wait(news),
                    max_history=plain(news.get("maxHistory")),
                    reset_values=bool(plain(news["resetValues"])),
                    reuse_values=bool(plain(news["reuseValues"])),
                    cleanup_on_fail=bool(plain(news["cleanupOnFail"])),
                    rollback_on_failure=bool(plain(news["atomic"])),
                    description=plain(news.get("description")) or None,
                )
            except helm.HelmError as error:
                status = self._status(config, name)
                if status is None or (before and status["revision"] == before["revision"]):
                    raise ProviderError(str(error)) from None
                failed = {**status, "status": "failed"}
                raise self._incomplete(call, f"{namespace}/{name}", news, failed, "updated", error) from None
            status = self._status(config, name)
        return self._state(news, status or {})

    def read(
        self, call: Call, object_id: str, inputs: Mapping[str, Any], state: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Looks into Helm's storage only: objects changed or deleted by hand are not seen. None = no release."""
        namespace, _, name = object_id.rpartition("/")
        namespace = namespace or self._settings.namespace
        with self._helm(namespace) as config:
            status = self._status(config, name)
            if status is None:
                return None
            wanted = (
                inputs_part(state)
                or dict(inputs)
                or {
                    "name": name,
                    "namespace": namespace,
                    "chart": status.get("chart_name", ""),
                    "version": status.get("chart_version", ""),
                    "values": config.get_values(name) or {},
                }
            )
        new_state = self._state(wanted, status)
        if status["status"] == "failed":
            text = f'Helm release "{namespace}/{name}" has the status failed'
            raise InitFailed(f"{namespace}/{name}", new_state, wanted, [text])
        return wanted, new_state

    def delete(self, call: Call, state: Mapping[str, Any]) -> None:
        """Uninstalls and waits until the objects are gone; a release that is not there is a success."""
        name, namespace = _identity(state)
        with self._helm(namespace) as config:
            try:
                config.uninstall(name, timeout=_timeout_seconds(call, state), wait=_wait(state), ignore_not_found=True)
            except helm.HelmError as error:
                raise ProviderError(str(error)) from None

    @contextlib.contextmanager
    def _helm(self, namespace: str) -> Iterator[Any]:
        try:
            self._cluster.check_reachable()
            content = json.dumps(self._cluster.kubeconfig())
        except Unreachable as error:
            raise ProviderError(unreachable_text(error)) from None
        with helm.Config(kubeconfig_content=content, namespace=namespace) as config:
            yield config

    @staticmethod
    def _status(config: Any, name: str) -> dict[str, Any] | None:
        try:
            return dict(config.status(name))
        except helm.HelmNotFoundError:
            return None

    def _incomplete(
        self,
        call: Call,
        object_id: str,
        inputs: Mapping[str, Any],
        status: Mapping[str, Any],
        verb: str,
        error: Exception,
    ) -> InitFailed:
        call.keep(
            (
                "warning",
                f'Helm release "{status.get("name")}" was {verb} but has a failed status. Use the `helm` command to '
                f"investigate the error, correct it, then retry. Reason: {error}",
            )
        )
        reason = (
            f'Helm release "{object_id}" was {verb}, but failed to initialize completely. Use Helm CLI to '
            f"investigate: failed to become available within allocated timeout. Error: {error}"
        )
        return InitFailed(object_id, self._state(inputs, status), inputs, [reason])

    def _state(self, inputs: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
        _, namespace = _identity(inputs)
        return {
            **inputs,
            "status": {
                "appVersion": status.get("app_version", ""),
                "chart": status.get("chart_name", ""),
                "name": status.get("name", ""),
                "namespace": status.get("namespace", ""),
                "revision": status.get("revision", 0),
                "status": status.get("status", ""),
                "version": status.get("chart_version", ""),
            },
            "resourceNames": resource_names(str(status.get("manifest", "")), namespace, self._is_namespaced),
            INPUTS: Secret(dict(inputs)),
        }

    def _is_namespaced(self, api_version: str, kind: str) -> bool:
        scope = built_in_scope(api_version, kind)
        if scope is not None:
            return scope
        try:
            return self._cluster.info(api_version, kind).is_namespaced
        except (ApiError, Unreachable):
            return True


def resource_names(manifest: str, release_namespace: str, is_namespaced: Any) -> dict[str, list[str]]:
    """{"Deployment.apps/apps/v1": ["rel-web"]}: names of a rendered manifest; ns/name outside the release's own."""
    names: dict[str, list[str]] = {}
    for document in yaml.safe_load_all(manifest):
        if not isinstance(document, dict) or "kind" not in document:
            continue
        api_version, kind, metadata = document["apiVersion"], document["kind"], document.get("metadata") or {}
        group = api_version.rpartition("/")[0]
        key = f"{kind}.{group}/{api_version}" if group else f"{kind}/{api_version}"
        namespace = metadata.get("namespace") or release_namespace
        is_elsewhere = is_namespaced(api_version, kind) and namespace != release_namespace
        name = metadata.get("name", "")
        names.setdefault(key, []).append(f"{namespace}/{name}" if is_elsewhere else name)
    return names


@contextlib.contextmanager
def _chart(inputs: Mapping[str, Any]) -> Iterator[Path]:
    """The chart's folder; with skipCrds a copy without its crds, as the library has no such switch."""
    folder = chart_folder(str(plain(inputs["chart"])))
    if not plain(inputs.get("skipCrds")):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="vllm-on-eks-chart-") as scratch:
        copy = Path(scratch) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("crds"))
        yield copy


def _unknown_state(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {**inputs, "status": UNKNOWN, "resourceNames": UNKNOWN}


def _identity(inputs: Mapping[str, Any]) -> tuple[str, str]:
    return str(plain(inputs["name"])), str(plain(inputs["namespace"]))


def _timeout_seconds(call: Call, inputs: Mapping[str, Any]) -> int:
    return int(call.timeout_seconds or plain(inputs.get("timeout")) or _UNLIMITED_SECONDS)


def _wait(inputs: Mapping[str, Any]) -> str | None:
    return None if plain(inputs.get("skipAwait")) else _WATCH


def _is_name_in_use(error: Exception) -> bool:
    return "name that is still in use" in str(error)
