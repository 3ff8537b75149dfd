"""Create, update, read and delete of ordinary objects: which server calls, in which order, and what is kept."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from local.providers.kubernetes.awaiting.loop import (
    DELETE_LIMIT_SECONDS,
    SKIP_AWAIT,
    AwaitFailed,
    Waiter,
    annotation_of,
    awaiter_for,
    limit_seconds,
)
from local.providers.kubernetes.call import (
    Call,
    apply_refused,
    created_not_ready,
    missing_text,
    not_created,
    not_updated,
    unreachable_text,
)
from local.providers.kubernetes.cluster import (
    APPLY,
    JSON_PATCH,
    ApiError,
    Cluster,
    Json,
    Unreachable,
)
from local.providers.kubernetes.managers import CREATE_MANAGER, merged_entries, owns_by_apply
from local.providers.kubernetes.readback import inputs_from_live
from local.providers.kubernetes.replacing import group_of
from local.providers.kubernetes.settings import ProviderSettings
from local.providers.kubernetes.state import (
    FIELD_MANAGER,
    for_server,
    inputs_part,
    live_part,
    new_field_manager,
    object_id,
    outputs,
)
from local.providers.rpc import UNKNOWN, InitFailed, ProviderError, contains_unknown, plain

PATCH_FORCE: Final = "pulumi.com/patchForce"
PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"
_RETRY_PAUSES_SECONDS: Final = (1, 2, 4, 8, 16, 32)
_MERGE_ATTEMPTS: Final = 5
# Fields that the server does not know are errors here; the real provider drops them without a word.
_STRICT: Final = {"fieldValidation": "Strict"}


class Objects:
    """The objects of one cluster."""

    def __init__(self, cluster: Cluster, settings: ProviderSettings, cancelled: threading.Event) -> None:
        self.cluster, self.settings = cluster, settings
        self._cancelled = cancelled
        self.waiter = Waiter(cluster, cancelled)

    # -- create --------------------------------------------------------------------------------------------------

    def create(self, call: Call, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """(id, state). In a preview the id is empty and the state is what the server's dry run returned."""
        manager = new_field_manager()
        if call.is_preview:
            return "", self._previewed_create(call, inputs, manager)
        awaiter_for(for_server(inputs))  # a wrong waitFor annotation fails before anything is created
        body = for_server(inputs)
        try:
            live = self._create_with_retries(call, body, manager)
        except Unreachable as error:
            raise ProviderError(unreachable_text(error)) from None
        try:
            live = self._ready(call, live, body, is_update=False)
        except AwaitFailed as failed:
            reasons = (created_not_ready(call.urn, failed.reasons[0]), *failed.reasons[1:])
            state = outputs(failed.live, inputs, manager)
            raise InitFailed(object_id(failed.live), state, inputs, reasons) from None
        return object_id(live), outputs(live, inputs, manager)

    def _previewed_create(self, call: Call, inputs: Mapping[str, Any], manager: str) -> dict[str, Any]:
        body = for_server(inputs)
        metadata = body.get("metadata") or {}
        has_unknown_namespace = metadata.get("namespace") is UNKNOWN
        if has_unknown_namespace:  # everything else can still be tried
            body = {**body, "metadata": {**metadata, "namespace": "default"}}
        if contains_unknown(body):
            return dict(inputs)
        try:
            live = self._post(body, manager, is_dry_run=True)
        except Unreachable:
            return dict(inputs)
        except ApiError as error:
            if error.is_not_found:
                return dict(inputs)  # its namespace or definition may be created by this very update
            call.show(("info", f"Retry #0; creation failed: {error.message}"))
            if error.is_conflict:
                return dict(inputs)  # a replacement that deletes first, or up will say that it exists
            raise not_created(call, error) from None
        if has_unknown_namespace:
            live["metadata"]["namespace"] = UNKNOWN
        return outputs(live, inputs, manager)

    def _create_with_retries(self, call: Call, body: Json, manager: str) -> Json:
        for attempt in range(len(_RETRY_PAUSES_SECONDS) + 1):
            try:
                return self._post(body, manager, is_dry_run=False)
            except ApiError as error:
                call.show(("info", f"Retry #{attempt}; creation failed: {error.message}"))
                is_last = attempt == len(_RETRY_PAUSES_SECONDS)
                if not error.is_not_found or is_last or self._cancelled.wait(_RETRY_PAUSES_SECONDS[attempt]):
                    raise not_created(call, error) from None
        raise AssertionError("the last attempt returns or raises")

    def _post(self, body: Json, manager: str, *, is_dry_run: bool) -> Json:
        dry = {"dryRun": "All"} if is_dry_run else {}
        if self.settings.upsert:
            return self.apply(body, manager, force=False, is_dry_run=is_dry_run)
        path = self.cluster.path(body, collection=True)
        query = {"fieldManager": CREATE_MANAGER, **_STRICT, **dry}
        return self.cluster.request("POST", path, query=query, body=body)

    def apply(self, body: Json, manager: str, *, force: bool, is_dry_run: bool) -> Json:
        """A server-side apply of `body` as `manager`; answers with the whole object."""
        dry = {"dryRun": "All"} if is_dry_run else {}
        query = {"fieldManager": manager, "force": str(force).lower(), **_STRICT, **dry}
        return self.cluster.request("PATCH", self.cluster.path(body), query=query, body=body, content_type=APPLY)

    def _ready(self, call: Call, live: Json, body: Json, *, is_update: bool) -> Json:
        return self.waiter.until_ready(live, body, call.show, is_update=is_update, timeout_seconds=call.timeout_seconds)

    # -- update --------------------------------------------------------------------------------------------------

    def update(self, call: Call, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """The new state. A refused or failed update keeps the new inputs in state, as initErrors say."""
        manager = str(plain(olds.get(FIELD_MANAGER)) or new_field_manager())
        if call.is_preview and contains_unknown(news):
            return dict(news)
        body = for_server(news)
        name = object_id(body)
        try:
            live = self._updated(call, body, manager)
        except Unreachable as error:
            return self._unreachable_update(call, olds, news, error)
        except ApiError as error:
            text = not_updated(name, apply_refused(error, manager))
            if call.is_preview:
                raise ProviderError(text) from None
            last = self._live_or(olds, body)
            raise InitFailed(name, outputs(last, news, manager), news, [text]) from None
        if call.is_preview:
            return outputs(live, news, manager)
        try:
            live = self._ready(call, live, body, is_update=True)
        except AwaitFailed as failed:
            reasons = (not_updated(name, failed.reasons[0]), *failed.reasons[1:])
            raise InitFailed(name, outputs(failed.live, news, manager), news, reasons) from None
        return outputs(live, news, manager)

    def _updated(self, call: Call, body: Json, manager: str) -> Json:
        live = self.cluster.find(body)
        if live is None:
            info = self.cluster.info(body["apiVersion"], body["kind"])
            raise ProviderError(missing_text(body, info.plural, group_of(body["apiVersion"])))
        force = self.is_forced(body)
        if call.is_preview:
            # Before our first apply the fields belong to the create; a real update takes them over beforehand.
            return self.apply(body, manager, force=force or not owns_by_apply(live, manager), is_dry_run=True)
        self._take_over(live, manager)
        return self.apply(body, manager, force=force, is_dry_run=False)

    def is_forced(self, body: Json) -> bool:
        """Whether this object (or the provider) says that its applies win over other managers."""
        return self.settings.patch_force or annotation_of(body, PATCH_FORCE).lower() == "true"

    def _take_over(self, live: Json, manager: str) -> None:
        for _ in range(_MERGE_ATTEMPTS):
            entries = merged_entries(live, manager)
            if entries is None:
                return
            patch = [
                {"op": "replace", "path": "/metadata/managedFields", "value": entries},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
            ]
            try:
                self.cluster.request("PATCH", self.cluster.path(live), body=patch, content_type=JSON_PATCH)
                return
            except ApiError as error:
                if not error.is_conflict:
                    raise
                live = self.cluster.get(live)  # somebody wrote in between

    def _live_or(self, olds: Mapping[str, Any], body: Json) -> Json:
        try:
            return self.cluster.find(body) or live_part(olds)
        except (ApiError, Unreachable):
            return live_part(olds)

    def _unreachable_update(
        self, call: Call, olds: Mapping[str, Any], news: Mapping[str, Any], error: Unreachable
    ) -> dict[str, Any]:
        if call.is_preview:
            return dict(news)
        if self.settings.skip_update_unreachable:
            text = "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping..."
            call.keep(("warning", text))
            return dict(olds)
        raise ProviderError(unreachable_text(error))

    # -- read ----------------------------------------------------------------------------------------------------

    def read(
        self, call: Call, reference: Json, inputs: Mapping[str, Any], state: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """(inputs, state) of the live object; None when it is gone. Without inputs (get, import) only its name.

        Raises InitFailed when the object is there and not healthy.
        """
        live = self.cluster.find(reference)
        if live is None:
            return None
        wanted = inputs_part(state) or dict(inputs)
        new_inputs = inputs_from_live(live, wanted) if wanted else dict(reference)
        manager = str(plain(state.get(FIELD_MANAGER)) or new_field_manager())
        new_state = outputs(live, new_inputs, manager)
        if wanted:
            verdict = self.waiter.verdict_now(live, for_server(new_inputs))
            problems = verdict.failure or verdict.problems
            if not verdict.is_done and problems:
                raise InitFailed(object_id(live), new_state, new_inputs, problems)
        return new_inputs, new_state

    # -- delete --------------------------------------------------------------------------------------------------

    def delete(self, call: Call, state: Mapping[str, Any]) -> None:
        """Deletes the object and waits until it is gone. An object or kind that is not there is a success."""
        obj = live_part(state)
        inputs = plain(inputs_part(state)) or obj
        policy = annotation_of(inputs, PROPAGATION).capitalize() or "Foreground"
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
        try:
            self.cluster.request("DELETE", self.cluster.path(obj), body=body)
            if annotation_of(inputs, SKIP_AWAIT).lower() == "true":
                call.show(("info", "Skipping await logic"))
                return
            limit = limit_seconds(inputs, call.timeout_seconds, DELETE_LIMIT_SECONDS)
            self.waiter.until_gone(obj, limit or DELETE_LIMIT_SECONDS, call.show)
        except ApiError as error:
            if not error.is_not_found:
                raise ProviderError(error.message) from None
        except AwaitFailed as failed:
            raise ProviderError(failed.reasons[0]) from None
