"""IAM roles, policies, instance profiles and OIDC providers."""

from __future__ import annotations

from local.providers.aws import checks_iam, hooks_iam
from local.providers.aws.table import Call, Row, Tagging, UpdateCall

ROLE = Row(
    token="aws:iam/role:Role",
    service="iam",
    create=Call("create_role"),
    id="Role.RoleName",
    read=Call("get_role", {"RoleName": "$id"}, "Role"),
    delete=(Call("delete_role", {"RoleName": "$id"}),),
    name_prop="name",
    names={
        "name": "RoleName",
        "assumeRolePolicy": "AssumeRolePolicyDocument",
        "forceDetachPolicies": None,
        "managedPolicyArns": None,
    },
    live={
        "name": "RoleName",
        "permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn",
        "uniqueId": "RoleId",
    },
    changes=(
        UpdateCall(
            ("assumeRolePolicy",),
            Call("update_assume_role_policy", {"RoleName": "$id", "PolicyDocument": "$assumeRolePolicy"}),
        ),
        UpdateCall(("description", "maxSessionDuration"), Call("update_role", {"RoleName": "$id"}), together=True),
        UpdateCall(
            ("permissionsBoundary",),
            Call("put_role_permissions_boundary", {"RoleName": "$id"}),
            cleared=Call("delete_role_permissions_boundary", {"RoleName": "$id"}),
        ),
    ),
    updatable=("forceDetachPolicies", "managedPolicyArns"),
    unread=("forceDetachPolicies",),
    defaults={"description": "", "maxSessionDuration": 3600, "path": "/"},
    tagging=Tagging({"RoleName": "$id"}, "Tags", "tag_role", "untag_role"),
    after_create=hooks_iam.attach_managed_policies,
    on_update=hooks_iam.change_managed_policies,
    observe=hooks_iam.observe_managed_policies,
    before_delete=hooks_iam.release_role,
    checks=(checks_iam.trust_policy,),
)

POLICY = Row(
    token="aws:iam/policy:Policy",
    service="iam",
    create=Call("create_policy"),
    id="Policy.Arn",
    read=Call("get_policy", {"PolicyArn": "$id"}, "Policy"),
    delete=(Call("delete_policy", {"PolicyArn": "$id"}),),
    name_prop="name",
    names={"name": "PolicyName", "policy": "PolicyDocument"},
    live={"name": "PolicyName"},
    changes=(
        UpdateCall(
            ("policy",),
            Call("create_policy_version", {"PolicyArn": "$id", "PolicyDocument": "$policy", "SetAsDefault": True}),
        ),
    ),
    defaults={"path": "/"},
    on_update=hooks_iam.trim_policy_versions,
    before_delete=hooks_iam.delete_policy_versions,
    observe=hooks_iam.observe_policy,
    tagging=Tagging({"PolicyArn": "$id"}, "Tags", "tag_policy", "untag_policy"),
    checks=(checks_iam.permission_policy,),
)

ROLE_POLICY = Row(
    token="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    create=Call("put_role_policy"),
    id="{role}:{name}",
    id_is_template=True,
    read=Call("get_role_policy", {"RoleName": "$role", "PolicyName": "$name"}),
    delete=(Call("delete_role_policy", {"RoleName": "$role", "PolicyName": "$name"}),),
    name_prop="name",
    names={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
    live={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
    changes=(
        UpdateCall(
            ("policy",),
            Call("put_role_policy", {"RoleName": "$role", "PolicyName": "$name", "PolicyDocument": "$policy"}),
        ),
    ),
    checks=(checks_iam.permission_policy,),
)

ROLE_POLICY_ATTACHMENT = Row(
    token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    create=Call("attach_role_policy"),
    id="{role}/{policyArn}",
    id_is_template=True,
    read=Call("list_attached_role_policies", {"RoleName": "$role"}, "AttachedPolicies[?PolicyArn=='$policyArn'] | [0]"),
    delete=(Call("detach_role_policy", {"RoleName": "$role", "PolicyArn": "$policyArn"}),),
    names={"role": "RoleName"},
    unread=("role",),
)

INSTANCE_PROFILE = Row(
    token="aws:iam/instanceProfile:InstanceProfile",
    service="iam",
    create=Call("create_instance_profile"),
    id="InstanceProfile.InstanceProfileName",
    read=Call("get_instance_profile", {"InstanceProfileName": "$id"}, "InstanceProfile"),
    delete=(Call("delete_instance_profile", {"InstanceProfileName": "$id"}),),
    name_prop="name",
    names={"name": "InstanceProfileName", "role": None},
    live={"name": "InstanceProfileName", "role": "Roles[0].RoleName", "uniqueId": "InstanceProfileId"},
    updatable=("role",),
    defaults={"path": "/"},
    after_create=hooks_iam.add_profile_role,
    on_update=hooks_iam.change_profile_role,
    before_delete=hooks_iam.remove_profile_role,
    tagging=Tagging({"InstanceProfileName": "$id"}, "Tags", "tag_instance_profile", "untag_instance_profile"),
)

OPEN_ID_CONNECT_PROVIDER = Row(
    token="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    service="iam",
    create=Call("create_open_id_connect_provider"),
    id="OpenIDConnectProviderArn",
    read=Call("get_open_id_connect_provider", {"OpenIDConnectProviderArn": "$id"}),
    delete=(Call("delete_open_id_connect_provider", {"OpenIDConnectProviderArn": "$id"}),),
    changes=(
        UpdateCall(
            ("thumbprintLists",),
            Call("update_open_id_connect_provider_thumbprint", {"OpenIDConnectProviderArn": "$id"}),
        ),
    ),
    updatable=("clientIdLists",),
    on_update=hooks_iam.change_client_ids,
    observe=hooks_iam.observe_oidc,
    tagging=Tagging(
        {"OpenIDConnectProviderArn": "$id"},
        "Tags",
        "tag_open_id_connect_provider",
        "untag_open_id_connect_provider",
    ),
    out={"arn": "{id}"},
    checks=(checks_iam.oidc_url,),
)

ROWS = (ROLE, POLICY, ROLE_POLICY, ROLE_POLICY_ATTACHMENT, INSTANCE_PROFILE, OPEN_ID_CONNECT_PROVIDER)
