"""The provider protocol over the table: Check, Diff, Create, Read, Update, Delete, Invoke."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as pb

from local.providers.aws import inputs as checking
from local.providers.aws import lifecycle, observe
from local.providers.aws.cloud import Cloud, require_local_endpoint
from local.providers.aws.invokes import INVOKES, invoke
from local.providers.aws.resource import LiveResource, parse_template
from local.providers.aws.resources import TABLE
from local.providers.aws.schema import did_you_mean, resource_schema
from local.providers.aws.table import Row
from local.providers.rpc import (
    UNKNOWN,
    BaseProvider,
    ProviderError,
    as_secret,
    detailed_diff,
    diff_response,
    from_struct,
    mark_secrets_like,
    plain,
    to_struct,
)

# Inputs of the provider resource that mean something here, and those that only make sense against real AWS.
_SETTINGS = ("region", "accessKey", "secretKey", "token", "defaultTags", "allowedAccountIds", "version")
# Shorter secrets would mark every output that has the same few letters by chance.
_SHORTEST_SECRET = 8
_NO_MEANING = (
    "skipCredentialsValidation",
    "skipMetadataApiCheck",
    "skipRegionValidation",
    "skipRequestingAccountId",
    "s3UsePathStyle",
    "profile",
    "maxRetries",
)


def row_of(token: str) -> Row:
    """The row of a resource type; an unknown type is an error, never ignored."""
    if token not in TABLE:
        raise ProviderError(
            f"the local stand-in of the AWS provider does not know resource type {token}.{did_you_mean(token, TABLE)}"
        )
    return TABLE[token]


def type_of(urn: str) -> str:
    """The resource's own type in a URN (`urn:pulumi:stack::project::parent$type::name`)."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


class AwsProvider(BaseProvider):
    """Stand-in for pulumi-aws. `cloud` given: used as it is (tests against in-process moto)."""

    def __init__(self, version: str = "", cloud: Cloud | None = None) -> None:
        super().__init__(version)
        self._cloud = cloud
        self._settings = checking.ProviderSettings()

    # -- configuration --

    def CheckConfig(self, request: Any, context: Any) -> Any:
        inputs = from_struct(request.news)
        failures = [
            pb.CheckFailure(property=key, reason="the local stand-in of the AWS provider has no such setting")
            for key in inputs
            if key not in _SETTINGS + _NO_MEANING
        ]
        return pb.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Like the real provider: another region means other objects, so the provider is replaced."""
        changes = detailed_diff(plain(from_struct(request.olds)), plain(from_struct(request.news)))
        changes.pop("version", None)
        return diff_response(changes, lambda path: path == "region")

    def configure(self, config: dict[str, Any]) -> None:
        if self._cloud is None:
            require_local_endpoint()
            self._cloud = Cloud(
                config.get("region"),
                access_key=config.get("accessKey"),
                secret_key=config.get("secretKey"),
                token=config.get("token"),
            )
        tags = _nested(config.get("defaultTags")) or {}
        accounts = _nested(config.get("allowedAccountIds")) or []
        self._settings = checking.ProviderSettings(dict(tags.get("tags") or {}), tuple(map(str, accounts)))
        if accounts and self.cloud.identity["Account"] not in self._settings.allowed_account_ids:
            raise ProviderError(f"AWS account ID not allowed: {self.cloud.identity['Account']}")

    @property
    def cloud(self) -> Cloud:
        if self._cloud is None:
            raise ProviderError("the AWS provider was not configured")
        return self._cloud

    # -- what the program says --

    def Check(self, request: Any, context: Any) -> Any:
        row = row_of(type_of(request.urn))
        olds, news = from_struct(request.olds), from_struct(request.news)
        checked, problems = checking.check(row, olds, news, _naming(request), self._settings)
        failures = [pb.CheckFailure(property=problem.path, reason=problem.message) for problem in problems]
        return pb.CheckResponse(inputs=to_struct(checked), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        row = row_of(type_of(request.urn))
        old, new = from_struct(request.old_inputs), from_struct(request.news)
        changes = checking.compare(row, old, new)
        return diff_response(
            changes,
            lambda path: checking.replaces(row, path),
            delete_before_replace=checking.delete_first(row, old, new, changes),
        )

    # -- what is done --

    def Create(self, request: Any, context: Any) -> Any:
        row = row_of(type_of(request.urn))
        said = from_struct(request.properties)
        if request.preview:
            return pb.CreateResponse(id="", properties=to_struct(_previewed(row, said, {})))
        resource = LiveResource(row, self.cloud, _program(said))
        lifecycle.create(resource, request.timeout)
        return pb.CreateResponse(id=resource.id, properties=to_struct(_marked(row, resource.state, said)))

    def Read(self, request: Any, context: Any) -> Any:
        row = row_of(type_of(request.urn))
        said, known = from_struct(request.inputs), from_struct(request.properties)
        program = _program(said)
        resource = LiveResource(row, self.cloud, program, plain(known), request.id)
        if not program:
            _take_import_id(resource)
        seen = observe.read(resource)
        if seen is None:
            return pb.ReadResponse(id="")
        if program:
            observed = {**observe.observed_inputs(resource, seen), **_hidden(said)}
        else:
            observed = {**observe.imported_inputs(resource, seen), checking.DEFAULTS_KEY: []}
        return pb.ReadResponse(
            id=resource.id,
            properties=to_struct(mark_secrets_like(_marked(row, seen, said), known)),
            inputs=to_struct(mark_secrets_like(observed, said)),
        )

    def Update(self, request: Any, context: Any) -> Any:
        row = row_of(type_of(request.urn))
        said, old = from_struct(request.news), from_struct(request.old_inputs)
        known = from_struct(request.olds)
        changes = checking.compare(row, old, said)
        changed = {path.split(".")[0].split("[")[0] for path in changes}
        if request.preview:
            return pb.UpdateResponse(properties=to_struct(_previewed(row, said, known, changed)))
        resource = LiveResource(row, self.cloud, _program(said), plain(known), request.id)
        lifecycle.update(resource, _program(old), changed, request.timeout)
        return pb.UpdateResponse(properties=to_struct(_marked(row, resource.state, said)))

    def Delete(self, request: Any, context: Any) -> Any:
        row = row_of(type_of(request.urn))
        inputs = _program(from_struct(request.old_inputs)) or plain(from_struct(request.properties))
        resource = LiveResource(row, self.cloud, inputs, plain(from_struct(request.properties)), request.id)
        lifecycle.delete(resource, request.timeout)
        return Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        if request.tok not in INVOKES:
            raise ProviderError(
                f"the local stand-in of the AWS provider does not know function {request.tok}."
                f"{did_you_mean(request.tok, INVOKES)}"
            )
        answer = invoke(request.tok, self.cloud, plain(from_struct(request.args)))
        return pb.InvokeResponse(**{"return": to_struct(answer)})


def _nested(value: Any) -> Any:
    """Nested provider settings arrive as JSON text."""
    return json.loads(value) if isinstance(value, str) and value[:1] in "{[" and value else value


def _naming(request: Any) -> checking.Naming:
    proposed, disabled = None, False
    if request.HasField("autonaming"):
        mode = request.autonaming.mode
        disabled = mode == pb.CheckRequest.AutonamingOptions.DISABLE
        proposed = request.autonaming.proposed_name or None
    return checking.Naming(request.urn.split("::")[-1], request.randomSeed, proposed, disabled)


def _program(said: Mapping[str, Any]) -> dict[str, Any]:
    """Checked inputs without marks and without our own notes."""
    return {key: plain(value) for key, value in said.items() if not key.startswith("__") and value is not None}


def _hidden(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key.startswith("__")}


def _marked(row: Row, state: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    marked: dict[str, Any] = mark_secrets_like(dict(state), said)
    if "tagsAll" in marked:
        marked["tagsAll"] = mark_secrets_like(marked["tagsAll"], said.get("tags"))
    texts = {text for text in checking.secret_texts(said) if len(text) >= _SHORTEST_SECRET}
    marked = {key: _hide(value, texts) for key, value in marked.items()} if texts else marked
    for prop in row.secret:
        if marked.get(prop) is not None:
            marked[prop] = as_secret(marked[prop])
    return marked


def _hide(value: Any, texts: set[str]) -> Any:
    """Marks outputs that AWS derived from a secret input (an ARN with its name in it)."""
    if isinstance(value, dict):
        return {key: _hide(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item, texts) for item in value]
    return as_secret(value) if isinstance(value, str) and any(text in value for text in texts) else value


def _previewed(
    row: Row, said: Mapping[str, Any], known: Mapping[str, Any], changed: set[str] | None = None
) -> dict[str, Any]:
    """Outputs as far as they are known before anything is done."""
    outputs = resource_schema(row.token).outputs
    values = {key: value for key, value in said.items() if key in outputs}
    if changed is None:
        state = {**{prop: UNKNOWN for prop in outputs if prop not in row.unread}, **values}
    else:
        gone = [key for key in changed if key not in said]
        state = {**{key: value for key, value in known.items() if key not in gone}, **values}
        if changed - {"tags"} - set(row.unread):
            state |= {prop: UNKNOWN for prop in row.recomputed if prop not in said}
    if "tagsAll" in outputs and "tags" in said:
        state["tagsAll"] = said["tags"]
    return state


def _take_import_id(resource: LiveResource) -> None:
    """For `pulumi import` and `X.get`: what the id says about the object."""
    for template in (resource.row.import_id, resource.row.id if resource.row.id_is_template else ""):
        parts = parse_template(template, resource.id) if template else None
        if parts:
            resource.id = parts.pop("id", resource.id)
            resource.state = {**parts, **resource.state}
            if resource.row.id_is_template:
                resource.id = resource.text(resource.row.id)
            return
