"""KMS keys and aliases, CloudWatch log groups."""

from __future__ import annotations

from local.providers.aws import checks, checks_iam, hooks_iam
from local.providers.aws.table import Call, Ready, Row, Tagging, UpdateCall

KEY = Row(
    token="aws:kms/key:Key",
    service="kms",
    create=Call("create_key"),
    id="KeyMetadata.KeyId",
    read=Call("describe_key", {"KeyId": "$id"}, "KeyMetadata"),
    delete=(Call("schedule_key_deletion", {"KeyId": "$id", "PendingWindowInDays": "$deletionWindowInDays"}),),
    names={
        "customerMasterKeySpec": "KeySpec",
        "bypassPolicyLockoutSafetyCheck": "BypassPolicyLockoutSafetyCheck",
        "enableKeyRotation": None,
        "rotationPeriodInDays": None,
        "deletionWindowInDays": None,
        "isEnabled": None,
    },
    live={"customerMasterKeySpec": "KeySpec", "isEnabled": "Enabled", "keyId": "KeyId", "arn": "Arn"},
    changes=(
        UpdateCall(("description",), Call("update_key_description", {"KeyId": "$id"})),
        UpdateCall(("policy",), Call("put_key_policy", {"KeyId": "$id", "PolicyName": "default"})),
    ),
    updatable=(
        "enableKeyRotation",
        "rotationPeriodInDays",
        "isEnabled",
        "deletionWindowInDays",
        "bypassPolicyLockoutSafetyCheck",
    ),
    unread=("deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"),
    more={
        "policy": Call("get_key_policy", {"KeyId": "$id", "PolicyName": "default"}, "Policy"),
        "enableKeyRotation": Call("get_key_rotation_status", {"KeyId": "$id"}, "KeyRotationEnabled"),
        "rotationPeriodInDays": Call("get_key_rotation_status", {"KeyId": "$id"}, "RotationPeriodInDays"),
    },
    defaults={"description": "", "enableKeyRotation": False, "isEnabled": True},
    gone=Ready("KeyState", ("PendingDeletion",)),
    after_create=hooks_iam.set_key_state,
    on_update=hooks_iam.change_key_state,
    tagging=Tagging({"KeyId": "$id"}, read=Call("list_resource_tags", {"KeyId": "$id"}, "Tags")),
    checks=(checks.json_document("policy"), checks_iam.kms_key),
)

ALIAS = Row(
    token="aws:kms/alias:Alias",
    service="kms",
    create=Call("create_alias"),
    id="{name}",
    id_is_template=True,
    read=Call("list_aliases", {}, "Aliases[?AliasName=='$id'] | [0]"),
    delete=(Call("delete_alias", {"AliasName": "$id"}),),
    name_prop="name",
    names={"name": "AliasName"},
    live={"name": "AliasName", "arn": "AliasArn", "targetKeyId": "TargetKeyId"},
    changes=(UpdateCall(("targetKeyId",), Call("update_alias", {"AliasName": "$id"})),),
    observe=hooks_iam.observe_alias,
    checks=(checks_iam.alias_name,),
)

_LOG_ARN = "arn:$partition:logs:$region:$account:log-group:$id"
LOG_GROUP = Row(
    token="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    create=Call("create_log_group"),
    id="{name}",
    id_is_template=True,
    read=Call("describe_log_groups", {"logGroupNamePrefix": "$id"}, "logGroups[?logGroupName=='$id'] | [0]"),
    delete=(Call("delete_log_group", {"logGroupName": "$id"}),),
    name_prop="name",
    names={"name": "logGroupName", "retentionInDays": None, "skipDestroy": None},
    live={"name": "logGroupName"},
    changes=(
        UpdateCall(
            ("retentionInDays",),
            Call("put_retention_policy", {"logGroupName": "$id"}),
            on_create=True,
            cleared=Call("delete_retention_policy", {"logGroupName": "$id"}),
        ),
        UpdateCall(
            ("kmsKeyId",),
            Call("associate_kms_key", {"logGroupName": "$id"}),
            cleared=Call("disassociate_kms_key", {"logGroupName": "$id"}),
        ),
    ),
    updatable=("skipDestroy",),
    unread=("skipDestroy",),
    tagging=Tagging(
        {"resourceArn": _LOG_ARN},
        "tags",
        read=Call("list_tags_for_resource", {"resourceArn": _LOG_ARN}, "tags"),
    ),
    out={"arn": "arn:{partition}:logs:{region}:{account}:log-group:{id}"},
    checks=(checks_iam.log_retention,),
)

ROWS = (KEY, ALIAS, LOG_GROUP)
