"""A pool that the real Karpenter controller buys for, and the model on it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import boto3

from local.commands.completion import MODEL_SERVERS
from tests.e2e.cluster import Cluster, eventually
from tests.e2e.conftest import Platform

POOL = "vllm-on-eks/pool=l4"
REGION = "us-east-1"
PATIENCE_SECONDS = 240
RELEASE = "1.35.0-20260128"


def karpenters(settings: dict[str, Any], model: dict[str, Any]) -> None:
    """No replica to begin with is not to be had by settings: one, and the tests move it."""
    settings["nodePools"] = [
        {
            "name": "l4",
            "kind": "karpenter",
            "instanceTypes": ["g6.2xlarge", "g6.4xlarge"],
            "capacityTypes": ["spot", "onDemand"],
            "amiReleaseVersion": RELEASE,
            "maxNodes": 4,
            "consolidateAfterSeconds": 10,
        }
    ]
    settings["monitoring"] = {"enabled": False}
    model["autoscaling"] = {"kind": "none", "minReplicas": 1}
    model["drain"] = {"preStopSeconds": 5, "shutdownTimeoutSeconds": 60}


class Pool(Cluster):
    """The pool, its NodeClaims and instances, and the model on it."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._url = f"http://127.0.0.1:{platform.ports['aws']}"
        self._ec2 = boto3.client(
            "ec2", region_name=REGION, endpoint_url=self._url, aws_access_key_id="local", aws_secret_access_key="local"
        )

    def nodes(self) -> dict[str, Any]:
        return {node.metadata.name: node for node in self.core.list_node(label_selector=POOL).items}

    def claims(self) -> list[dict[str, Any]]:
        return list(self.custom.list_cluster_custom_object("karpenter.sh", "v1", "nodeclaims")["items"])

    def instances(self) -> dict[str, Any]:
        running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        reservations = self._ec2.describe_instances(Filters=running)["Reservations"]
        return {instance["InstanceId"]: instance for row in reservations for instance in row["Instances"]}

    def templates(self) -> list[str]:
        launch_templates = self._ec2.describe_launch_templates()["LaunchTemplates"]
        return [
            launch_template["LaunchTemplateName"]
            for launch_template in launch_templates
            if launch_template["LaunchTemplateName"].startswith("karpenter")
        ]

    def pods(self) -> list[Any]:
        """The model's servers, those that leave included."""
        return list(self.core.list_namespaced_pod("models", label_selector=MODEL_SERVERS).items)

    def ready(self) -> int:
        return self.apps.read_namespaced_deployment("qwen", "models").status.ready_replicas or 0

    def to(self, replicas: int) -> None:
        """Moves the model by hand."""
        self.scale("qwen", replicas)

    def switch(self, name: str, **told: Any) -> None:
        """One of the endpoint's switches (local/aws_endpoint/switches.py)."""
        request = urllib.request.Request(
            f"{self._url}/moto-api/local/{name}", json.dumps(told).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
            """200"""

    def sell_out(self, *offerings: tuple[str, str, str]) -> None:
        keys = ("instance_type", "zone", "lifecycle")
        self.switch("sold-out", offerings=[dict(zip(keys, offering, strict=True)) for offering in offerings])

    def state(self) -> object:
        claims = [
            (
                claim["metadata"]["name"],
                [c["type"] for c in claim["status"].get("conditions", []) if c["status"] == "True"],
            )
            for claim in self.claims()
        ]
        return sorted(self.nodes()), claims, [(p.metadata.name, p.spec.node_name) for p in self.pods()]

    def settle(self, replicas: int) -> dict[str, Any]:
        """Until so many replicas are Ready, each on a node of its own, and nothing else is there; the nodes."""

        def holds() -> bool:
            sizes = (len(self.pods()), self.ready(), len(self.nodes()), len(self.claims()), len(self.instances()))
            return set(sizes) == {replicas}

        eventually(f"{replicas} replicas, nodes and instances", holds, self.state, PATIENCE_SECONDS)
        return self.nodes()
