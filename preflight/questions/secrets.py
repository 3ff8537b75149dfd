"""Whether the secrets of AWS Secrets Manager that models name are there. Their values are never asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planning.model import ReadSecretPlan, StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict

DEFAULT_KEY = "alias/aws/secretsmanager"


def _secrets(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    for name, path in _paths(plan).items():
        absent = ("ResourceNotFoundException",)
        secret = aws.call("secretsmanager", "describe_secret", absent=absent, SecretId=name)
        (planned,) = (
            read_secret
            for read_secret in (plan.external_secrets.secrets if plan.external_secrets else ())
            if read_secret.name == name
        )
        yield _judged(planned, path, secret, plan.region)


def _judged(planned: ReadSecretPlan, path: str, secret: Any, region: str) -> Answer:
    if secret is None:
        said = f"there is no secret {planned.name} in {region}"
        fix = "create it, or write the name of one that `aws secretsmanager list-secrets` lists"
        return Answer("secrets", f"{path}.name", Verdict.ERROR, said, fix=fix)
    if secret.get("DeletedDate") is not None:
        said = f"{planned.name} is to be deleted, and cannot be read any more"
        fix = f"run: aws secretsmanager restore-secret --secret-id {planned.name} --region {region}"
        return Answer("secrets", f"{path}.name", Verdict.ERROR, said, fix=fix)
    key = str(secret.get("KmsKeyId") or DEFAULT_KEY)
    key_arn = planned.kms_key_arn or DEFAULT_KEY
    # AWS tells it as it was given: ARN, id or alias. What an alias points at is not asked.
    if "alias/" in key and not key.endswith(DEFAULT_KEY):
        said = f"{planned.name} is there, and encrypted with {key}"
        return Answer("secrets", path, Verdict.OK, said)
    if key.rsplit("/", 1)[-1] != key_arn.rsplit("/", 1)[-1]:
        said = f"{planned.name} is encrypted with {key}, and the role may decrypt with {key_arn}"
        fix = "leave it out" if key.endswith(DEFAULT_KEY) else "write the ARN of that key"
        return Answer("secrets", f"{path}.kmsKeyArn", Verdict.ERROR, said, fix=fix)
    return Answer("secrets", path, Verdict.OK, f"{planned.name} is there")


def _paths(plan: StackPlan) -> dict[str, str]:
    """Name -> the first setting that has it."""
    paths: dict[str, str] = {}
    for index, model in enumerate(plan.models):
        if model.token is not None and model.token.remote is not None:
            paths.setdefault(model.token.remote.name, f"models[{index}].tokenSecret")
    return paths


def _guess(plan: StackPlan) -> str | None:
    names = _paths(plan)
    return f"Secrets Manager in {plan.region} has {', '.join(names)}" if names else None


QUESTIONS = (Question("secrets", "models", _guess, _secrets),)
