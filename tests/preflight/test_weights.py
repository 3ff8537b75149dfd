"""Buckets and claims that weights are in, asked of S3 and of the existing cluster's API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight.model import Verdict
from tests.planning.stacks import QWEN
from tests.preflight.accounts import account, asked, only, own, planned, said
from tests.preflight.test_existing_cluster import ALL, GP3, api_server, made, stack

PREFIX = "qwen/a09a35458c702b33eeacc393d103063234e8bc28"


def with_source(sections: dict[str, Any], uri: str, **changes: Any) -> dict[str, Any]:
    models = [{key: value for key, value in model.items() if key != "revision"} for model in sections["models"]]
    return {**sections, "models": [{**models[0], "source": uri, "copyOf": QWEN, **changes}]}


def bucket(region: str, key: str | None) -> None:
    s3 = boto3.client("s3", region_name=region)
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket="acme-weights", **where)
    if key is not None:
        s3.put_object(Bucket="acme-weights", Key=key, Body=b"{}")


@pytest.mark.parametrize(
    ("region", "key", "told"),
    [
        (None, None, "there is no bucket acme-weights in us-east-1; create it there"),
        ("eu-west-1", f"{PREFIX}/config.json", "acme-weights is in eu-west-1, and the stack in us-east-1; copy it"),
        ("us-east-1", None, f"acme-weights has nothing below {PREFIX}/; copy the files: aws s3 sync"),
        ("us-east-1", f"{PREFIX}-other/config.json", f"acme-weights has nothing below {PREFIX}/"),
    ],
)
def test_a_bucket_that_does_not_serve_is_told_before_up(region: str | None, key: str | None, told: str) -> None:
    with account() as aws:
        if region:
            bucket(region, key)
        report = asked(planned(with_source(own("dev"), f"s3://acme-weights/{PREFIX}")), aws)
    answer = only(report, "weights", Verdict.ERROR)
    assert answer.path == "models[0].source"
    assert answer.text.startswith(told)


def test_a_bucket_with_the_files_is_fine_and_no_other_stack_asks() -> None:
    with account() as aws:
        bucket("us-east-1", f"{PREFIX}/config.json")
        report = asked(planned(with_source(own("dev"), f"s3://acme-weights/{PREFIX}")), aws)
        assert only(report, "weights", Verdict.OK).text == f"s3://acme-weights/{PREFIX} is there"
        assert not [answer for answer in asked(planned(own("dev")), aws).answers if answer.question == "weights"]


@pytest.mark.parametrize(
    ("claim", "verdict", "told"),
    [
        (None, Verdict.ERROR, "shared has no PersistentVolumeClaim weights in namespace models"),
        (["ReadWriteOnce"], Verdict.WARNING, "weights is ReadWriteOnce, so one node mounts it, and maxReplicas is 2"),
        (["ReadOnlyMany"], Verdict.OK, ""),
    ],
)
def test_a_claim_is_looked_for_in_the_existing_cluster(
    tmp_path: Path, claim: list[str] | None, verdict: Verdict, told: str
) -> None:
    there = {"/api/v1/namespaces/models/persistentvolumeclaims/weights": {"spec": {"accessModes": claim}}}
    with account() as aws, api_server(tmp_path, {**GP3, **(there if claim else {})}):
        scaling = {"kind": "hpa", "maxReplicas": 2}
        plan = planned(with_source(stack(made(ALL)), "pvc://weights/qwen", autoscaling=scaling))
        report = asked(plan, aws)
    answers_here = said(report, verdict).get("models[0].source", [])
    assert any(text.startswith(told) for text in answers_here), said(report)
