"""InferenceServices whose weights KServe fetches, and its storage initializer, run as the webhook says to run it.

The program is that of the controller's own module (kserve/kserve v0.17.0, python/storage and
python/storage-initializer), fetched at the version that tools/kserve/go.mod pins. boto3 is that of these tests.
"""

from __future__ import annotations

import base64
import copy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.build.go import find_go
from local.build.table import KSERVE
from local.host.paths import platform_paths
from tests.conftest import REPO
from tests.e2e.cluster import Cluster, eventually
from tests.e2e.prerequisites import s3

INITIALIZER, MOUNTED = "storage-initializer", "/mnt/models"
NAME, BUCKET = "by-hand", "by-hand"
ACCESS = {"AWS_ACCESS_KEY_ID": b"local", "AWS_SECRET_ACCESS_KEY": b"local"}
WEIGHTS = {"config.json": b'{"model_type": "qwen2"}', "model.safetensors": bytes(range(256)) * 64}
KIND: Any = {"group": "serving.kserve.io", "version": "v1beta1", "namespace": "models", "plural": "inferenceservices"}


class ByHand:
    """One InferenceService at a time, made of ours: its own labels, its own account, a source of weights."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def pod(self, source: str, ready: bool = True) -> Any:
        """The pod of a service with this source, as the webhook made it; `ready`: and as it runs."""
        self.remove()
        (ours,) = self._services()
        self.cluster.custom.create_namespaced_custom_object(**KIND, body=_service(ours, source))

        def made() -> Any:
            pods = self._pods()
            statuses = [condition for pod in pods for condition in pod.status.conditions or ()]
            runs = any(condition.type == "Ready" and condition.status == "True" for condition in statuses)
            return pods if runs or not ready else None

        (pod,) = eventually(f"a pod with weights of {source}", made, self._pods)
        return pod

    def remove(self) -> None:
        """Takes the service away, and waits until it and its pods are gone."""
        if NAME in self._names():
            self.cluster.custom.delete_namespaced_custom_object(**KIND, name=NAME)
        eventually("nothing by hand", lambda: not self._pods() and NAME not in self._names(), self._pods)

    def _services(self) -> list[dict[str, Any]]:
        return list(self.cluster.custom.list_namespaced_custom_object(**KIND)["items"])

    def _names(self) -> list[str]:
        return [service["metadata"]["name"] for service in self._services()]

    def _pods(self) -> list[Any]:
        selector = f"serving.kserve.io/inferenceservice={NAME}"
        return list(self.cluster.core.list_namespaced_pod("models", label_selector=selector).items)

    def run(self, container: Any, folder: Path) -> subprocess.CompletedProcess[str]:
        """The container's program with its arguments and environment; `folder`/models is what it has mounted."""
        module = find_go(platform_paths().cache).module_folder("kserve", KSERVE, REPO / "tools" / "kserve")
        entry = module / "python" / "storage-initializer" / "scripts" / "initializer-entrypoint"
        arguments = [str(folder / "models") if word == MOUNTED else word for word in container.args]
        environment = {variable.name: self._value(variable) for variable in container.env}
        environment |= {"PYTHONPATH": str(module / "python" / "storage"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, str(entry), *arguments], env=environment, text=True, capture_output=True, timeout=120,
            check=False,
        )  # fmt: skip

    def _value(self, variable: Any) -> str:
        if variable.value_from is None:
            return str(variable.value or "")
        key = variable.value_from.secret_key_ref
        return base64.b64decode(self.cluster.core.read_namespaced_secret(key.name, "models").data[key.key]).decode()


def _service(ours: dict[str, Any], source: str) -> dict[str, Any]:
    predictor = copy.deepcopy(ours["spec"]["predictor"])
    predictor.pop("initContainers", None)
    (server,) = predictor["containers"]
    server["env"] = [*server.get("env", ()), {"name": "STORAGE_URI", "value": source}]
    predictor |= {"labels": {"made": NAME}, "serviceAccountName": NAME}
    annotations = {
        key: value for key, value in ours["metadata"]["annotations"].items() if key.startswith("serving.kserve.io/")
    }
    return {
        "apiVersion": ours["apiVersion"],
        "kind": ours["kind"],
        "metadata": {"name": NAME, "namespace": "models", "annotations": annotations},
        "spec": {"predictor": predictor},
    }


@contextmanager
def by_hand(cluster: Cluster) -> Iterator[ByHand]:
    """With a bucket of weights and an account that may read it, as KServe's documentation has it; without, after."""
    buckets, endpoint = s3(cluster.platform), f"127.0.0.1:{cluster.platform.ports['aws']}"
    buckets.create_bucket(Bucket=BUCKET)
    for name, content in WEIGHTS.items():
        buckets.put_object(Bucket=BUCKET, Key=f"model/{name}", Body=content)
    annotations = {
        "serving.kserve.io/s3-endpoint": endpoint,
        "serving.kserve.io/s3-usehttps": "0",
        "serving.kserve.io/s3-region": "us-east-1",
    }
    data = {key: base64.b64encode(value).decode() for key, value in ACCESS.items()}
    core = cluster.core
    core.create_namespaced_secret("models", {"metadata": {"name": NAME, "annotations": annotations}, "data": data})
    core.create_namespaced_service_account("models", {"metadata": {"name": NAME}, "secrets": [{"name": NAME}]})
    claims = ByHand(cluster)
    try:
        yield claims
    finally:
        claims.remove()
        core.delete_namespaced_service_account(NAME, "models")
        core.delete_namespaced_secret(NAME, "models")
        for name in WEIGHTS:
            buckets.delete_object(Bucket=BUCKET, Key=f"model/{name}")
        buckets.delete_bucket(Bucket=BUCKET)
