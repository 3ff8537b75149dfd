"""The argument list of `vllm serve`, right for the image's version, and the check of what the user adds to it."""

from __future__ import annotations

from planning.findings import Findings
from planning.memory.quantization import Weights
from planning.versions import vllm_versions
from planning.versions.vllm_versions import Version, text
from settings.models import Model

PORT = 8000
QUIET_ENDPOINTS = "/health,/metrics,/ping"

# Flags that we set, and the setting that decides each.
PLANNED = {
    "--model": "source",
    "--tokenizer": "source",
    "--served-model-name": "servedName",
    "--revision": "revision",
    "--tokenizer-revision": "revision",
    "--dtype": "dtype",
    "--quantization": "quantization",
    "--kv-cache-dtype": "kvCacheDtype",
    "--tensor-parallel-size": "tensorParallel",
    "--max-model-len": "maxModelLen",
    "--max-num-seqs": "maxNumSeqs",
    "--gpu-memory-utilization": "gpuMemoryUtilization",
    "--enforce-eager": "enforceEager",
    "--shutdown-timeout": "drain.shutdownTimeoutSeconds",
}
# Flags that break what the rest of the stack relies on.
REFUSED = {
    "--port": f"the Service, the probes and the NetworkPolicy use port {PORT}",
    "--host": "the server listens on all addresses of its pod; the NetworkPolicy says who reaches it",
    "--uds": "the Service and the probes need a TCP port",
    "--grpc": "the probes and the Service speak HTTP",
    "--grpc-port": "the Service and the NetworkPolicy open one port only",
    "--headless": "a headless engine answers no requests",
    "--config": "no file is mounted; write each argument here",
    "--download-dir": "weights are downloaded to the cache before the server starts; see models[].cache",
    "--api-key": "it would stand in plain text in state and manifest, and it guards only some paths "
    "(vllm#29922); put authentication in front of the Service",
    "--hf-token": "it would stand in plain text in state and manifest; use tokenSecret",
    "--ssl-keyfile": "the probes and the metrics scrape speak plain HTTP inside the cluster; end TLS in front",
    "--ssl-certfile": "the probes and the metrics scrape speak plain HTTP inside the cluster; end TLS in front",
    "--disable-log-stats": "it empties /metrics, which the autoscaler reads",
    "--pipeline-parallel-size": "one replica is one pod with tensorParallel GPUs in this release",
    "--data-parallel-size": "replicas are pods in this release; use autoscaling",
    "--data-parallel-size-local": "replicas are pods in this release; use autoscaling",
    "--nnodes": "one replica is one pod in this release",
    "--prefill-context-parallel-size": "one replica is one pod with tensorParallel GPUs in this release",
}
WARNED = {
    "--trust-remote-code": "runs code from the model repository; read it at the pinned revision first",
    "--speculative-config": "the draft model's memory is not in our estimate",
    "--enable-lora": "adapters' memory is not in our estimate",
    "--cpu-offload-gb": "our memory estimate does not count what moves to the CPU; pod memory must hold it",
    "--kv-cache-memory-bytes": "overrules gpuMemoryUtilization, which our memory estimate counts with",
    "--load-format": "the download and the load time are planned for safetensors on disk",
}


def engine_args(model: Model, version: Version, weights: Weights, shutdown_seconds: int) -> tuple[str, ...]:
    """Arguments after `vllm serve`, each `--name=value`.

    The model is named by its id: with HF_HUB_OFFLINE=1 vLLM finds id and revision in the hub cache
    (EngineArgs.__post_init__), and /v1/models shows the served name, not a path.
    """
    planned = [
        model.source,
        f"--served-model-name={model.served_name or model.source}",
        f"--revision={model.revision}",
        f"--tokenizer-revision={model.revision}",
        f"--port={PORT}",
        f"--dtype={model.dtype.value}",
        f"--kv-cache-dtype={model.kv_cache_dtype.value}",
        f"--tensor-parallel-size={model.tensor_parallel}",
        f"--max-model-len={model.max_model_len}",
        f"--max-num-seqs={model.max_num_seqs}",
        f"--gpu-memory-utilization={model.gpu_memory_utilization:g}",
    ]
    if weights.flag is not None:
        planned.append(f"--quantization={weights.flag}")
    if model.enforce_eager:
        planned.append("--enforce-eager")
    if vllm_versions.has_flag("--shutdown-timeout", version):
        planned.append(f"--shutdown-timeout={shutdown_seconds}")
    if vllm_versions.has_flag("--disable-access-log-for-endpoints", version):
        planned.append(f"--disable-access-log-for-endpoints={QUIET_ENDPOINTS}")
    return (*planned, *model.extra_args)


def flag_value(model: Model, flag: str, version: Version) -> str | None:
    """The value of a flag among the user's own arguments."""
    for argument in model.extra_args:
        name, _, value = argument.partition("=")
        if vllm_versions.canonical_flag(name, version) == flag:
            return value
    return None


def check_extra_args(model: Model, version: Version, path: str, findings: Findings) -> None:
    """The user's own arguments: form, collisions with ours, and whether that version knows them."""
    seen: dict[str, int] = {}
    for index, argument in enumerate(model.extra_args):
        where = f"{path}.extraArgs[{index}]"
        name = argument.partition("=")[0]
        if not name.startswith("-") or any(letter.isspace() for letter in name):
            # Not repeated: a value that stands alone may be a token.
            findings.error(where, "argument-form", "not an argument; write name and value as one entry, --name=value")
            continue
        flag = vllm_versions.canonical_flag(name, version)
        if flag is None:
            findings.warning(
                where,
                "unknown-argument",
                f"{name} {vllm_versions.why_unknown(name, version)}; vLLM {text(version)} would not start with it",
            )
            continue
        if seen.setdefault(flag, index) != index:
            findings.error(where, "argument-twice", f"{flag} is already in extraArgs[{seen[flag]}]; keep one")
        _judge(flag, name, where, findings)


def _judge(flag: str, name: str, where: str, findings: Findings) -> None:
    if flag in PLANNED:
        setting = PLANNED[flag]
        findings.error(where, "planned-argument", f"{name} is set by the plan; write {setting} instead")
    elif flag == "--disable-access-log-for-endpoints":
        findings.error(where, "planned-argument", f"{name} is set by the plan to {QUIET_ENDPOINTS}; remove it")
    elif flag in REFUSED:
        findings.error(where, "refused-argument", f"{name}: {REFUSED[flag]}")
    elif flag in WARNED:
        findings.warning(where, "argument-risk", f"{name}: {WARNED[flag]}")
