"""What a CPU and a machine without containers forbid of the server that we render: no other change is made to it.

Everything else (arguments, environment, probes, preStop, grace) is taken from the Pod as it is in the API server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FlagChange:
    """A flag or a variable; `value` None takes a flag away. `{port}` is filled in. Only what is written is changed,
    unless `always`."""

    name: str
    value: str | None
    why: str
    always: bool = False


FLAGS = (
    FlagChange("--host", "127.0.0.1", "pods have no network here, and no server listens on all addresses", always=True),
    FlagChange("--port", "{port}", "all pods are on one machine: each gets a free port", always=True),
    FlagChange("--tensor-parallel-size", "1", "one worker: there are no GPUs to split over"),
    FlagChange("--kv-cache-dtype", "auto", "the fp8 cache needs a GPU's kernels"),
    FlagChange("--quantization", None, "the weights made here are bfloat16, whatever the checkpoint's are"),
    FlagChange("--enable-lora", None, "adapters are of the real weights, and those are not here"),
    FlagChange("--lora-modules", None, "as above"),
    FlagChange("--speculative-config", None, "a draft model is of the real weights, too"),
    FlagChange("--chat-template", None, "no ConfigMap is mounted here; the small model has a template of its own"),
)
ENVIRONMENT = (
    FlagChange("VLLM_TARGET_DEVICE", "cpu", "says which platform, where a GPU may be in the machine, too", always=True),
    FlagChange(
        "VLLM_CPU_KVCACHE_SPACE", "1", "GiB: gpuMemoryUtilization would be a share of this machine", always=True
    ),
    FlagChange("VLLM_CPU_CI_ENV", "1", "torch.compile's C++ takes 115 s on two busy cores (with it: 20)", always=True),
    FlagChange(
        "VLLM_CPU_OMP_THREADS_BIND", "nobind", "several servers share the few cores of this machine", always=True
    ),
    FlagChange("OMP_NUM_THREADS", "1", "as above", always=True),
    FlagChange(
        "PYTHONDONTWRITEBYTECODE", "1", "the environment in the cache is shared and stays as installed", always=True
    ),
    FlagChange("PATH", "/usr/local/bin:/usr/bin:/bin", "the image has its own", always=True),
)


def arguments(rendered: Sequence[str], port: int) -> list[str]:
    """The container's arguments as this machine can run them."""
    result = list(rendered)
    for change in FLAGS:
        written = [a for a in result if a == change.name or a.startswith(f"{change.name}=")]
        if not written and not change.always:
            continue
        result = _without(result, change.name)
        if change.value is not None:
            result.append(f"{change.name}={change.value.format(port=port)}")
    return result


def _without(arguments: Sequence[str], flag: str) -> list[str]:
    """The arguments less a flag, written `--flag=value`, `--flag value`, with several words or with none."""
    result, its_words = [], False
    for argument in arguments:
        if argument.startswith("--"):
            its_words = argument == flag
            if its_words or argument.startswith(f"{flag}="):
                continue
        elif its_words:
            continue
        result.append(argument)
    return result


def environment(container: Mapping[str, Any], root: Path, names_port: int | None = None) -> dict[str, str]:
    """The container's environment; folders that are mounted are below `root`, which stands for the container's `/`.

    `names_port`: of the proxy that stands for the cluster's DNS where a server dials a Service by gRPC: spans.
    """
    mounts = [str(mount["mountPath"]) for mount in container.get("volumeMounts") or []]
    rendered = {e["name"]: below(str(e["value"]), mounts, root) for e in container.get("env") or [] if "value" in e}
    names = {"grpc_proxy": f"http://127.0.0.1:{names_port}"} if names_port else {}
    return rendered | {change.name: str(change.value) for change in ENVIRONMENT} | names


def command(rendered: Sequence[str], port: int, local_port: int, folder: Path) -> list[str]:
    """What is run in the container: its own `port` is elsewhere here, and its python3 is that of vLLM's environment."""
    program, *words = (re.sub(rf"\b(127\.0\.0\.1|localhost):{port}\b", f"127.0.0.1:{local_port}", w) for w in rendered)
    own = folder / "bin" / program
    return [str(own) if own.exists() else program, *words]


def below(text: str, mounts: Sequence[str], root: Path) -> str:
    """A path in a mounted folder, where that folder is on this machine."""
    for mount in sorted(mounts, key=len, reverse=True):
        if re.match(rf"{re.escape(mount)}(/|$)", text):
            return f"{root}{text}"
    return text
