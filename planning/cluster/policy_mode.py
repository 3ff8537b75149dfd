"""How the VPC CNI treats a pod whose network policies it does not have yet: the standard and the strict mode.

Sources, 2026-11-27: https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy-configure.html and
https://github.com/aws/amazon-vpc-cni-k8s (README, NETWORK_POLICY_ENFORCING_MODE). In both, policies are put in force in
parallel with a pod's start. Standard: until then everything is allowed. Strict: until then nothing is, and a pod that
no policy selects stays closed, CoreDNS too; pods on the node's own network are left out.
"""

from __future__ import annotations

import re

from planning.findings import Findings
from settings.cluster import CreateCluster

CNI = "vpc-cni"
# The first with the strict mode (its release notes).
STRICT_SINCE = (1, 17, 1)


def vpc_cni_configuration(strict: bool) -> dict[str, object]:
    """Configuration of the add-on. Without the policy agent NetworkPolicy objects are accepted and ignored."""
    enforced: dict[str, object] = {"enableNetworkPolicy": "true"}
    return {**enforced, "env": {"NETWORK_POLICY_ENFORCING_MODE": "strict"}} if strict else enforced


def check_strict(cluster: CreateCluster, findings: Findings) -> None:
    """A pinned add-on that does not know the mode would leave the cluster in the standard one."""
    pinned = cluster.addons.get(CNI)
    if pinned is None:
        return
    numbers = tuple(int(part) for part in re.findall(r"\d+", pinned.partition("-")[0]))
    if numbers < STRICT_SINCE:
        least = ".".join(map(str, STRICT_SINCE))
        findings.error(
            "cluster.networkPolicyMode",
            "strict-policies",
            f"strict, but cluster.addons.{CNI} is {pinned}, and the mode came with v{least}: the add-on ignores it",
            "write a newer one, or remove the pin",
        )
