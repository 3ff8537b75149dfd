"""Where a model's weights come from: what vLLM is told, what the backend mounts, and what cannot work."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache

from planning.facts import rows
from planning.findings import Findings
from planning.model import (
    BUCKET_CACHE,
    WEIGHTS,
    BucketPlan,
    ClaimPlan,
    HubPlan,
    ImageMirror,
    ImagePlan,
    RepositoryPlan,
    SourcePlan,
)
from planning.serving.engine_args import place_of
from planning.versions import pins
from planning.versions.skew import minor
from planning.versions.vllm_versions import Version
from settings.models import EmptyDirCache, Model, StreamCache
from settings.sources import FORMS, BucketSource, ClaimSource, HubSource, ImageSource

# "make one concurrent request for each 85-90 MB/s of desired network throughput"
# (docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html, 2026-11-27).
BYTES_PER_CONNECTION = 85e6
# Below it the streamer's own default for object storage (run-ai/runai-model-streamer docs/src/env-vars.md).
FEWEST_CONNECTIONS = 8
MOST_CONNECTIONS = 64
# Of the pod's memory, what the streamer's buffer may take: unlimited, which is its default, it is as large as a file.
BUFFER_SHARE = 0.25
STREAMER = "runai_streamer"
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Site:
    """What a source depends on of the stack."""

    region: str
    kubernetes: str | None
    """None: of an existing cluster whose version is not written."""
    created: bool
    partition: str
    mirror: ImageMirror | None


@cache
def _needs() -> dict[str, tuple[str, str, str]]:
    """Way -> oldest version, what it brings, source."""
    return {row["way"]: (row["since"], row["words"], row["source"]) for row in rows("weight_sources.csv")}


def streamed(model: Model) -> bool:
    """Whether servers read their weights from S3 themselves."""
    return isinstance(model.cache, StreamCache)


def way_of(model: Model) -> str:
    """How weights reach a server: hub or bucket (downloaded), stream, claim or image."""
    origin = model.origin
    if isinstance(origin, BucketSource):
        return "stream" if streamed(model) else "bucket"
    return {HubSource: "hub", ClaimSource: "claim", ImageSource: "image"}[type(origin)]


def named_to_vllm(model: Model, network_gbps: float = 0.0, memory_mib: int = 0) -> tuple[str, ...]:
    """The model as vLLM is told it, and the arguments that go with it.

    One of the Hub is named by its id: with HF_HUB_OFFLINE=1 vLLM finds id and revision in the hub cache
    (EngineArgs.__post_init__). The others by a path, or by the address that the streamer reads.
    """
    origin = model.origin
    if isinstance(origin, HubSource):
        return origin.repository, f"--revision={origin.revision}", f"--tokenizer-revision={origin.revision}"
    if isinstance(origin, BucketSource):
        if not streamed(model):
            return (f"{BUCKET_CACHE}/{origin.bucket}/{origin.prefix}",)
        options = {"concurrency": connections(model, network_gbps), "memory_limit": _buffer_bytes(memory_mib)}
        return origin.uri, f"--load-format={STREAMER}", f"--model-loader-extra-config={json.dumps(options)}"
    return (f"{WEIGHTS}/{origin.folder}".rstrip("/"),)


def connections(model: Model, network_gbps: float) -> int:
    """Connections of the streamer to S3: as written, else those that the node's network takes."""
    if isinstance(model.cache, StreamCache) and model.cache.concurrency is not None:
        return model.cache.concurrency
    connections_needed = math.ceil(network_gbps * 1e9 / 8 / BYTES_PER_CONNECTION)
    return min(MOST_CONNECTIONS, max(FEWEST_CONNECTIONS, connections_needed))


def _buffer_bytes(memory_mib: int) -> int:
    return int(memory_mib * BUFFER_SHARE) * 2**20


def plan_source(model: Model, files: RepositoryPlan, site: Site) -> SourcePlan:
    """What the backend needs of it; `files`: which of them the server reads."""
    origin = model.origin
    if isinstance(origin, BucketSource):
        return BucketPlan(
            uri=origin.uri,
            bucket=origin.bucket,
            prefix=origin.prefix,
            region=site.region,
            partition=site.partition,
            kms_key_arn=model.bucket.kms_key_arn if model.bucket else None,
            streamed=streamed(model),
            weights=files.weights,
            index=files.index,
        )
    if isinstance(origin, ClaimSource):
        return ClaimPlan(origin.uri, origin.claim, origin.folder)
    if isinstance(origin, ImageSource):
        return ImagePlan(origin.uri, pins.mirrored(origin.reference, site.mirror), origin.folder)
    return HubPlan(origin.uri)


def check_source(model: Model, version: Version, site: Site, production: bool, path: str, findings: Findings) -> None:
    """Every way in which a source cannot work here."""
    origin = model.origin
    if isinstance(origin, HubSource):
        if model.copy_of is not None:
            findings.error(f"{path}.copyOf", "source-copy", f"source is {origin.uri} itself", "leave copyOf out")
    elif model.token_secret is not None and not (model.lora_adapters or model.draft_model):
        message = f"nothing of {origin.uri} comes from the Hub: no token is sent"
        findings.error(f"{path}.tokenSecret", "source-token", message, "leave it out")
    if isinstance(origin, BucketSource):
        _check_bucket(model, origin, site, production, path, findings)
    elif model.bucket is not None:
        message = f"source is {origin.uri}, which is in no bucket"
        findings.error(f"{path}.bucket", "source-bucket", message, f"leave it out, or write source: {FORMS['s3']}")
    if isinstance(origin, ImageSource):
        _check_image(origin, site, production, path, findings)
    if isinstance(origin, ClaimSource) and site.created:
        _check_claim(model, origin, path, findings)
    _check_cache(model, version, path, findings)
    _check_companions(model, path, findings)


def _check_bucket(
    model: Model, origin: BucketSource, site: Site, production: bool, path: str, findings: Findings
) -> None:
    bucket = model.bucket
    if bucket is not None and bucket.region not in (None, site.region):
        findings.error(
            f"{path}.bucket.region",
            "bucket-region",
            f"{bucket.region}, and the stack is in {site.region}: every start of a server would read its weights "
            "through the NAT gateway from another region, and pay for it",
            f"copy the objects to a bucket in {site.region}: aws s3 sync {origin.uri} s3://<bucket>/{origin.prefix}",
        )
    key = bucket.kms_key_arn if bucket else None
    if key is not None and key.split(":")[3] != site.region:
        findings.error(
            f"{path}.bucket.kmsKeyArn",
            "bucket-key-region",
            f"the key is in {key.split(':')[3]}, and S3 encrypts objects of {site.region} with keys of that region",
            f"write the ARN of a key in {site.region}",
        )
    if production and not _COMMIT.search(origin.prefix):
        findings.error(
            f"{path}.source",
            "source-unpinned",
            f"{origin.uri}: objects below a prefix can be replaced, and replicas of different days then serve "
            "different weights",
            "copy each revision to a prefix of its own that ends in its commit id, and write that",
        )
    if not site.created:
        findings.warning(
            f"{path}.source",
            "bucket-credentials",
            "pods read the bucket with a role from the EKS add-on eks-pod-identity-agent, and it is not known here "
            "whether the cluster has it",
            "make sure that it has",
        )
    if model.image.repository != pins.VLLM.repository:
        since, words, _ = _needs()["stream" if streamed(model) else "download"]
        findings.warning(
            f"{path}.image.repository",
            "image-part",
            f"the official image has {words} (from {since} on), and what is in this one is not known here",
            "make sure that it has",
        )


def _check_image(origin: ImageSource, site: Site, production: bool, path: str, findings: Findings) -> None:
    if origin.digest is None:
        judge = findings.error if production else findings.warning
        what = f"a tag ({origin.tag})" if origin.tag else "nothing, which is the tag latest"
        judge(
            f"{path}.source",
            "source-unpinned",
            f"{origin.uri} is pinned by {what}, which can be moved",
            f"write {FORMS['oci']} with what `crane digest {origin.reference}` prints",
        )
    since, words, _ = _needs()["image"]
    if site.kubernetes is not None and minor(site.kubernetes) < minor(since):
        findings.error(
            f"{path}.source",
            "source-kubernetes",
            f"Kubernetes {site.kubernetes} has no {words}: EKS turns them on from {since}",
            f"write cluster: {{version: '{since}'}}, or another source",
        )


def _check_claim(model: Model, origin: ClaimSource, path: str, findings: Findings) -> None:
    findings.estimate(
        f"{path}.source",
        "source-claim",
        f"{origin.uri}: the stack creates cluster and namespace {model.namespace}, so no PersistentVolumeClaim "
        f"{origin.claim} is there, and pods would stay Pending",
        model.accepted_risks.claim,
        "claim",
        fix="write another source, or cluster: {kind: existing, ...}",
    )


def _check_cache(model: Model, version: Version, path: str, findings: Findings) -> None:
    origin = model.origin
    if streamed(model):
        if not isinstance(origin, BucketSource):
            message = f"stream, and {origin.uri} is no bucket"
            fix = f"write source: {FORMS['s3']}, or another cache"
            findings.error(f"{path}.cache.kind", "source-stream", message, fix)
        for flag in ("--load-format", "--model-loader-extra-config"):
            if (index := place_of(model, flag, version)) is not None:
                where = f"{path}.extraArgs[{index}]"
                message = f"{flag} is set by cache: {{kind: stream}}"
                findings.error(where, "planned-argument", message, "leave it out; concurrency is cache.concurrency")
    elif isinstance(origin, ClaimSource | ImageSource) and not isinstance(model.cache, EmptyDirCache):
        message = f"{model.cache.kind}: servers read {origin.uri} where it is, nothing is kept elsewhere"
        findings.error(f"{path}.cache", "source-cache", message, "leave cache out")


def _check_companions(model: Model, path: str, findings: Findings) -> None:
    """They are downloaded beside the model, and these have no place for it."""
    if way_of(model) not in ("stream", "claim", "image"):
        return
    for setting, there in (("loraAdapters", bool(model.lora_adapters)), ("draftModel", model.draft_model is not None)):
        if there:
            findings.error(
                f"{path}.{setting}",
                "source-companions",
                "is downloaded beside the weights, and of these nothing is downloaded",
                "leave it out, or write a source and a cache that are downloaded (hf:// or s3://, emptyDir or "
                "persistentVolume)",
            )
