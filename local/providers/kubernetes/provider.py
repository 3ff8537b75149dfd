"""The gRPC face: which call of the engine goes where."""

from __future__ import annotations

import threading
from typing import Any, Final

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as pb

from local.providers.kubernetes import tokens
from local.providers.kubernetes.awaiting.verdict import Line, Surroundings
from local.providers.kubernetes.awaiting.workloads import decide_job
from local.providers.kubernetes.call import Call, unreachable_text
from local.providers.kubernetes.checked import autoname, checked_inputs
from local.providers.kubernetes.cluster import ApiError, Cluster, Unreachable
from local.providers.kubernetes.lifecycle import Objects
from local.providers.kubernetes.patches import apply_patch, release_patch
from local.providers.kubernetes.replacing import add_unready_replacement, diff_objects, wants_ready_job
from local.providers.kubernetes.settings import (
    ProviderSettings,
    config_failures,
    config_replaces,
    read_settings,
)
from local.providers.kubernetes.state import (
    FIELD_MANAGER,
    inputs_part,
    new_field_manager,
    object_id,
    reference,
)
from local.providers.rpc import (
    BaseProvider,
    ProviderError,
    detailed_diff,
    diff_response,
    from_struct,
    plain,
    to_struct,
)

VERSION: Final = "4.25.0"  # the Python SDK whose types it serves
_DELETE_UNREACHABLE_HINT: Final = (
    "\nIf the cluster has been deleted, you can remove its resources from state by setting the environment variable "
    "PULUMI_K8S_DELETE_UNREACHABLE=true or the provider's deleteUnreachable."
)


class KubernetesProvider(BaseProvider):
    """The `kubernetes` plugin."""

    def __init__(self) -> None:
        super().__init__(VERSION)
        self.settings = ProviderSettings()
        self.cluster = Cluster("")
        self.objects = Objects(self.cluster, self.settings, self.cancelled)
        self._releases: Any = None
        self._releases_lock = threading.Lock()

    # -- the provider resource -----------------------------------------------------------------------------------

    def CheckConfig(self, request: Any, context: Any) -> Any:
        failures = config_failures(from_struct(request.news))
        return pb.CheckResponse(
            inputs=request.news,
            failures=[pb.CheckFailure(property=key, reason=reason) for key, reason in failures],
        )

    def DiffConfig(self, request: Any, context: Any) -> Any:
        old = from_struct(request.old_inputs if request.old_inputs.fields else request.olds)
        new = from_struct(request.news)
        is_other_cluster = config_replaces(old, new)
        causes = ("kubeconfig", "clusterIdentifier")
        return diff_response(detailed_diff(old, new), lambda path: is_other_cluster and path.split(".")[0] in causes)

    def configure(self, config: dict[str, Any]) -> None:
        self.settings = read_settings(config)
        self.cluster = Cluster(self.settings.kubeconfig, self.settings.context, self.settings.cluster)
        self.objects = Objects(self.cluster, self.settings, self.cancelled)

    @property
    def releases(self) -> Any:
        """The Helm half; its library is 85 MB and loaded only when a release is worked on."""
        with self._releases_lock:
            if self._releases is not None:
                return self._releases
            from local.providers.kubernetes.release import Releases

            self._releases = Releases(self.cluster, self.settings)
        return self._releases

    # -- resources -----------------------------------------------------------------------------------------------

    def Check(self, request: Any, context: Any) -> Any:
        type_token = tokens.type_of(request.urn)
        news, olds = from_struct(request.news), from_struct(request.olds)
        if refusal := tokens.unsupported(type_token):
            raise ProviderError(refusal)

        def propose_name() -> str:
            return _proposed_name(request)

        try:
            if tokens.is_release(type_token):
                from local.providers.kubernetes.release_inputs import checked_release

                inputs = checked_release(news, olds, propose_name, self.settings.namespace)
            else:
                inputs = self._checked_object(type_token, news, olds, propose_name)
        except ProviderError as error:
            failure = pb.CheckFailure(property=getattr(error, "key", ""), reason=str(error))
            return pb.CheckResponse(inputs=request.news, failures=[failure])
        return pb.CheckResponse(inputs=to_struct(inputs))

    def _checked_object(
        self, type_token: str, news: dict[str, Any], olds: dict[str, Any], propose_name: Any
    ) -> dict[str, Any]:
        api_version, kind = tokens.api_version_and_kind(type_token)
        news = {"apiVersion": api_version, "kind": kind, **news}
        if tokens.is_patch(type_token, news):

            def propose_name() -> str:
                raise ProviderError("patch resources require the `.metadata.name` field to be set")

        return checked_inputs(
            news,
            olds,
            propose_name=propose_name,
            is_namespaced=lambda obj: self._is_namespaced(obj, olds),
            default_namespace=self.settings.namespace,
        )

    def _is_namespaced(self, obj: Any, olds: dict[str, Any]) -> bool:
        api_version, kind = str(obj["apiVersion"]), str(obj["kind"])
        scope = tokens.built_in_scope(api_version, kind)
        if scope is not None:
            return scope
        if olds.get("metadata"):  # decided before: a preview without changes asks the server nothing
            return bool(olds["metadata"].get("namespace"))
        try:
            return self.cluster.info(api_version, kind).is_namespaced
        except (ApiError, Unreachable):
            return True

    def Diff(self, request: Any, context: Any) -> Any:
        olds = from_struct(request.olds)
        # After a failed update the engine keeps the inputs of before it; what was last tried is in __inputs.
        old_inputs = inputs_part(olds) or from_struct(request.old_inputs)
        news = from_struct(request.news)
        type_token = tokens.type_of(request.urn)
        if tokens.is_release(type_token):
            from local.providers.kubernetes.release_inputs import diff_releases

            return diff_releases(old_inputs, news)
        is_patch = tokens.is_patch(type_token, news)
        response = diff_objects(old_inputs, news, self.settings, is_patch=is_patch)
        if wants_ready_job(news) and self._is_unready_job(old_inputs):
            add_unready_replacement(response, old_inputs, news)
        return response

    def _is_unready_job(self, inputs: dict[str, Any]) -> bool:
        """Whether the Job is there and has not succeeded: the one question that a Diff asks the server."""
        try:
            live = self.cluster.find(plain(inputs))
        except (ApiError, Unreachable):
            return False
        return live is not None and not decide_job(live, Surroundings()).is_done

    def Cancel(self, request: Any, context: Any) -> Any:
        if self._releases is not None:
            self._releases.cancel()
        return super().Cancel(request, context)

    def Create(self, request: Any, context: Any) -> Any:
        call, inputs = self._call(request), from_struct(request.properties)
        type_token = tokens.type_of(request.urn)
        if tokens.is_release(type_token):
            created_id, state = self.releases.create(call, inputs)
        elif tokens.is_patch(type_token, inputs):
            state = apply_patch(self.objects, call, inputs, new_field_manager())
            created_id = "" if call.is_preview else object_id(plain(state))
        else:
            created_id, state = self.objects.create(call, inputs)
        return pb.CreateResponse(id=created_id, properties=to_struct(state))

    def Update(self, request: Any, context: Any) -> Any:
        call, olds, news = self._call(request), from_struct(request.olds), from_struct(request.news)
        type_token = tokens.type_of(request.urn)
        if tokens.is_release(type_token):
            state = self.releases.update(call, olds, news)
        elif tokens.is_patch(type_token, news):
            manager = str(plain(olds.get(FIELD_MANAGER)) or new_field_manager())
            state = apply_patch(self.objects, call, news, manager)
        else:
            state = self.objects.update(call, olds, news)
        return pb.UpdateResponse(properties=to_struct(state))

    def Read(self, request: Any, context: Any) -> Any:
        call = self._call(request)
        inputs, state = from_struct(request.inputs), from_struct(request.properties)
        type_token = tokens.type_of(request.urn)
        try:
            self.cluster.check_reachable()
            if tokens.is_release(type_token):
                found = self.releases.read(call, request.id, inputs, state)
            else:
                named = {**dict(zip(("apiVersion", "kind"), tokens.api_version_and_kind(type_token), strict=True))}
                named.update({key: plain(inputs[key]) for key in ("apiVersion", "kind") if key in inputs})
                target = reference(named["apiVersion"], named["kind"], request.id)
                found = self.objects.read(call, target, inputs, state)
        except Unreachable as error:
            return self._unreachable(call, error, pb.ReadResponse())
        except ApiError as error:
            raise ProviderError(error.message) from None
        if found is None:
            return pb.ReadResponse()
        new_inputs, new_state = found
        return pb.ReadResponse(id=request.id, inputs=to_struct(new_inputs), properties=to_struct(new_state))

    def Delete(self, request: Any, context: Any) -> Any:
        call, state = self._call(request), from_struct(request.properties)
        type_token = tokens.type_of(request.urn)
        try:
            self.cluster.check_reachable()
            if tokens.is_release(type_token):
                self.releases.delete(call, state)
            elif tokens.is_patch(type_token, state):
                release_patch(self.objects, state)
            else:
                self.objects.delete(call, state)
        except Unreachable as error:
            return self._unreachable(call, error, Empty())
        return Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        raise ProviderError(f"the local stand-in provider does not do functions ({request.tok})")

    # -- helpers -------------------------------------------------------------------------------------------------

    def _call(self, request: Any) -> Call:
        urn = request.urn

        def show(line: Line) -> None:
            self.log(line[0], line[1], urn, ephemeral=True)

        def keep(line: Line) -> None:
            self.log(line[0], line[1], urn)

        return Call(urn, float(request.timeout), bool(getattr(request, "preview", False)), show, keep)

    def _unreachable(self, call: Call, error: Unreachable, gone: Any) -> Any:
        """A refresh or delete without a server: an error, or on request the resource is taken for deleted."""
        text = unreachable_text(error)
        if self.settings.delete_unreachable:
            call.keep(("info", f"{text}; removing the resource from Pulumi state as deleteUnreachable asks"))
            return gone
        call.keep(("warning", text))
        raise ProviderError(text + _DELETE_UNREACHABLE_HINT)


def _proposed_name(request: Any) -> str:
    """The name of an object that has none: the engine's proposal where the project configures naming, else ours."""
    naming = request.autonaming
    modes = pb.CheckRequest.AutonamingOptions
    if request.HasField("autonaming"):
        if naming.mode == modes.DISABLE:
            raise ProviderError("autonaming is disabled: set `.metadata.name`")
        if naming.mode in (modes.ENFORCE, modes.PROPOSE) and naming.proposed_name:
            return str(naming.proposed_name)
    return autoname(tokens.name_of(request.urn), request.randomSeed)
