"""What an example's page says to be in the account first, as platform and tests make it, satisfies the pre-flight."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest

from local.stacks import aws_secrets
from local.stacks.stack_files import remote_tokens
from preflight.model import Verdict
from tests.e2e.example_table import Example, example_table
from tests.e2e.loading import PREFIX
from tests.e2e.prerequisites import filled_buckets, hosted_zones
from tests.planning.stacks import stack
from tests.preflight.accounts import account, asked, planned

QUESTIONS = {"weights", "secrets", "zone"}


@pytest.mark.parametrize("name", ["weights", "external-secrets", "alb"])
def test_buckets_secrets_and_zones_that_are_made_for_an_example_are_those_that_it_is_asked_for(name: str) -> None:
    (row,) = [row for row in example_table() if row.name == name]
    sections = _sections(row)
    with account() as aws:
        before = asked(planned(sections), aws).answers
        here = hosted_zones(boto3.client("route53", region_name="us-east-1"), name)
        filled_buckets(boto3.client("s3", region_name="us-east-1"), name)
        aws_secrets.make(boto3.client("secretsmanager", region_name="us-east-1"), remote_tokens(stack(**sections)))
        after = asked(planned(_sections(replace(row, here=here))), aws).answers
    assert Verdict.ERROR in {answer.verdict for answer in before if answer.question in QUESTIONS}
    assert {answer.verdict for answer in after if answer.question in QUESTIONS} == {Verdict.OK}


def _sections(row: Example) -> dict[str, Any]:
    return {key.removeprefix(PREFIX): section for key, section in row.config().items()}
