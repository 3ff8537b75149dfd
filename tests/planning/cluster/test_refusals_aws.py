"""Every refusal that a stack file meets for what AWS, or a cluster of somebody else, would not take: one golden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planning.model import PlanRefused
from planning.plan import plan
from settings.stack import StackSettings
from tests.golden import assert_matches
from tests.planning.stacks import REACHED, model, pool

GOLDENS = Path(__file__).parents[1] / "goldens"
NETWORK = {"kind": "existing", "vpcId": "vpc-0abc", "privateSubnetIds": ["subnet-0a", "subnet-0b"]}
RESERVED = {"capacity": {"kind": "reservation", "id": "cr-0123456789abcdef0"}}
INSIDE = {"endpointAccess": "private", "privateAccessCidrs": ["10.9.0.0/16"]}

CASES: dict[str, dict[str, Any]] = {
    "nothing says who reaches the API": {},
    "a private API in a VPC of the same up": {"cluster": {"endpointAccess": "private"}},
    "a private API in a network of somebody else": {"cluster": {"endpointAccess": "private"}, "network": NETWORK},
    "strict policies with a CNI that does not know them": {
        "cluster": {**REACHED, "networkPolicyMode": "strict", "addons": {"vpc-cni": "v1.16.4-eksbuild.2"}}
    },
    "a reservation in a network of somebody else": {
        "cluster": INSIDE,
        "network": NETWORK,
        "nodePools": [pool(**RESERVED)],
    },
    "zones and subnets of the other kind of network": {
        "cluster": INSIDE,
        "network": NETWORK,
        "nodePools": [pool(zones=["us-east-1a"], subnetIds=["subnet-0a", "subnet-0c"])],
    },
    "an existing Prometheus in a cluster of the stack": {
        "cluster": REACHED,
        "monitoring": {"prometheus": {"kind": "existing", "namespace": "observability"}},
    },
    "settings of an installed Prometheus beside an existing one": {
        "cluster": {"kind": "existing", "name": "main"},
        "network": NETWORK,
        "monitoring": {
            "prometheus": {"kind": "existing", "namespace": "monitoring"},
            "retentionDays": 30,
            "grafana": {"enabled": True},
            "alerts": {"receiver": {"kind": "webhook", "urlKey": "alertWebhook"}},
        },
    },
    "a CodeBuild runner beside somebody else's cluster, with a connection of another region": {
        "cluster": {"kind": "existing", "name": "main"},
        "network": NETWORK,
        "ci": {
            "codeBuildRunner": {
                "repository": "corp/llm",
                "connectionArn": "arn:aws:codeconnections:eu-west-1:210987654321:connection/"
                "0123abcd-0123-4567-89ab-0123456789ab",
            }
        },
    },
    "subnets in a network of the stack": {"cluster": REACHED, "nodePools": [pool(subnetIds=["subnet-0a"])]},
}


def told(sections: dict[str, Any]) -> list[str]:
    """The errors of a stack that must be refused, a line each."""
    settings = StackSettings.model_validate({"nodePools": [pool()], "models": [model()], **sections})
    with pytest.raises(PlanRefused) as refused:
        plan(settings, "dev")
    return [line.strip() for line in str(refused.value).splitlines() if line.strip().startswith("error")]


def test_every_refusal_says_path_value_and_what_to_write() -> None:
    lines = [line for name, sections in CASES.items() for line in (f"# {name}", *told(sections))]
    assert_matches(GOLDENS / "refusals-aws.txt", "\n".join(lines) + "\n")
