"""Examples of EKS."""

from __future__ import annotations

from tests.local.aws.needs import KEY, NODE_ROLE, ON_CLUSTER, ROLE, SUBNETS, TEMPLATE, VPC, Case

CASES: tuple[Case, ...] = (
    Case(
        "aws:eks/cluster:Cluster",
        {
            "name": "gpu",
            "roleArn": "$role.arn",
            "version": "1.34",
            "vpcConfig": {
                "subnetIds": ["$subnet-a.id", "$subnet-b.id"],
                "endpointPrivateAccess": True,
                "endpointPublicAccess": False,
            },
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
            "upgradePolicy": {"supportType": "STANDARD"},
            "enabledClusterLogTypes": ["api", "audit"],
            "encryptionConfig": {"provider": {"keyArn": "$key.arn"}, "resources": ["secrets"]},
            "bootstrapSelfManagedAddons": False,
            "deletionProtection": True,
        },
        needs=(VPC, *SUBNETS, ROLE, KEY),
        update={
            "version": "1.35",
            "vpcConfig": {
                "subnetIds": ["$subnet-b.id", "$subnet-a.id"],
                "endpointPrivateAccess": True,
                "endpointPublicAccess": True,
                "publicAccessCidrs": ["203.0.113.0/24"],
            },
            "upgradePolicy": {"supportType": "EXTENDED"},
            "enabledClusterLogTypes": ["audit"],
            "zonalShiftConfig": {"enabled": True},
            "deletionProtection": False,
            "tags": {"a": "1"},
        },
        replace={"name": "other", "deletionProtection": False},
        outputs=("arn", "endpoint", "certificateAuthority", "identities", "platformVersion", "createdAt"),
    ),
    Case(
        "aws:eks/nodeGroup:NodeGroup",
        {
            "clusterName": "$cluster.name",
            "nodeRoleArn": "$node-role.arn",
            "subnetIds": ["$subnet-a.id", "$subnet-b.id"],
            "amiType": "AL2023_x86_64_NVIDIA",
            "capacityType": "SPOT",
            "instanceTypes": ["g6.xlarge", "g5.xlarge"],
            "launchTemplate": {"id": "$template.id", "version": "1"},
            "scalingConfig": {"minSize": 0, "desiredSize": 1, "maxSize": 2},
            "updateConfig": {"maxUnavailable": 1},
            "nodeRepairConfig": {"enabled": True},
            "labels": {"accelerator": "nvidia", "gpu-type": "l4"},
            "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
            "tags": {"a": "1"},
        },
        needs=(*ON_CLUSTER, NODE_ROLE, TEMPLATE),
        update={
            "scalingConfig": {"minSize": 1, "desiredSize": 1, "maxSize": 3},
            "updateConfig": {"maxUnavailable": 2},
            "labels": {"accelerator": "nvidia", "x": "y"},
            "taints": [{"key": "other", "value": "x", "effect": "NO_EXECUTE"}],
            "nodeRepairConfig": {"enabled": False},
            "tags": {"b": "1"},
        },
        replace={"instanceTypes": ["g5.xlarge", "g6.xlarge"]},
        outputs=("arn", "status", "resources", "releaseVersion", "version"),
    ),
    Case(
        "aws:eks/addon:Addon",
        {
            "clusterName": "$cluster.name",
            "addonName": "aws-ebs-csi-driver",
            "configurationValues": '{"controller": {"replicaCount": 1}}',
            "resolveConflictsOnCreate": "OVERWRITE",
            "resolveConflictsOnUpdate": "OVERWRITE",
            "podIdentityAssociations": [{"roleArn": "$role.arn", "serviceAccount": "ebs-csi-controller-sa"}],
        },
        needs=ON_CLUSTER,
        update={
            "addonVersion": "v1.52.1-eksbuild.1",
            "configurationValues": '{"controller": {"replicaCount": 2}}',
            "tags": {"a": "1"},
        },
        replace={"addonName": "coredns", "podIdentityAssociations": None},
        outputs=("arn", "addonVersion", "createdAt"),
    ),
    Case(
        "aws:eks/accessEntry:AccessEntry",
        {"clusterName": "$cluster.name", "principalArn": "arn:aws:iam::444455556666:role/admins/one"},
        needs=ON_CLUSTER,
        update={"kubernetesGroups": ["viewers"], "tags": {"a": "1"}},
        replace={"principalArn": "arn:aws:iam::444455556666:role/two"},
        outputs=("accessEntryArn", "createdAt", "userName"),
    ),
    Case(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        {
            "clusterName": "$cluster.name",
            "principalArn": "$entry.principalArn",
            "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "accessScope": {"type": "namespace", "namespaces": ["models"]},
        },
        needs=(
            *ON_CLUSTER,
            (
                "entry",
                "aws:eks/accessEntry:AccessEntry",
                {"clusterName": "$cluster.name", "principalArn": "arn:aws:iam::444455556666:role/one"},
            ),
        ),
        replace={"accessScope": {"type": "cluster"}},
        outputs=("associatedAt",),
    ),
    Case(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        {
            "clusterName": "$cluster.name",
            "namespace": "models",
            "serviceAccount": "vllm",
            "roleArn": "$role.arn",
        },
        needs=(*ON_CLUSTER, NODE_ROLE),
        update={"roleArn": "$node-role.arn", "tags": {"a": "1"}},
        replace={"serviceAccount": "other"},
        outputs=("associationId", "associationArn"),
        import_id="{clusterName},{id}",
    ),
)
