"""Secrets that the platform makes for a stack file, as somebody would have in an account."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boto3
from moto import mock_aws

from local.stacks import aws_secrets
from local.stacks.aws_secrets import RemoteToken
from local.stacks.stack_files import remote_tokens

KEY = "arn:aws:kms:us-east-1:123456789012:key/0aa0aa00-1111-2222-3333-444455556666"


def value(manager: Any, name: str) -> str:
    return str(manager.get_secret_value(SecretId=name)["SecretString"])


def model(**token: Any) -> SimpleNamespace:
    usual = {"property": None, "kms_key_arn": None}
    return SimpleNamespace(token_secret=SimpleNamespace(**{**usual, **token}) if token else None)


def test_what_models_read_is_collected_by_secret() -> None:
    models = [
        model(kind="secretsManager", name="a", property="x", kms_key_arn=KEY),
        model(kind="secretsManager", name="a", property="y"),
        model(kind="secretsManager", name="b"),
        model(kind="pulumiConfig", key="k"),
        model(),
    ]
    assert remote_tokens(SimpleNamespace(models=models)) == {
        "a": RemoteToken(frozenset({"x", "y"}), KEY),
        "b": RemoteToken(),
    }


@mock_aws
def test_secrets_are_made_as_they_are_read_and_those_that_are_there_stay() -> None:
    manager = boto3.client("secretsmanager", region_name="us-east-1")
    manager.create_secret(Name="mine", SecretString="written by hand")
    asked = {
        "json": RemoteToken(frozenset({"b", "a"}), KEY),
        "text": RemoteToken(),
        "mine": RemoteToken(frozenset({"token"})),
    }
    aws_secrets.make(manager, asked, iter("1234").__next__)
    keys = {name: manager.describe_secret(SecretId=name).get("KmsKeyId") for name in asked}
    assert keys == {"json": KEY, "text": None, "mine": None}, "the pre-flight refuses a secret with another key"
    assert json.loads(value(manager, "json")) == {"a": "1", "b": "2"}
    assert value(manager, "text") == "3"
    assert value(manager, "mine") == "written by hand"
