"""Amazon Q Developer in chat applications (AWS Chatbot), which moto lacks: configurations of channels as documents.

Nothing is posted. https://docs.aws.amazon.com/chatbot/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

from moto import backend_index
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.utilities.utils import PARTITION_NAMES

SERVICE = "chatbot"
_HOST = r"https?://chatbot\.(.+)\.amazonaws\.com"


@dataclass(frozen=True)
class _Chat:
    """One of the two: `word` in operations' names, `kind` in an ARN; `fixed`: what no update takes."""

    word: str
    kind: str
    fixed: tuple[str, ...]


SLACK = _Chat("slack_channel_configuration", "slack-channel", ("SlackTeamId", "ConfigurationName"))
TEAMS = _Chat("microsoft_teams_channel_configuration", "microsoft-teams-channel", ("TeamId", "ConfigurationName"))
# What AWS has where nothing is said (API_SlackChannelConfiguration).
_DEFAULTS: Mapping[str, Any] = {
    "LoggingLevel": "NONE",
    "GuardrailPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
    "SnsTopicArns": [],
    "UserAuthorizationRequired": False,
}


class NotFound(ServiceException):  # type: ignore[misc]  # moto has no types here
    """ResourceNotFoundException."""

    code = "ResourceNotFoundException"


class ChatBackend(BaseBackend):  # type: ignore[misc]
    """Configurations of an account by ARN: they are of no region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.configurations: dict[str, dict[str, Any]] = {}

    @property
    def _url_module(self) -> Any:
        # One expression for all: each operation is POST /<operation-with-dashes>.
        return SimpleNamespace(url_bases=[_HOST], url_paths={"{0}/(?P<operation>[a-z-]+)$": ChatResponse.dispatch})


class ChatResponse(BaseResponse):  # type: ignore[misc]
    """Operations by botocore's model."""

    def __init__(self) -> None:
        super().__init__(service_name=SERVICE)

    @property
    def known(self) -> dict[str, dict[str, Any]]:
        """The account's configurations."""
        configurations: dict[str, dict[str, Any]] = BACKENDS[self.current_account][self.partition].configurations
        return configurations

    def list_tags_for_resource(self) -> ActionResult:
        return ActionResult({"Tags": _found(self, _asked(self)["ResourceARN"]).get("Tags", [])})

    def tag_resource(self) -> ActionResult:
        asked = _asked(self)
        document = _found(self, asked["ResourceARN"])
        new = {tag["TagKey"]: tag["TagValue"] for tag in [*document.get("Tags", []), *asked["Tags"]]}
        document["Tags"] = [{"TagKey": key, "TagValue": value} for key, value in new.items()]
        return ActionResult({})

    def untag_resource(self) -> ActionResult:
        asked = _asked(self)
        document = _found(self, asked["ResourceARN"])
        document["Tags"] = [tag for tag in document.get("Tags", []) if tag["TagKey"] not in asked["TagKeys"]]
        return ActionResult({})

    def describe_slack_channel_configurations(self) -> ActionResult:
        return ActionResult({"SlackChannelConfigurations": _listed(self, SLACK, "ChatConfigurationArn")})

    def list_microsoft_teams_channel_configurations(self) -> ActionResult:
        return ActionResult({"TeamChannelConfigurations": _listed(self, TEAMS, "TeamId")})


def install() -> None:
    """Makes moto know the service; once per process."""
    module = ModuleType(f"moto.{SERVICE}")
    vars(module)[f"{SERVICE}_backends"] = BACKENDS
    sys.modules[module.__name__] = module
    backend_index.backend_url_patterns.insert(0, (SERVICE, re.compile(_HOST)))
    for chat in (SLACK, TEAMS):
        for verb, function in (("create", _create), ("update", _update), ("delete", _delete)):
            setattr(ChatResponse, f"{verb}_{chat.word}", _bound(function, chat))


def _bound(function: Any, chat: _Chat) -> Any:
    return lambda response: ActionResult(function(response, chat, _asked(response)))


def _asked(response: Any) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(response.body or "{}")
    return asked


def _found(response: Any, arn: str) -> dict[str, Any]:
    document: dict[str, Any] | None = response.known.get(arn)
    if document is None:
        raise NotFound(f"{arn} was not found")
    return document


def _create(response: Any, chat: _Chat, asked: dict[str, Any]) -> dict[str, Any]:
    name = asked["ConfigurationName"]
    arn = f"arn:{response.partition}:chatbot::{response.current_account}:chat-configuration/{chat.kind}/{name}"
    document = {**_DEFAULTS, **asked, "ChatConfigurationArn": arn, "State": "ENABLED"}
    response.known[arn] = document
    return {"ChannelConfiguration": document}


def _update(response: Any, chat: _Chat, asked: dict[str, Any]) -> dict[str, Any]:
    """What the operation has no parameter for stays as it was, whatever is sent."""
    document = _found(response, asked["ChatConfigurationArn"])
    document.update({key: value for key, value in asked.items() if key not in chat.fixed})
    return {"ChannelConfiguration": document}


def _delete(response: Any, chat: _Chat, asked: dict[str, Any]) -> dict[str, Any]:
    _found(response, asked["ChatConfigurationArn"])
    del response.known[asked["ChatConfigurationArn"]]
    return {}


def _listed(response: Any, chat: _Chat, key: str) -> list[dict[str, Any]]:
    """All, or those whose `key` is asked for."""
    wanted = _asked(response).get(key)
    own = [document for arn, document in response.known.items() if f"/{chat.kind}/" in arn]
    return [document for document in own if wanted in (None, document[key])]


BACKENDS = BackendDict(ChatBackend, SERVICE, use_boto3_regions=False, additional_regions=list(PARTITION_NAMES))
