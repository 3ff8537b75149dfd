"""Weights out of a bucket, a claim and an image: whose role reads what, and what of it is mounted where."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.aws.iam import bucket_policy
from components.serving.manifests.deployment import deployment
from components.serving.manifests.download import download_job, request
from components.serving.manifests.environment import download_environment, server_environment
from components.serving.manifests.network_policy import server_policy
from local.aws_endpoint.contract.permitted import PermissionNeed, allows
from planning.model import ServedModel
from tests.components.plans import (
    BUCKET,
    BUCKET_MODEL,
    BUCKET_VOLUME_MODEL,
    CLAIM_MODEL,
    IMAGE_MODEL,
    IMAGE_REFERENCE,
    MODEL,
    SECRET_KEY,
    STREAM_MODEL,
    VOLUME_MODEL,
)
from tests.components.serving.recorded import recorded
from tests.golden import assert_matches

GOLDENS = Path(__file__).parents[1] / "goldens"
POLICY = json.loads(bucket_policy(BUCKET))
WEIGHTS = "arn:aws:s3:::acme-weights"
HERE = {"kms:ViaService": "s3.us-west-2.amazonaws.com"}
AGENT = {"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}], "ports": [{"protocol": "TCP", "port": 80}]}


def pod(model: ServedModel) -> dict[str, Any]:
    pod_spec: dict[str, Any] = deployment(model, "p")["spec"]["template"]["spec"]
    return pod_spec


@pytest.mark.parametrize(
    ("action", "resource", "values", "may"),
    [
        ("s3:GetObject", f"{WEIGHTS}/{BUCKET.prefix}/config.json", {}, True),
        ("s3:ListBucket", WEIGHTS, {"s3:prefix": f"{BUCKET.prefix}/"}, True),
        ("kms:Decrypt", SECRET_KEY, HERE, True),
        ("s3:GetObject", f"{WEIGHTS}/{BUCKET.prefix}-other/config.json", {}, False),
        ("s3:GetObject", f"{WEIGHTS}/other/config.json", {}, False),
        ("s3:GetObject", f"arn:aws:s3:::acme-weights-2/{BUCKET.prefix}/config.json", {}, False),
        ("s3:ListBucket", WEIGHTS, {"s3:prefix": ""}, False),
        ("s3:ListBucket", WEIGHTS, {}, False),
        ("s3:PutObject", f"{WEIGHTS}/{BUCKET.prefix}/config.json", {}, False),
        ("s3:DeleteObject", f"{WEIGHTS}/{BUCKET.prefix}/config.json", {}, False),
        ("s3:ListAllMyBuckets", "*", {}, False),
        ("kms:Decrypt", SECRET_KEY, {}, False),
        ("kms:Decrypt", SECRET_KEY, {"kms:ViaService": "secretsmanager.us-west-2.amazonaws.com"}, False),
        ("kms:GenerateDataKey", SECRET_KEY, HERE, False),
    ],
)
def test_the_role_reads_below_the_prefix_and_nothing_beside(
    action: str, resource: str, values: dict[str, str], may: bool
) -> None:
    assert allows(POLICY, PermissionNeed(action, resource, values)) is may


def test_the_policy_is_as_reviewed_and_knows_no_key_where_there_is_none() -> None:
    assert_matches(GOLDENS / "iam" / "bucket_policy.json", json.dumps(POLICY, indent=2) + "\n")
    assert "kms" not in bucket_policy(replace(BUCKET, kms_key_arn=None))
    assert "arn:aws-cn:s3:::" in bucket_policy(replace(BUCKET, partition="aws-cn"))


@pytest.mark.parametrize(
    ("model", "account"),
    [(BUCKET_MODEL, "bucket"), (STREAM_MODEL, "stream"), (BUCKET_VOLUME_MODEL, "bucket-volume-download")],
)
def test_whoever_reads_the_bucket_has_the_role_before_it_starts(model: ServedModel, account: str) -> None:
    engine = recorded(model)
    (association,) = engine.all("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert (association.inputs["serviceAccount"], association.inputs["namespace"]) == (account, "models")
    (role,) = engine.all("aws:iam/role:Role")
    assert role.inputs["description"] == f"Reads {BUCKET.uri} for model models/{model.name}"
    (policy,) = engine.all("aws:iam/rolePolicy:RolePolicy")
    assert json.loads(policy.inputs["policy"]) == POLICY
    kind = "kubernetes:batch/v1:Job" if model is BUCKET_VOLUME_MODEL else "kubernetes:apps/v1:Deployment"
    reader = next(each for each in engine.all(kind) if each.name.startswith(f"{model.name}-"))
    assert {association.name, policy.name} <= reader.depends_on


@pytest.mark.parametrize("model", [MODEL, VOLUME_MODEL, CLAIM_MODEL, IMAGE_MODEL], ids=lambda model: str(model.name))
def test_no_other_source_makes_a_role(model: ServedModel) -> None:
    assert not recorded(model).all("aws:iam/role:Role")


def test_servers_beside_a_download_job_have_neither_role_nor_way_out() -> None:
    assert pod(BUCKET_VOLUME_MODEL)["serviceAccountName"] == "bucket-volume"
    assert (
        download_job(BUCKET_VOLUME_MODEL)["spec"]["template"]["spec"]["serviceAccountName"] == "bucket-volume-download"
    )
    assert server_policy(BUCKET_VOLUME_MODEL)["spec"]["egress"] == []
    assert not [each for each in server_environment(BUCKET_VOLUME_MODEL) if each["name"].startswith("AWS_")]
    cache = next(
        volume_mount
        for volume_mount in pod(BUCKET_VOLUME_MODEL)["containers"][0]["volumeMounts"]
        if volume_mount["name"] == "cache"
    )
    assert cache["readOnly"] is True


def test_who_reads_a_bucket_reaches_s3_and_the_agent_that_gives_the_role() -> None:
    for model in (BUCKET_MODEL, STREAM_MODEL):
        assert AGENT in server_policy(model)["spec"]["egress"]
    assert AGENT not in server_policy(MODEL)["spec"]["egress"]
    assert {"name": "AWS_REGION", "value": "us-west-2"} in server_environment(STREAM_MODEL)
    assert {"name": "AWS_REGION", "value": "us-west-2"} in download_environment(BUCKET_MODEL)
    assert not [each for each in server_environment(BUCKET_MODEL) if each["name"].startswith("AWS_")]


def test_the_downloader_is_asked_for_the_folder_that_the_server_is_told() -> None:
    (wanted,) = request(BUCKET_MODEL)["buckets"]
    assert wanted == {
        "bucket": "acme-weights",
        "prefix": BUCKET.prefix,
        "folder": f"/cache/s3/acme-weights/{BUCKET.prefix}",
        "weights": BUCKET.weights,
        "index": BUCKET.index,
    }
    assert request(BUCKET_MODEL)["repositories"] == []
    assert "buckets" not in request(MODEL)


def test_a_streaming_server_has_no_cache_and_no_init_container() -> None:
    spec = pod(STREAM_MODEL)
    assert "initContainers" not in spec
    assert "cache" not in {volume["name"] for volume in spec["volumes"]}
    assert "cache" not in {volume_mount["name"] for volume_mount in spec["containers"][0]["volumeMounts"]}


def test_claim_and_image_are_mounted_read_only_and_nothing_is_downloaded() -> None:
    claim, image = pod(CLAIM_MODEL), pod(IMAGE_MODEL)
    assert claim["volumes"][0] == {
        "name": "cache", "persistentVolumeClaim": {"claimName": "weights", "readOnly": True},
    }  # fmt: skip
    assert image["volumes"][0] == {
        "name": "cache", "image": {"reference": IMAGE_REFERENCE, "pullPolicy": "IfNotPresent"},
    }  # fmt: skip
    for spec in (claim, image):
        assert "initContainers" not in spec
        assert {"name": "cache", "mountPath": "/cache", "readOnly": True} in spec["containers"][0]["volumeMounts"]
    assert server_policy(CLAIM_MODEL)["spec"]["egress"] == server_policy(IMAGE_MODEL)["spec"]["egress"] == []
