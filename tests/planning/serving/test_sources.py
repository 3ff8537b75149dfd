"""Sources of weights in the plan: what vLLM is told, and what cannot work, with path, value and what to write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planning.model import BucketPlan, ClaimPlan, HubPlan, ImagePlan, ServedModel, Severity
from tests.planning.stacks import LLAMA, QWEN, REVISION, errors, model, planned, pool, refusal, rules, stack

BUCKET = "s3://acme-weights/qwen/a09a35458c702b33eeacc393d103063234e8bc28"
IMAGE = "oci://111122223333.dkr.ecr.us-east-1.amazonaws.com/weights/qwen@sha256:" + "ab" * 32
KEY = "arn:aws:kms:us-east-1:111122223333:key/0aa0aa00-1111-2222-3333-444455556666"
EXISTING: dict[str, Any] = {
    "cluster": {"kind": "existing", "name": "there", "version": "1.35"},
    "network": {"kind": "existing", "vpcId": "vpc-1", "privateSubnetIds": ["subnet-1", "subnet-2"]},
}
STREAM = {"kind": "stream"}


def served(source: str, stack_name: str = "dev", sections: dict[str, Any] | None = None, **changes: Any) -> ServedModel:
    return planned(stack_name, models=[other(source, **changes)], **(sections or {})).models[0]


def other(uri: str, **changes: Any) -> dict[str, Any]:
    """A model whose files are a copy of Qwen's, elsewhere."""
    made = {**model(source=uri), "copyOf": QWEN, **changes}
    return {key: value for key, value in made.items() if key != "revision" and value is not None}


def test_both_ways_to_write_a_repository_make_the_same_plan() -> None:
    uri = f"hf://{QWEN}@{REVISION}"
    short, long = planned(), planned(models=[other(uri, copyOf=None)])
    assert short.models == long.models
    assert short.models[0].source == HubPlan(uri)


def test_a_bucket_is_downloaded_and_named_by_its_folder() -> None:
    served_model = served(BUCKET, bucket={"kmsKeyArn": KEY})
    assert isinstance(served_model.source, BucketPlan)
    assert (served_model.source.bucket, served_model.source.prefix, served_model.source.streamed) == (
        "acme-weights", "qwen/a09a35458c702b33eeacc393d103063234e8bc28", False,
    )  # fmt: skip
    assert (served_model.source.kms_key_arn, served_model.source.region, served_model.source.partition) == (
        KEY,
        "us-east-1",
        "aws",
    )
    assert served_model.args[:2] == (f"/cache/{BUCKET.replace('://', '/')}", f"--served-model-name={QWEN}")
    assert not [arg for arg in served_model.args if arg.startswith(("--revision", "--tokenizer-revision"))]
    assert served_model.repositories == ()
    assert served_model.revision == BUCKET, "another prefix is another pod"
    assert served_model.memory == planned().models[0].memory, "copyOf is looked up as a source is"


def test_a_streamed_bucket_is_read_by_as_many_connections_as_the_network_takes_and_keeps_nothing() -> None:
    served_model = served(BUCKET, cache=STREAM)
    assert served_model.cache.kind == "stream"
    assert served_model.args[0] == BUCKET
    assert "--load-format=runai_streamer" in served_model.args
    document = json.loads(
        next(arg for arg in served_model.args if arg.startswith("--model-loader-extra")).partition("=")[2]
    )
    assert (
        document["concurrency"] == 8
    )  # 2.5 Gbit/s of a g6.xlarge are 4 connections; the streamer's own default is more
    assert 0 < document["memory_limit"] < 8 * 2**30
    large = served(BUCKET, sections={"nodePools": [pool(instanceTypes=["g6.12xlarge"])]}, cache=STREAM)
    faster = json.loads(next(arg for arg in large.args if arg.startswith("--model-loader")).partition("=")[2])
    assert faster["concurrency"] == 59  # 40 Gbit/s by 85 MB/s
    asked = served(BUCKET, cache={**STREAM, "concurrency": 20})
    assert '"concurrency": 20' in next(arg for arg in asked.args if arg.startswith("--model-loader"))
    assert (served_model.resources.ephemeral_storage, planned().models[0].resources.ephemeral_storage) == (
        "8Gi",
        "24Gi",
    )
    assert not {"download weights"} & {term.name for term in served_model.cold_start}


def test_a_claim_and_an_image_are_read_where_they_are() -> None:
    claim = served("pvc://weights/qwen", sections=EXISTING)
    assert claim.source == ClaimPlan("pvc://weights/qwen", "weights", "qwen")
    assert (claim.args[0], claim.cache.kind, claim.repositories) == ("/cache/qwen", "claim", ())
    image = served(f"{IMAGE}#models", "prod")
    assert image.source == ImagePlan(f"{IMAGE}#models", IMAGE.removeprefix("oci://"), "models")
    assert (image.args[0], image.cache.kind) == ("/cache/models", "image")
    assert "pull weights" in {term.name for term in image.cold_start}
    mirrored = served(
        "oci://ghcr.io/acme/qwen@sha256:" + "ab" * 32, sections={"registry": {"mirror": "registry.example/mirror"}}
    )
    assert isinstance(mirrored.source, ImagePlan)
    assert mirrored.source.reference.startswith("registry.example/mirror/ghcr.io/acme/qwen@sha256:")


def test_without_a_name_of_the_hub_clients_ask_for_the_models_own() -> None:
    shape = {"layers": 28, "hiddenSize": 3584, "attentionHeads": 28, "kvHeads": 4, "intermediateSize": 18944,
             "vocabSize": 152064}  # fmt: skip
    served_model = served(BUCKET, copyOf=None, architecture=shape)
    assert (served_model.served_name, served_model.model_id) == ("chat", BUCKET)
    findings = planned(models=[other(BUCKET, copyOf=None)]).findings
    assert "write copyOf: <the Hugging Face id of what it holds>, or architecture" in next(
        each.text for each in findings if each.rule == "unknown-model"
    )


@pytest.mark.parametrize(
    ("changes", "sections", "path", "said"),
    [
        ({"bucket": {"region": "eu-west-1"}}, {}, "bucket.region", "eu-west-1, and the stack is in us-east-1"),
        ({"bucket": {"kmsKeyArn": KEY.replace("us-east-1", "eu-west-1")}}, {}, "bucket.kmsKeyArn",
         "the key is in eu-west-1"),
        ({"source": "s3://acme-weights/qwen/latest"}, {}, "source",
         "objects below a prefix can be replaced"),
        ({"source": IMAGE.partition("@")[0]}, {}, "source", "is pinned by nothing, which is the tag latest"),
        ({"source": IMAGE.replace("@", ":v1@").partition("@")[0]}, {}, "source", "is pinned by a tag (v1)"),
        ({"source": IMAGE}, {"cluster": {"version": "1.34"}}, "source",
         "Kubernetes 1.34 has no volumes of kind image: EKS turns them on from 1.35; write cluster: {version: '1.35'}"),
        ({"source": "pvc://weights/qwen"}, {}, "source",
         "so no PersistentVolumeClaim weights is there, and pods would stay Pending"),
        ({"source": IMAGE, "bucket": {"region": "us-east-1"}}, {}, "bucket", "which is in no bucket"),
        ({"source": IMAGE, "cache": STREAM}, {}, "cache.kind", "is no bucket; write source: s3://<bucket>/<prefix>"),
        ({"source": IMAGE, "cache": {"kind": "persistentVolume", "storageClass": "gp3"}}, {}, "cache",
         "servers read oci://"),
        ({"cache": STREAM, "extraArgs": ["--load-format=auto"]}, {}, "extraArgs[0]", "set by cache: {kind: stream}"),
        ({"cache": STREAM, "loraAdapters": [{"name": "a", "source": "o/a", "revision": REVISION}]}, {}, "loraAdapters",
         "of these nothing is downloaded"),
        ({"tokenSecret": {"kind": "kubernetesSecret", "name": "hf"}}, {}, "tokenSecret", "no token is sent"),
        ({"source": f"hf://{QWEN}@{REVISION}"}, {}, "copyOf", "leave copyOf out"),
    ],
)  # fmt: skip
def test_what_cannot_work_in_production_is_refused(
    changes: dict[str, Any], sections: dict[str, Any], path: str, said: str
) -> None:
    refused = errors(refusal("prod", models=[other(BUCKET, **changes)], **sections))
    assert said in refused[f"models[0].{path}"]


def test_what_only_moves_is_a_warning_outside_production() -> None:
    tagged = planned(models=[other(IMAGE.partition("@")[0])])
    assert "source-unpinned" in rules(tagged.findings, Severity.WARNING)
    assert (
        planned(models=[other("s3://acme-weights/qwen/latest")]).models[0].source.uri == "s3://acme-weights/qwen/latest"
    )


def test_a_claim_that_will_be_there_is_the_users_word() -> None:
    stack_plan = planned(models=[other("pvc://weights", acceptedRisks={"claim": "made by the storage team before up"})])
    assert stack_plan.models[0].source == ClaimPlan("pvc://weights", "weights", "")


def test_a_gated_model_needs_its_token_only_where_it_comes_from_the_hub() -> None:
    copied = {**other(BUCKET.replace("qwen", "llama")), "copyOf": LLAMA}
    assert planned(models=[copied]).models[0].token is None


def test_an_image_of_weights_counts_on_the_nodes_disk() -> None:
    fits = stack(models=[other(IMAGE)], nodePools=[pool(diskGib=100, instanceStore="unused")])
    assert fits is not None
    small = refusal(models=[other(IMAGE)], nodePools=[pool(diskGib=50, instanceStore="unused")])
    assert "nodePools[0].diskGib" in errors(small)
