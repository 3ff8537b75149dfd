"""`models[].source`: four kinds of URI, one canonical form each, and what is none of them."""

from __future__ import annotations

from typing import Any

import pytest

from settings.read import read
from settings.sources import BucketSource, ClaimSource, HubSource, ImageSource, WeightSource, read_source
from tests.planning.stacks import QWEN, REVISION

DIGEST = "sha256:" + "ab" * 32
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/weights/qwen"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (QWEN, HubSource(QWEN, REVISION)),
        (f"hf://{QWEN}", HubSource(QWEN, REVISION)),
        (f"hf://{QWEN}@{'b' * 40}", HubSource(QWEN, "b" * 40)),
        ("s3://acme-weights/qwen/7b", BucketSource("acme-weights", "qwen/7b")),
        ("s3://acme-weights/qwen/7b/", BucketSource("acme-weights", "qwen/7b")),
        ("pvc://weights", ClaimSource("weights", "")),
        ("pvc://weights/qwen/7b", ClaimSource("weights", "qwen/7b")),
        (f"oci://{IMAGE}@{DIGEST}", ImageSource(IMAGE, None, DIGEST, "")),
        (f"oci://{IMAGE}:7b@{DIGEST}#models", ImageSource(IMAGE, "7b", DIGEST, "models")),
        ("oci://localhost:5000/qwen", ImageSource("localhost:5000/qwen", None, None, "")),
    ],
)
def test_a_uri_is_read_into_its_kind_and_its_canonical_form_is_read_into_the_same(
    text: str, source: WeightSource
) -> None:
    assert read_source(text, REVISION) == source
    assert read_source(source.uri) == source


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s4://bucket/x", "scheme s4:// is unknown; did you mean s3? Else write one of hf://"),
        ("gs://bucket/x", "scheme gs:// is unknown"),
        ("https://huggingface.co/Qwen/Qwen2.5-7B-Instruct", "scheme https:// is unknown"),
        ("/models/qwen", "not a Hugging Face model id; write owner/name"),
        (f"{QWEN}@{REVISION}", "not a Hugging Face model id"),
        (f"hf://{QWEN}@main", "not pinned: what follows '@' is not a commit id (40 hex digits)"),
        ("hf://Qwen", "hf:// needs owner and name"),
        ("s3://bucket", "write s3://<bucket>/<prefix>"),
        ("s3://Bucket/x", "write s3://<bucket>/<prefix>"),
        ("s3://bucket/*", "write s3://<bucket>/<prefix>"),
        ("s3://bucket/a/../b", "write s3://<bucket>/<prefix>"),
        ("pvc://Claim/x", "write pvc://<claim>/<folder>"),
        ("pvc://claim/../other", "write pvc://<claim>/<folder>"),
        ("oci://qwen@" + DIGEST, "write oci://<registry>/<repository>@sha256:<digest>#<folder>"),
        (f"oci://{IMAGE}@sha256:12", "write oci://<registry>/"),
        ("oci://user:secret@registry.example.com/x", "write oci://<registry>/"),
    ],
)
def test_what_is_no_source_is_said_with_what_to_write(text: str, said: str) -> None:
    assert said in problems(source=text, revision=None)["models[0].source"]


def test_a_revision_is_said_once_and_of_the_hub_only() -> None:
    assert problems(source=f"hf://{QWEN}@{REVISION}", revision=None) == {}
    assert problems(source=f"hf://{QWEN}@{REVISION}") == {}
    assert "is missing: commit id" in problems(source=f"hf://{QWEN}", revision=None)["models[0].revision"]
    assert "is missing: commit id" in problems(revision=None)["models[0].revision"]
    both = problems(source=f"hf://{QWEN}@{'b' * 40}")["models[0].revision"]
    assert f"is not the one in source, {'b' * 40}; leave it out" in both
    bucket = problems(source="s3://acme-weights/qwen")["models[0].revision"]
    assert "is not of s3://acme-weights/qwen: only repositories of the Hub have revisions; leave it out" in bucket


def problems(**changes: Any) -> dict[str, str]:
    model = {"name": "chat", "source": QWEN, "revision": REVISION, **changes}
    written = {key: value for key, value in model.items() if value is not None}
    findings = read(
        {"models": [written], "nodePools": [{"name": "l4", "instanceTypes": ["g6.xlarge"]}]}, "dev"
    ).problems
    return {finding.path: finding.text for finding in findings}
