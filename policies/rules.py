"""The rules, each once; docs and both runners read this table."""

from __future__ import annotations

from policies import cloud, karpenter, workloads
from policies.rule import Rule
from settings.findings import Severity

RULES: tuple[Rule, ...] = (
    Rule(
        "gpu-taint-tolerated",
        "a pod that does not tolerate its nodes' taint stays Pending while the GPU is billed",
        Severity.ERROR,
        "give the pod a toleration for each taint of its pool (components/tolerations.py)",
        workloads.taints_tolerated,
    ),
    Rule(
        "image-pinned",
        "a moving tag brings another server at the next restart, without review",
        Severity.ERROR,
        "name a version tag or a digest",
        workloads.images_pinned,
    ),
    Rule(
        "image-digest",
        "a tag can be pushed again; only a digest is the image that was tested",
        Severity.WARNING,  # digests are not known offline: planning/versions/pins.py
        "write what `crane digest IMAGE` prints into models[].image.digest; ours are in planning/versions/pins.py",
        workloads.images_have_digests,
    ),
    Rule(
        "ami-pinned",
        "the GPU driver comes with the AMI; a new one has broken vLLM before (awslabs/amazon-eks-ami#2554)",
        Severity.ERROR,
        "write the release you tested into nodePools[].amiReleaseVersion",
        cloud.ami_release_pinned,
    ),
    Rule(
        "load-balancer-open",
        "vLLM has one port for the API and for metrics, and no users of its own",
        Severity.ERROR,
        "make it internal, or list loadBalancerSourceRanges",
        workloads.load_balancers_closed,
    ),
    Rule(
        "gateway-open",
        "requests cost GPU time, and keys that travel in plain text can be read",
        Severity.ERROR,
        "write gateway.access: internal or gateway.sourceRanges, and keep its listeners on HTTPS",
        workloads.gateways_closed,
    ),
    Rule(
        "api-endpoint-open",
        "from the Kubernetes API one leaked token is enough to reach the cluster",
        Severity.ERROR,
        "write cluster.endpointAccess: private, or your addresses into cluster.publicAccessCidrs",
        cloud.api_endpoint_closed,
    ),
    Rule(
        "secret-in-plain",
        "inputs are readable in state, previews and logs unless they are marked secret",
        Severity.ERROR,
        "replace the credential at its source, then use pulumi config set --secret and a reference",
        workloads.no_plain_secrets,
    ),
    Rule(
        "spot-floor",
        "spot nodes of one kind are taken back together, and a GPU node takes minutes to come again",
        Severity.ERROR,
        "write capacity: onDemand (capacityTypes: [spot, onDemand]) for the pool of the fewest replicas",
        cloud.spot_has_a_floor,
    ),
    Rule(
        "gpu-node-stays",
        "Karpenter counts CPU and memory: a node whose GPUs all serve may look empty to it, and its models load again",
        Severity.ERROR,
        "give the NodePool consolidationPolicy WhenEmpty, a terminationGracePeriod and limits",
        karpenter.gpu_nodes_stay,
    ),
    Rule(
        "disruption-budget",
        "without one a node upgrade evicts all replicas at once",
        Severity.ERROR,
        "add a PodDisruptionBudget with the workload's selector",
        workloads.disruption_budgets,
    ),
    Rule(
        "container-limits",
        "a container without bounds takes its neighbours down with it, and without requests it is evicted first",
        Severity.ERROR,
        "set requests for cpu and memory, limits for memory and ephemeral-storage",
        workloads.limits_present,
    ),
    Rule(
        "budget",
        "an autoscaler spends up to the ceiling without asking",
        Severity.ERROR,
        "lower nodePools[].maxNodes, or raise budget.usdPerHour or usdPerMonth",
        cloud.within_budget,
    ),
    Rule(
        "encryption",
        "weights may be licensed, prompts may be private, and Secrets are in etcd",
        Severity.ERROR,
        "encrypt with KMS: encryptionConfig, ebs.encrypted, parameters.encrypted, enableKeyRotation",
        cloud.encrypted,
    ),
    Rule(
        "imds-v2",
        "with IMDSv1 one forged request from a pod returns the node's credentials",
        Severity.ERROR,
        "metadataOptions: httpTokens required, httpPutResponseHopLimit 1",
        cloud.imds_v2,
    ),
    Rule(
        "tags",
        "untagged resources are in no team's bill and are not found",
        Severity.ERROR,
        "pass the plan's tags to the resource",
        cloud.tagged,
    ),
)
