"""Runs in the vLLM image, as the downloader's program: brings the files that the server will read, and no other.

Which those are is known when the repository is seen: vLLM takes the first kind of weight files that there is, and of
safetensors those that the index names. Repositories hold the same weights in several formats and folders; a pod whose
cache outgrows its size is evicted, so what is too large is said before the first byte.

`argv[1]`: JSON of {repositories: [{repository, revision, weights, index}], room_bytes}. Uses nothing but what every
image has: the standard library and huggingface_hub.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
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


def weight_files(names: list[str], patterns: list[str]) -> list[str]:
    """The files of the first pattern that has any, at the repository's root; `a!b`: those of a that are not b's."""
    root = [name for name in names if "/" not in name and name not in NEVER]
    for pattern in patterns:
        wanted, _, unwanted = pattern.partition("!")
        found = [name for name in root if fnmatchcase(name, wanted) and not fnmatchcase(name, unwanted)]
        if found:
            return found
    return []


def indexed(found: list[str], index: str, wanted: dict[str, Any]) -> list[str]:
    """Of safetensors those that the index names, where the repository has one."""
    path = hf_hub_download(wanted["repository"], index, revision=wanted["revision"])
    named = set(json.loads(Path(path).read_text(encoding="utf-8"))["weight_map"].values())
    return [name for name in found if name in named] or found


def files_of(wanted: dict[str, Any]) -> dict[str, int]:
    """Name and bytes of every file the server reads. Exits where the repository has no weights for it."""
    info = HfApi().model_info(wanted["repository"], revision=wanted["revision"], files_metadata=True)
    sizes = {each.rfilename: int(each.size or 0) for each in info.siblings or ()}
    weights = weight_files(list(sizes), wanted["weights"])
    if wanted["weights"] and not weights:
        kinds = ", ".join(pattern.partition("!")[0] for pattern in wanted["weights"])
        sys.exit(
            f"{wanted['repository']} at {wanted['revision']} has none of the weights that the server reads: {kinds}"
        )
    index = wanted["index"]
    if index in sizes and len(weights) > 1 and all(name.endswith(".safetensors") for name in weights):
        weights = indexed(weights, index, wanted)
    beside = [name for name in sizes if any(fnmatchcase(name.rsplit("/", 1)[-1], pattern) for pattern in BESIDE)]
    return {name: sizes[name] for name in (*weights, *beside)}


def main(request: str) -> None:
    """Downloads what `request` names; does nothing where that was done before, which needs no network then."""
    asked = json.loads(request)
    cache = Path(os.environ["HF_HUB_CACHE"])
    done = cache / f".fetched-{hashlib.sha256(request.encode()).hexdigest()[:16]}"
    if done.exists():
        print(f"{done}: everything is there")
        return
    chosen = [(wanted, files_of(wanted)) for wanted in asked["repositories"]]
    total = sum(sum(files.values()) for _, files in chosen)
    if total > asked["room_bytes"]:
        sys.exit(
            f"the files that the server reads take {total / GIB:.1f} GiB, the cache has "
            f"{asked['room_bytes'] / GIB:.1f}: describe the model (architecture) or give "
            "the cache more (cache.sizeGib, resources.ephemeralStorage)"
        )
    for wanted, files in chosen:
        names = [escape(name) for name in files]
        print(snapshot_download(wanted["repository"], revision=wanted["revision"], allow_patterns=names))
    done.parent.mkdir(parents=True, exist_ok=True)
    done.touch()


if __name__ == "__main__":
    main(sys.argv[1])
