"""EKS clusters, node groups, add-ons, access and pod identity."""

from __future__ import annotations

from local.providers.aws import checks_compute, hooks_eks
from local.providers.aws.table import Call, Ready, Row, Tagging, UpdateCall

_ACTIVE = Ready("status", ("ACTIVE",), ("FAILED", "CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"))


def _tags(read_at: str = "tags") -> Tagging:
    return Tagging({"resourceArn": "$arn"}, "tags", at=read_at)


def _config(*props: str) -> UpdateCall:
    return UpdateCall(props, Call("update_cluster_config", {"name": "$id"}), together=True)


CLUSTER = Row(
    token="aws:eks/cluster:Cluster",
    service="eks",
    create=Call("create_cluster"),
    id="cluster.name",
    read=Call("describe_cluster", {"name": "$id"}, "cluster"),
    delete=(Call("delete_cluster", {"name": "$id"}),),
    name_prop="name",
    names={
        "vpcConfig": "resourcesVpcConfig",
        "enabledClusterLogTypes": None,
        "defaultAddonsToRemoves": None,
        "forceUpdateVersion": None,
    },
    live={
        "vpcConfig": "resourcesVpcConfig",
        "enabledClusterLogTypes": "logging.clusterLogging[?enabled].types[]",
        "identities": "[{oidcs: [identity.oidc]}]",
    },
    changes=(
        UpdateCall(("version",), Call("update_cluster_version", {"name": "$id"})),
        _config("accessConfig"),
        _config("upgradePolicy"),
        _config("zonalShiftConfig"),
        _config("deletionProtection"),
        _config("computeConfig", "storageConfig", "kubernetesNetworkConfig"),
        _config("remoteNetworkConfig"),
        _config("controlPlaneScalingConfig"),
    ),
    updatable=("vpcConfig", "enabledClusterLogTypes", "defaultAddonsToRemoves", "forceUpdateVersion"),
    force_new=(
        "accessConfig.bootstrapClusterCreatorAdminPermissions",
        "kubernetesNetworkConfig.serviceIpv4Cidr",
        "kubernetesNetworkConfig.ipFamily",
    ),
    unread=("bootstrapSelfManagedAddons", "defaultAddonsToRemoves", "forceUpdateVersion"),
    defaults={"deletionProtection": False, "upgradePolicy": {"supportType": "EXTENDED"}},
    prepare=hooks_eks.logging_parameter,
    on_update=hooks_eks.update_cluster,
    recomputed=("platformVersion",),
    ready=_ACTIVE,
    tagging=_tags(),
    checks=(checks_compute.eks_cluster,),
)

NODE_GROUP = Row(
    token="aws:eks/nodeGroup:NodeGroup",
    service="eks",
    create=Call("create_nodegroup"),
    id="{clusterName}:{nodeGroupName}",
    id_is_template=True,
    read=Call("describe_nodegroup", {"clusterName": "$clusterName", "nodegroupName": "$nodeGroupName"}, "nodegroup"),
    delete=(Call("delete_nodegroup", {"clusterName": "$clusterName", "nodegroupName": "$nodeGroupName"}),),
    name_prop="nodeGroupName",
    names={
        "nodeGroupName": "nodegroupName",
        "nodeRoleArn": "nodeRole",
        "subnetIds": "subnets",
        "forceUpdateVersion": None,
        "remoteAccess.sourceSecurityGroupIds": "sourceSecurityGroups",
    },
    live={
        "arn": "nodegroupArn",
        "nodeRoleArn": "nodeRole",
        "nodeGroupName": "nodegroupName",
        "subnetIds": "subnets",
        "resources": "[{autoscalingGroups: resources.autoScalingGroups,"
        " remoteAccessSecurityGroupId: resources.remoteAccessSecurityGroup}]",
    },
    updatable=(
        "labels",
        "taints",
        "scalingConfig",
        "updateConfig",
        "nodeRepairConfig",
        "version",
        "releaseVersion",
        "launchTemplate",
        "forceUpdateVersion",
    ),
    force_new=("launchTemplate.id", "launchTemplate.name"),
    ordered=("instanceTypes",),
    unread=("forceUpdateVersion",),
    on_update=hooks_eks.update_node_group,
    ready=_ACTIVE,
    tagging=_tags(),
    checks=(checks_compute.node_group,),
)

ADDON = Row(
    token="aws:eks/addon:Addon",
    service="eks",
    create=Call("create_addon"),
    id="{clusterName}:{addonName}",
    id_is_template=True,
    read=Call("describe_addon", {"clusterName": "$clusterName", "addonName": "$addonName"}, "addon"),
    delete=(Call("delete_addon", {"clusterName": "$clusterName", "addonName": "$addonName", "preserve": "$preserve"}),),
    names={
        "resolveConflictsOnCreate": "resolveConflicts",
        "resolveConflictsOnUpdate": None,
        "preserve": None,
    },
    live={"arn": "addonArn"},
    changes=(
        UpdateCall(
            ("addonVersion", "configurationValues", "serviceAccountRoleArn", "podIdentityAssociations"),
            Call(
                "update_addon",
                {
                    "clusterName": "$clusterName",
                    "addonName": "$addonName",
                    "resolveConflicts": "$resolveConflictsOnUpdate",
                },
            ),
            together=True,
        ),
    ),
    updatable=("resolveConflictsOnCreate", "resolveConflictsOnUpdate", "preserve"),
    unread=("resolveConflictsOnCreate", "resolveConflictsOnUpdate", "preserve"),
    exclusive=("clusterName", "addonName"),
    observe=hooks_eks.observe_addon,
    ready=Ready("status", ("ACTIVE", "DEGRADED"), ("CREATE_FAILED", "UPDATE_FAILED")),
    tagging=_tags(),
    checks=(checks_compute.addon,),
)

ACCESS_ENTRY = Row(
    token="aws:eks/accessEntry:AccessEntry",
    service="eks",
    create=Call("create_access_entry"),
    id="{clusterName}:{principalArn}",
    id_is_template=True,
    read=Call("describe_access_entry", {"clusterName": "$clusterName", "principalArn": "$principalArn"}, "accessEntry"),
    delete=(Call("delete_access_entry", {"clusterName": "$clusterName", "principalArn": "$principalArn"}),),
    names={"userName": "username"},
    live={"userName": "username"},
    filled_by_aws=("userName",),
    changes=(
        UpdateCall(
            ("kubernetesGroups", "userName"),
            Call("update_access_entry", {"clusterName": "$clusterName", "principalArn": "$principalArn"}),
            together=True,
        ),
    ),
    defaults={"kubernetesGroups": []},
    exclusive=("clusterName", "principalArn"),
    tagging=Tagging({"resourceArn": "$accessEntryArn"}, "tags", at="tags"),
    checks=(checks_compute.access_entry,),
)

ACCESS_POLICY_ASSOCIATION = Row(
    token="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    service="eks",
    create=Call("associate_access_policy"),
    id="{clusterName}#{principalArn}#{policyArn}",
    id_is_template=True,
    read=Call(
        "list_associated_access_policies",
        {"clusterName": "$clusterName", "principalArn": "$principalArn"},
        "associatedAccessPolicies[?policyArn=='$policyArn'] | [0]",
    ),
    delete=(
        Call(
            "disassociate_access_policy",
            {"clusterName": "$clusterName", "principalArn": "$principalArn", "policyArn": "$policyArn"},
        ),
    ),
    exclusive=("clusterName", "principalArn", "policyArn"),
    unread=("clusterName", "principalArn"),
    checks=(checks_compute.access_scope,),
)

POD_IDENTITY_ASSOCIATION = Row(
    token="aws:eks/podIdentityAssociation:PodIdentityAssociation",
    service="eks",
    create=Call("create_pod_identity_association"),
    id="association.associationId",
    read=Call(
        "describe_pod_identity_association",
        {"clusterName": "$clusterName", "associationId": "$id"},
        "association",
    ),
    delete=(Call("delete_pod_identity_association", {"clusterName": "$clusterName", "associationId": "$id"}),),
    changes=(
        UpdateCall(
            ("roleArn", "disableSessionTags", "targetRoleArn"),
            Call("update_pod_identity_association", {"clusterName": "$clusterName", "associationId": "$id"}),
            together=True,
        ),
    ),
    exclusive=("clusterName", "namespace", "serviceAccount"),
    import_id="{clusterName},{id}",
    tagging=Tagging({"resourceArn": "$associationArn"}, "tags", at="tags"),
)

ROWS = (
    CLUSTER,
    NODE_GROUP,
    ADDON,
    ACCESS_ENTRY,
    ACCESS_POLICY_ASSOCIATION,
    POD_IDENTITY_ASSOCIATION,
)
