"""The pod that KubeAI makes of a Model (internal/modelcontroller: engine_vllm.go, model_source.go, files.go)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from local.engine.operators.kubeai.patches import patched
from planning.nodes.quantity import mib, millicores

SERVER = "server"
PORT = 8000
PORT_ANNOTATION = "model-pod-port"
HASH_LABEL = "pod-hash"
MODEL_LABEL = "model"
# k8s.io/apimachinery/pkg/util/rand: what hashes and random parts of names are written in.
LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class ModelError(ValueError):
    """What KubeAI says of a Model that it makes no pods of."""


@dataclass(frozen=True)
class System:
    """KubeAI's own configuration (internal/config/system.go), as its chart writes it from values."""

    resource_profiles: Mapping[str, Mapping[str, Any]]
    pod_security: Mapping[str, Any]
    container_security: Mapping[str, Any]
    patches: tuple[Mapping[str, Any], ...]
    service_account: str
    pull_secrets: tuple[Mapping[str, str], ...]
    surge: int
    interval_seconds: float
    window_seconds: float
    state: str


def server_pod(model: Mapping[str, Any], system: System) -> dict[str, Any]:
    """The pod, with its hash and generateName. Raises ModelError, or PatchError of the release's patches."""
    return patched_pod(written_pod(model, system), system, model["metadata"]["name"])


def written_pod(model: Mapping[str, Any], system: System) -> dict[str, Any]:
    """The pod before the release's patches. Raises ModelError."""
    spec, name = model["spec"], model["metadata"]["name"]
    if spec.get("adapters") or spec.get("envFrom") or spec.get("cacheProfile"):
        raise ModelError("the stand-in knows no adapters, no envFrom and no cacheProfile")
    if not spec.get("image"):
        raise ModelError("the stand-in knows no image of a profile's")
    if spec["engine"] != "VLLM":
        raise ModelError(f"engine {spec['engine']}: the stand-in knows VLLM")
    claim, _, folder = _source(spec["url"]).partition("/")
    profile = _profile(spec["resourceProfile"], system)
    mounts: list[dict[str, Any]] = [{"name": "dshm", "mountPath": "/dev/shm"}]
    volumes: list[dict[str, Any]] = [{"name": "dshm", "emptyDir": {"medium": "Memory"}}]
    if spec.get("files"):
        volumes.append({"name": "model-files", "configMap": {"name": files_name(name)}})
        mounts += [
            {"name": "model-files", "mountPath": each["path"], "subPath": file_key(each["path"]), "readOnly": True}
            for each in spec["files"]
        ]
    volumes.append({"name": "model", "persistentVolumeClaim": {"claimName": claim}})
    mounts.append({"name": "model", "mountPath": "/model", **({"subPath": folder} if folder else {})})
    container = {
        "name": SERVER,
        "image": spec["image"],
        "command": ["python3", "-m", "vllm.entrypoints.openai.api_server"],
        "args": ["--model=/model", f"--served-model-name={name}", *spec.get("args", ())],
        "env": [{"name": key, "value": value} for key, value in sorted(spec.get("env", {}).items())],
        "securityContext": dict(system.container_security),
        "resources": {"requests": profile.get("requests", {}), "limits": profile.get("limits", {})},
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "startupProbe": _health(5400, 2, 2),
        "readinessProbe": _health(3, 10, 2),
        "livenessProbe": _health(3, 30, 3),
        "volumeMounts": mounts,
    }
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": model["metadata"].get("namespace", ""),
            "labels": labels_of(name),
            "annotations": {PORT_ANNOTATION: str(PORT)},
        },
        "spec": {
            **{key: profile[key] for key in ("nodeSelector", "affinity", "tolerations") if key in profile},
            "priorityClassName": spec.get("priorityClassName", ""),
            "serviceAccountName": system.service_account,
            "securityContext": dict(system.pod_security),
            "imagePullSecrets": [dict(each) for each in system.pull_secrets],
            "containers": [container],
            "volumes": volumes,
        },
    }
    return pod


def patched_pod(pod: Mapping[str, Any], system: System, model: str) -> dict[str, Any]:
    """With the release's patches, its hash and generateName. Raises PatchError."""
    return _named(patched(pod, system.patches), model)


def labels_of(model: str) -> dict[str, str]:
    """model_controller.go, labelsForModel."""
    return {
        "app": "model",
        MODEL_LABEL: model,
        "app.kubernetes.io/name": "vllm",
        "app.kubernetes.io/instance": f"vllm-{model}",
        "app.kubernetes.io/managed-by": "kubeai",
    }


def files_name(model: str) -> str:
    """The ConfigMap of a Model's files."""
    return f"model-{model}-files"


def file_key(path: str) -> str:
    """A file's key in it: keys have no slash."""
    return path.replace("/", "_")


def _named(pod: dict[str, Any], model: str) -> dict[str, Any]:
    """The hash is of the patched spec; KubeAI's is another one (fnv of Go's own dump), of the same letters."""
    digest = int(sha256(repr(pod["spec"]).encode()).hexdigest(), 16)
    hashed = "".join(LETTERS[digest // len(LETTERS) ** place % len(LETTERS)] for place in range(9))
    metadata = pod["metadata"]
    labels = {**metadata["labels"], HASH_LABEL: hashed}
    return {**pod, "metadata": {**metadata, "labels": labels, "generateName": f"model-{model}-{hashed}-"}}


def _source(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme != "pvc":
        raise ModelError(f"{url}: the stand-in knows pvc://")
    return rest.partition("?")[0]


def _profile(asked: str, system: System) -> dict[str, Any]:
    """model_controller.go, getModelConfig: requests and limits times the number behind the name."""
    name, separator, times = asked.partition(":")
    if not separator or not times.isdigit():
        raise ModelError(f"invalid resource profile: {asked!r}, should match <name>:<multiple>")
    if name not in system.resource_profiles:
        raise ModelError(f"resource profile not found: {name!r}")
    profile = system.resource_profiles[name]
    multiplied = {
        which: {key: _times(key, str(value), int(times)) for key, value in profile.get(which, {}).items()}
        for which in ("requests", "limits")
    }
    return {**profile, **multiplied}


def _times(resource: str, quantity: str, times: int) -> str:
    if times == 1:
        return quantity
    if resource == "cpu":
        return f"{millicores(quantity) * times}m"
    return str(int(quantity) * times) if quantity.isdigit() else f"{mib(quantity) * times}Mi"


def _health(failures: int, period: int, timeout: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/health", "port": "http"},
        "failureThreshold": failures,
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "successThreshold": 1,
    }
