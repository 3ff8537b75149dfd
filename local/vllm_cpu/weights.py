"""Weights for a server that runs here: the real ones where they can be had, else random ones that say so."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.engine import flags
from local.vllm_cpu import changes
from local.vllm_cpu.environment import Environment
from planning.architectures.table import UnknownModel, architecture

MOST_REAL_BYTES = 3 * 10**9
"""Weights that a CPU serves at a bearable pace, and that are quick to download."""
TINY = Path(__file__).with_name("tiny_model.py")
# Word of a model's id -> transformers' model_type and vLLM's class; the first that fits.
KINDS = (
    ("qwen3", "qwen3", "Qwen3ForCausalLM"),
    ("qwen", "qwen2", "Qwen2ForCausalLM"),
    ("mistral", "mistral", "MistralForCausalLM"),
    ("", "llama", "LlamaForCausalLM"),
)
# Any model is made for contexts of up to so many tokens; vLLM takes --max-model-len from below it.
LONGEST_TOKENS = 131072


def kind_of(model: str) -> tuple[str, str]:
    """transformers' model_type and the class that stand for a model; Llama's where none of ours is like it."""
    name = model.lower()
    return next((model_type, kind) for word, model_type, kind in KINDS if word in name)


def is_small(model: str) -> bool:
    """Whether the real weights may be taken; a model that the catalogue does not know may be of any size."""
    try:
        return 2 * architecture(model).parameters <= MOST_REAL_BYTES
    except UnknownModel:
        return False


def hub_answers(endpoint: str, seconds: float = 3.0) -> bool:
    """Whether anybody takes a connection at the Hub's address."""
    address = urlsplit(endpoint)
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), timeout=seconds).close()
    except OSError:
        return False
    return True


def fill(
    environment: Environment,
    container: Mapping[str, Any],
    download: tuple[Mapping[str, Any], Mapping[str, str]] | None,
    hub_cache: Path,
    log: Callable[[str], None],
    endpoint: str = "https://huggingface.co",
) -> str:
    """Fills the cache for the server of `container`; returns "real" or "random".

    `download`: the rendered download container with its environment on this machine; None where a Job is to do it.
    """
    asked = flags.parse(flags.container_arguments(container))
    if download is not None and is_small(asked.model) and hub_answers(endpoint):
        step, variables = download
        command = [str(environment.python), *step["command"][1:], *step["args"]]
        done = subprocess.run(command, env=dict(variables), capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return "real"
        log(f"WARNING the download failed: {done.stderr.strip().splitlines()[-1:]}")
    _make_random(environment, asked.model, revision_of(container), hub_cache)
    log(f"WARNING random weights under the name of {asked.model}: 2 layers of width 128, its answers mean nothing")
    return "random"


def download_of(pod_spec: Mapping[str, Any], root: Path) -> tuple[Mapping[str, Any], Mapping[str, str]] | None:
    """The rendered download container of a pod with its environment on this machine."""
    for step in pod_spec.get("initContainers") or []:
        if step.get("name") == "download":
            return step, changes.environment(step, root)
    return None


def revision_of(container: Mapping[str, Any]) -> str:
    """The pinned revision of the rendered arguments; `main` where none is."""
    words = flags.container_arguments(container)
    revisions = [word.partition("=")[2] for word in words if word.startswith("--revision=")]
    return revisions[-1] if revisions else "main"


def _make_random(environment: Environment, model: str, revision: str, hub_cache: Path) -> None:
    """Made once and kept beside the environment; copied, since each pod has a cache of its own."""
    model_type, kind = kind_of(model)
    # Another program makes another model.
    kept = environment.folder / f"random-{hashlib.sha256(TINY.read_bytes()).hexdigest()[:8]}"
    described = {"repo_id": model, "revision": revision, "model_type": model_type, "kind": kind}
    variables = {"PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "HOME": str(kept)}
    kept.mkdir(exist_ok=True)
    command = [
        str(environment.python),
        str(TINY),
        str(kept),
        json.dumps({**described, "max_model_len": LONGEST_TOKENS}),
    ]
    name = f"models--{model.replace('/', '--')}"
    if not (kept / name / "snapshots" / revision).exists():
        subprocess.run(command, env=variables, check=True, capture_output=True)
    shutil.copytree(kept / name, hub_cache / name, dirs_exist_ok=True)
