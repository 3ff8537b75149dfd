"""Runs in the vLLM image, as the downloader's program: brings the files that the server will read, and no other.

Which those are is known when the repository is seen: vLLM takes the first kind of weight files that there is, and of
safetensors those that the index names. Repositories hold the same weights in several formats and folders; a pod whose
cache outgrows its size is evicted, so what is too large is said before the first byte.

`argv[1]`: JSON of {repositories: [{repository, revision, weights, index}], buckets: [{bucket, prefix, folder, weights,
index}], room_bytes}; without buckets there is no such key. Uses nothing but what every image has: the standard library,
huggingface_hub and, of a bucket, boto3. What was interrupted goes on where it stopped, an object of a bucket by parts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download, snapshot_download

# Configuration, tokenizers, templates, code: small, wherever they are.
BESIDE = ("*.json", "*.jinja", "*.txt", "*.model", "*.model.v*", "*.tiktoken", "*.vocab", "*.py")
# What training leaves beside the weights (vLLM, weight_utils.filter_files_not_needed_for_inference).
NEVER = ("training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.pt", "scaler.pt")
GIB = 2**30
# Of a bucket: bytes of a part, and parts at a time. Their product is in memory.
PART = 64 * 2**20
PARTS_AT_A_TIME = 16
ATTEMPTS = 5


def weight_files(names: list[str], patterns: list[str]) -> list[str]:
    """The files of the first pattern that has any, at the repository's root; `a!b`: those of a that are not b's."""
    root = [name for name in names if "/" not in name and name not in NEVER]
    for pattern in patterns:
        included, _, unwanted = pattern.partition("!")
        matching = [name for name in root if fnmatchcase(name, included) and not fnmatchcase(name, unwanted)]
        if matching:
            return matching
    return []


def chosen(sizes: dict[str, int], repository: dict[str, Any], place: str, read: Any) -> dict[str, int]:
    """Name and bytes of every file the server reads. Exits where there are no weights for it.

    Of safetensors those that the index names, where there is one; `read`: the text of a file.
    """
    weights = weight_files(list(sizes), repository["weights"])
    if repository["weights"] and not weights:
        kinds = ", ".join(pattern.partition("!")[0] for pattern in repository["weights"])
        sys.exit(f"{place} has none of the weights that the server reads: {kinds}")
    index = repository["index"]
    if index in sizes and len(weights) > 1 and all(name.endswith(".safetensors") for name in weights):
        named = set(json.loads(read(index))["weight_map"].values())
        weights = [name for name in weights if name in named] or weights
    beside = [name for name in sizes if any(fnmatchcase(name.rsplit("/", 1)[-1], pattern) for pattern in BESIDE)]
    return {name: sizes[name] for name in (*weights, *beside)}


def hub_files(repository: dict[str, Any]) -> dict[str, int]:
    """Of a repository of the Hub."""
    name, revision = repository["repository"], repository["revision"]
    info = HfApi().model_info(name, revision=revision, files_metadata=True)
    sizes = {file.rfilename: int(file.size or 0) for file in info.siblings or ()}

    def read(file: str) -> str:
        return Path(hf_hub_download(name, file, revision=revision)).read_text(encoding="utf-8")

    return chosen(sizes, repository, f"{name} at {revision}", read)


def bucket_files(s3: Any, source: dict[str, Any]) -> dict[str, int]:
    """Of a prefix of a bucket; names are below it."""
    bucket, prefix = source["bucket"], source["prefix"] + "/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    objects = [entry for page in pages for entry in page.get("Contents", ()) if not entry["Key"].endswith("/")]
    sizes = {entry["Key"].removeprefix(prefix): int(entry["Size"]) for entry in objects}

    def read(file: str) -> str:
        text: str = s3.get_object(Bucket=bucket, Key=prefix + file)["Body"].read().decode()
        return text

    return chosen(sizes, source, f"s3://{bucket}/{prefix}", read)


def bring(s3: Any, source: dict[str, Any], name: str) -> None:
    """One object, by parts; those that an earlier run brought of it are kept. Exits where the whole is damaged."""
    of = {"Bucket": source["bucket"], "Key": f"{source['prefix']}/{name}"}
    path = Path(source["folder"]) / name
    head = s3.head_object(**of, ChecksumMode="ENABLED")
    size, etag = int(head["ContentLength"]), str(head["ETag"])
    if path.exists():  # it has this name only once it was verified
        return
    half, journal = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.journal")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = journal.read_text().split() if journal.exists() and half.exists() else []
    if lines[:1] != [etag]:
        half.write_bytes(b"")
        journal.write_text(f"{etag}\n")
        lines = [etag]
    missing = [start for start in range(0, size, PART) if str(start) not in lines[1:]]
    with half.open("r+b") as file, journal.open("a") as log, ThreadPoolExecutor(PARTS_AT_A_TIME) as pool:
        file.truncate(size)

        def part(start: int) -> int:
            end = min(start + PART, size) - 1
            for attempt in range(ATTEMPTS):
                try:
                    body = s3.get_object(**of, Range=f"bytes={start}-{end}", IfMatch=etag)["Body"].read()
                    break
                except OSError:  # the connection ended in the middle; botocore tries its own errors again
                    if attempt == ATTEMPTS - 1:
                        raise
            os.pwrite(file.fileno(), body, start)
            return start

        for start in pool.map(part, missing):
            log.write(f"{start}\n")
            log.flush()
    how = verified(s3, of, head, half)
    if how is None:
        half.unlink()
        journal.unlink()
        sys.exit(
            f"s3://{of['Bucket']}/{of['Key']} is not what S3's checksum of it says: it was removed, and comes again"
        )
    half.rename(path)
    journal.unlink()
    print(f"{path}: {size} bytes, {len(missing)} parts, verified by {how}")


def verified(s3: Any, of: dict[str, str], head: dict[str, Any], path: Path) -> str | None:
    """By what the file was found whole; None: it is not. By its size alone where S3 has no checksum that can be had."""
    if head.get("ChecksumType") != "COMPOSITE":
        if sha256 := head.get("ChecksumSHA256"):
            return "SHA-256" if base64.b64encode(digest(path, "sha256")).decode() == sha256 else None
        if crc32 := head.get("ChecksumCRC32"):
            return "CRC-32" if base64.b64encode(crc(path).to_bytes(4, "big")).decode() == crc32 else None
    etag = str(head["ETag"]).strip('"')
    if str(head.get("ServerSideEncryption", "")).startswith("aws:kms"):  # then an ETag is no MD5
        return "its size" if path.stat().st_size == head["ContentLength"] else None
    if "-" not in etag:
        return "MD5" if digest(path, "md5").hex() == etag else None
    length = int(s3.head_object(**of, PartNumber=1)["ContentLength"])
    starts = range(0, path.stat().st_size, length)
    digest_of_parts = hashlib.md5(
        b"".join(digest(path, "md5", start, length) for start in starts), usedforsecurity=False
    )
    return "MD5 of its parts" if f"{digest_of_parts.hexdigest()}-{len(starts)}" == etag else None


def digest(path: Path, kind: str, start: int = 0, length: int | None = None) -> bytes:
    """Of a file, or of a part of it."""
    digester = hashlib.new(kind, usedforsecurity=False)
    for block in blocks(path, start, length):
        digester.update(block)
    return digester.digest()


def crc(path: Path) -> int:
    """CRC-32 of a file."""
    checksum = 0
    for block in blocks(path, 0, None):
        checksum = zlib.crc32(block, checksum)
    return checksum


def blocks(path: Path, start: int, length: int | None) -> Any:
    """A file, or `length` bytes of it from `start` on, a few MiB at a time."""
    left = path.stat().st_size - start if length is None else length
    with path.open("rb") as file:
        file.seek(start)
        while left > 0 and (block := file.read(min(left, 2**23))):
            left -= len(block)
            yield block


def client() -> Any:
    """S3, as the pod's identity; the region is in the environment."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(max_pool_connections=PARTS_AT_A_TIME, retries={"max_attempts": ATTEMPTS}))


def main(request: str) -> None:
    """Downloads what `request` names; does nothing where that was done before, which needs no network then."""
    asked = json.loads(request)
    cache = Path(os.environ["HF_HUB_CACHE"])
    done = cache / f".fetched-{hashlib.sha256(request.encode()).hexdigest()[:16]}"
    if done.exists():
        print(f"{done}: everything is there")
        return
    buckets = asked.get("buckets", [])
    s3 = client() if buckets else None
    of_hub = [(asked_repository, hub_files(asked_repository)) for asked_repository in asked["repositories"]]
    of_buckets = [(bucket, bucket_files(s3, bucket)) for bucket in buckets]
    total = sum(sum(files.values()) for _, files in (*of_hub, *of_buckets))
    if total > asked["room_bytes"]:
        sys.exit(
            f"the files that the server reads take {total / GIB:.1f} GiB, the cache has "
            f"{asked['room_bytes'] / GIB:.1f}: describe the model (architecture) or give "
            "the cache more (cache.sizeGib, resources.ephemeralStorage)"
        )
    for source, files in of_hub:
        names = [escape(name) for name in files]
        print(snapshot_download(source["repository"], revision=source["revision"], allow_patterns=names))
    for source, files in of_buckets:
        for name in files:
            bring(s3, source, name)
    done.parent.mkdir(parents=True, exist_ok=True)
    done.touch()


if __name__ == "__main__":
    main(sys.argv[1])
