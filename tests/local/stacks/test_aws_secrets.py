"""Secrets that the platform makes for a stack file, as somebody would have in an account."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boto3
from moto import mock_aws

from local.stacks import aws_secrets
from local.stacks.stack_files import remote_tokens


def value(manager: Any, name: str) -> str:
    return str(manager.get_secret_value(SecretId=name)["SecretString"])


def model(**token: Any) -> SimpleNamespace:
    return SimpleNamespace(token_secret=SimpleNamespace(**{"property": None, **token}) if token else None)


def test_what_models_read_is_collected_by_secret() -> None:
    models = [
        model(kind="secretsManager", name="a", property="x"),
        model(kind="secretsManager", name="a", property="y"),
        model(kind="secretsManager", name="b"),
        model(kind="pulumiConfig", key="k"),
        model(),
    ]
    assert remote_tokens(SimpleNamespace(models=models)) == {"a": {"x", "y"}, "b": set()}


@mock_aws
def test_secrets_are_made_as_they_are_read_and_those_that_are_there_stay() -> None:
    manager = boto3.client("secretsmanager", region_name="us-east-1")
    manager.create_secret(Name="mine", SecretString="written by hand")
    aws_secrets.make(manager, {"json": {"b", "a"}, "text": set(), "mine": {"token"}}, iter("1234").__next__)
    assert json.loads(value(manager, "json")) == {"a": "1", "b": "2"}
    assert value(manager, "text") == "3"
    assert value(manager, "mine") == "written by hand"
