"""`SystemPolicies`: what lets the system's own pods talk where the VPC CNI closes every pod that no policy selects."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.aws.eks_cluster import ClusterOutputs
from components.cluster.cluster_autoscaler import RELEASE as AUTOSCALER
from components.cluster.karpenter.controller import RELEASE as KARPENTER
from components.manifest import Manifest, arguments
from planning.model import OWN_LABELS

NAMESPACE, NAME = "kube-system", "system-pods"


def system_policy() -> Manifest:
    """Everything allowed for the pods of kube-system, as it is in the standard mode: CoreDNS, the EBS CSI driver, what
    AWS adds tomorrow. Left out are releases of ours there, which have a policy of their own: two of them add up."""
    own = {"key": "app.kubernetes.io/instance", "operator": "NotIn", "values": [AUTOSCALER, KARPENTER]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": dict(OWN_LABELS)},
        "spec": {
            "podSelector": {"matchExpressions": [own]},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{}],
            "egress": [{}],
        },
    }


@dataclass(frozen=True)
class SystemPoliciesArgs:
    """`cluster`: one that is there. `cluster_name`: carries the order of what comes before the add-ons, the nodes."""

    cluster: ClusterOutputs
    cluster_name: pulumi.Input[str]


class SystemPolicies(pulumi.ComponentResource):
    """The policy, before the add-ons that would wait for it: CoreDNS is ACTIVE only once it reaches the API server.

    It has its own provider because the stack's waits for the add-ons. `cluster_name`: for dependent resources.
    """

    cluster_name: pulumi.Output[str]

    def __init__(self, name: str, args: SystemPoliciesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:SystemPolicies", name, None, opts)
        early = k8s.Provider(
            f"{name}-kubernetes",
            kubeconfig=args.cluster.kubeconfig,
            # Hidden ordering: a kubeconfig says nothing of who may use it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.cluster.access)),
        )
        policy = k8s.networking.v1.NetworkPolicy(
            f"{name}-policy",
            **arguments(system_policy()),
            opts=pulumi.ResourceOptions(parent=self, provider=early),
        )
        # The name, not the id: known in every preview, and there only after the policy.
        echoes = pulumi.Output.all(args.cluster_name, policy.metadata["name"])
        self.cluster_name = echoes.apply(lambda text: str(text[0]))
        self.register_outputs({"clusterName": self.cluster_name})
