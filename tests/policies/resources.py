"""Resources as a program registers them: good ones, from which a test takes one thing away."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from policies.judge import judge
from policies.rule import Circumstances, Resource
from policies.rules import RULES

DEV = Circumstances(production=False)
PROD = Circumstances(production=True)
TAGS = {"project": "vllm-on-eks", "stack": "dev", "managed-by": "pulumi"}
LABELS = {"app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": "qwen"}
DIGEST = "sha256:" + "ab" * 32


def resource(type_: str, name: str, inputs: dict[str, Any]) -> Resource:
    """A resource with a URN made of its type and name."""
    return Resource(type_, name, f"urn:pulumi:dev::vllm-on-eks::{type_}::{name}", inputs)


def changed(original: Resource, path: str, value: Any = None) -> Resource:
    """The resource with another value at a dotted path (numbers index lists); None takes the key away."""
    inputs = copy.deepcopy(dict(original.inputs))
    here: Any = inputs
    *parents, last = path.split("/")
    for part in parents:
        here = here[int(part)] if isinstance(here, list) else here[part]
    if value is None:
        del here[last]
    elif isinstance(here, list):
        here[int(last)] = value
    else:
        here[last] = value
    return Resource(original.type, original.name, original.urn, inputs)


def node_group(pool: str = "l4", capacity: str = "ON_DEMAND") -> Resource:
    return resource(
        "aws:eks/nodeGroup:NodeGroup",
        f"{pool}-nodes",
        {
            "amiType": "AL2023_x86_64_NVIDIA",
            "capacityType": capacity,
            "labels": {"vllm-on-eks/pool": pool},
            "releaseVersion": "1.34.2-20251108",
            "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
            "tags": TAGS,
        },
    )


def node_pool(pool: str = "l4", *capacity: str) -> Resource:
    """As Karpenter reads it."""
    labels, taints = {"vllm-on-eks/pool": pool}, [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    types = {"key": "karpenter.sh/capacity-type", "operator": "In", "values": list(capacity or ("on-demand",))}
    inside = {"taints": taints, "requirements": [types], "terminationGracePeriod": "600s"}
    spec = {
        "template": {"metadata": {"labels": labels}, "spec": inside},
        "limits": {"nvidia.com/gpu": "4"},
        "disruption": {"consolidationPolicy": "WhenEmpty"},
    }
    return resource("kubernetes:karpenter.sh/v1:NodePool", f"{pool}-node-pool", {"spec": spec})


def node_class() -> Resource:
    """As Karpenter reads it."""
    spec = {
        "amiSelectorTerms": [{"alias": "al2023@v20260505"}],
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": True}}],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
    }
    return resource("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "l4-node-class", {"spec": spec})


def deployment() -> Resource:
    bounds = {"memory": "1Gi", "ephemeral-storage": "1Gi"}
    container = {
        "name": "vllm",
        "image": f"vllm/vllm-openai:v0.33.0@{DIGEST}",
        "env": [{"name": "HOME", "value": "/tmp"}],
        "resources": {"requests": {"cpu": "1", **bounds}, "limits": bounds},
    }
    pod = {
        "nodeSelector": {"vllm-on-eks/pool": "l4"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [container],
    }
    spec = {"selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS}, "spec": pod}}
    return resource(
        "kubernetes:apps/v1:Deployment", "qwen", {"metadata": {"name": "qwen", "namespace": "models"}, "spec": spec}
    )


def budget() -> Resource:
    return resource(
        "kubernetes:policy/v1:PodDisruptionBudget",
        "qwen-pdb",
        {"metadata": {"namespace": "models"}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": LABELS}}},
    )


def cluster() -> Resource:
    return resource(
        "aws:eks/cluster:Cluster",
        "cluster",
        {
            "vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.10/32"]},
            "encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": "[unknown]"}},
            "tags": TAGS,
        },
    )


def launch_template() -> Resource:
    return resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "template",
        {
            "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}],
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
            "tags": TAGS,
        },
    )


def service(**spec: Any) -> Resource:
    inputs = {"metadata": {"namespace": "models", "annotations": {}}, "spec": {"type": "ClusterIP", **spec}}
    return resource("kubernetes:core/v1:Service", "qwen-service", inputs)


def secret() -> Resource:
    return resource("kubernetes:core/v1:Secret", "token", {"stringData": {"token": "[secret]"}})


def good_stack() -> list[Resource]:
    """Nothing to say against it, in production too."""
    return [node_group(), deployment(), budget(), cluster(), launch_template(), service(), secret()]


def found(rule: str, resources: Sequence[Resource], circumstances: Circumstances = DEV) -> list[str]:
    """What one rule says: `resource: message`."""
    chosen = [each for each in RULES if each.id == rule]
    assert len(chosen) == 1, rule
    return [
        f"{each.resource.name if each.resource else 'stack'}: {each.finding.message}"
        for each in judge(resources, circumstances, rules=chosen)
    ]
