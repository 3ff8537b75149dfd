"""Buckets, file systems, secrets, queues and image repositories."""

from __future__ import annotations

from local.providers.aws import checks, checks_storage, hooks_storage
from local.providers.aws.table import Call, Ready, Row, Tagging, UpdateCall

_BUCKET = {"Bucket": "$bucket"}

BUCKET = Row(
    token="aws:s3/bucket:Bucket",
    service="s3",
    create=Call("create_bucket"),
    make=hooks_storage.create_bucket,
    id="{bucket}",
    id_is_template=True,
    read=Call("head_bucket", {"Bucket": "$id"}),
    delete=(Call("delete_bucket", {"Bucket": "$id"}),),
    name_prop="bucket",
    names={"bucket": "Bucket", "forceDestroy": None, "objectLockEnabled": "ObjectLockEnabledForBucket"},
    updatable=("forceDestroy",),
    unread=("forceDestroy", "bucket"),
    tagging=Tagging({"Bucket": "$id"}, "", read=Call("get_bucket_tagging", {"Bucket": "$id"}, "TagSet")),
    change_tags=hooks_storage.put_bucket_tags,
    before_delete=hooks_storage.empty_bucket,
    observe=hooks_storage.observe_bucket,
    out={"arn": "arn:{partition}:s3:::{id}"},
    checks=(checks_storage.bucket_name,),
)


_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
PUBLIC_ACCESS_BLOCK = Row(
    token="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    service="s3",
    create=Call("put_public_access_block"),
    id="{bucket}",
    id_is_template=True,
    read=Call("get_public_access_block", _BUCKET, "PublicAccessBlockConfiguration"),
    delete=(Call("delete_public_access_block", _BUCKET),),
    names={"bucket": "Bucket", "skipDestroy": None},
    wrap="PublicAccessBlockConfiguration",
    changes=(UpdateCall(_BLOCKS, Call("put_public_access_block", _BUCKET), together=True),),
    updatable=("skipDestroy",),
    unread=("skipDestroy",),
    defaults=dict.fromkeys(_BLOCKS, False),
)
BUCKET_POLICY = Row(
    token="aws:s3/bucketPolicy:BucketPolicy",
    service="s3",
    create=Call("put_bucket_policy"),
    id="{bucket}",
    id_is_template=True,
    read=Call("get_bucket_policy", _BUCKET),
    delete=(Call("delete_bucket_policy", _BUCKET),),
    names={"bucket": "Bucket", "policy": "Policy"},
    changes=(UpdateCall(("policy",), Call("put_bucket_policy", _BUCKET)),),
    checks=(checks.json_document("policy"),),
)

FILE_SYSTEM = Row(
    token="aws:efs/fileSystem:FileSystem",
    service="efs",
    create=Call("create_file_system"),
    id="FileSystemId",
    read=Call("describe_file_systems", {"FileSystemId": "$id"}, "FileSystems[0]"),
    delete=(Call("delete_file_system", {"FileSystemId": "$id"}),),
    name_prop="creationToken",
    names={"lifecyclePolicies": None, "protection": None},
    live={
        "arn": "FileSystemArn",
        "dnsName": "DnsName",
        "sizeInBytes": "[SizeInBytes.{value: Value, valueInIa: ValueInIA, valueInStandard: ValueInStandard}]",
    },
    changes=(
        UpdateCall(
            ("lifecyclePolicies",), Call("put_lifecycle_configuration", {"FileSystemId": "$id"}), on_create=True
        ),
        UpdateCall(
            ("throughputMode", "provisionedThroughputInMibps"),
            Call("update_file_system", {"FileSystemId": "$id"}),
            together=True,
        ),
    ),
    more={"lifecyclePolicies": Call("describe_lifecycle_configuration", {"FileSystemId": "$id"}, "LifecyclePolicies")},
    defaults={"lifecyclePolicies": [], "performanceMode": "generalPurpose", "throughputMode": "bursting"},
    ready=Ready("LifeCycleState", ("available",), ("error",)),
    tagging=Tagging({"ResourceId": "$id"}),
    out={"dnsName": "{id}.efs.{region}.amazonaws.com"},
    checks=(checks_storage.efs_throughput,),
)
MOUNT_TARGET = Row(
    token="aws:efs/mountTarget:MountTarget",
    service="efs",
    create=Call("create_mount_target"),
    id="MountTargetId",
    read=Call("describe_mount_targets", {"MountTargetId": "$id"}, "MountTargets[0]"),
    delete=(Call("delete_mount_target", {"MountTargetId": "$id"}),),
    changes=(UpdateCall(("securityGroups",), Call("modify_mount_target_security_groups", {"MountTargetId": "$id"})),),
    more={"securityGroups": Call("describe_mount_target_security_groups", {"MountTargetId": "$id"}, "SecurityGroups")},
    ready=Ready("LifeCycleState", ("available",), ("error",)),
    exclusive=("fileSystemId", "subnetId"),
    out={"dnsName": "{fileSystemId}.efs.{region}.amazonaws.com"},
)
BACKUP_POLICY = Row(
    token="aws:efs/backupPolicy:BackupPolicy",
    service="efs",
    create=Call("put_backup_policy"),
    id="{fileSystemId}",
    id_is_template=True,
    read=Call("describe_backup_policy", {"FileSystemId": "$id"}),
    # There is no operation to take it away: the real provider turns it off.
    delete=(),
    before_delete=hooks_storage.stop_backups,
    changes=(UpdateCall(("backupPolicy",), Call("put_backup_policy", {"FileSystemId": "$id"})),),
    observe=hooks_storage.observe_file_system,
)
FILE_SYSTEM_POLICY = Row(
    token="aws:efs/fileSystemPolicy:FileSystemPolicy",
    service="efs",
    create=Call("put_file_system_policy"),
    id="{fileSystemId}",
    id_is_template=True,
    read=Call("describe_file_system_policy", {"FileSystemId": "$id"}),
    delete=(Call("delete_file_system_policy", {"FileSystemId": "$id"}),),
    changes=(
        UpdateCall(
            ("policy", "bypassPolicyLockoutSafetyCheck"),
            Call("put_file_system_policy", {"FileSystemId": "$id"}),
            together=True,
        ),
    ),
    unread=("bypassPolicyLockoutSafetyCheck",),
    checks=(checks.json_document("policy"),),
)
ACCESS_POINT = Row(
    token="aws:efs/accessPoint:AccessPoint",
    service="efs",
    create=Call("create_access_point"),
    id="AccessPointId",
    read=Call("describe_access_points", {"AccessPointId": "$id"}, "AccessPoints[0]"),
    delete=(Call("delete_access_point", {"AccessPointId": "$id"}),),
    live={"arn": "AccessPointArn"},
    tagging=Tagging({"ResourceId": "$id"}),
)

SECRET = Row(
    token="aws:secretsmanager/secret:Secret",
    service="secretsmanager",
    create=Call("create_secret"),
    id="ARN",
    read=Call("describe_secret", {"SecretId": "$id"}),
    delete=(),
    before_delete=hooks_storage.delete_secret,
    name_prop="name",
    names={"recoveryWindowInDays": None},
    changes=(UpdateCall(("description", "kmsKeyId"), Call("update_secret", {"SecretId": "$id"}), together=True),),
    updatable=("recoveryWindowInDays",),
    unread=("recoveryWindowInDays",),
    defaults={"description": ""},
    live={"arn": "ARN"},
    gone=Ready("DeletedDate != null", (True,)),
    tagging=Tagging({"SecretId": "$id"}),
    checks=(checks_storage.secret_name,),
)
SECRET_VERSION = Row(
    token="aws:secretsmanager/secretVersion:SecretVersion",
    service="secretsmanager",
    create=Call("put_secret_value"),
    make=hooks_storage.put_secret_value,
    read=Call("get_secret_value", {"SecretId": "$secretId", "VersionId": "$versionId"}),
    delete=(),  # the last version cannot be deleted; it goes with its secret
    id="{secretId}|{versionId}",
    id_is_template=True,
    names={"versionStages": None},
    live={"versionId": "VersionId", "arn": "ARN", "versionStages": "VersionStages"},
    secret=("secretString", "secretBinary"),
)

_QUEUE_PROPS = tuple(hooks_storage.QUEUE_ATTRIBUTES)
QUEUE = Row(
    token="aws:sqs/queue:Queue",
    service="sqs",
    create=Call("create_queue"),
    prepare=hooks_storage.queue_attributes,
    id="QueueUrl",
    read=Call("get_queue_attributes", {"QueueUrl": "$id", "AttributeNames": ["All"]}, "Attributes"),
    delete=(Call("delete_queue", {"QueueUrl": "$id"}),),
    name_prop="name",
    names={"name": "QueueName", **dict.fromkeys(_QUEUE_PROPS)},
    updatable=tuple(prop for prop in _QUEUE_PROPS if prop != "fifoQueue"),
    on_update=hooks_storage.change_queue,
    observe=hooks_storage.observe_queue,
    tagging=Tagging(
        {"QueueUrl": "$id"}, "tags", "tag_queue", "untag_queue", Call("list_queue_tags", {"QueueUrl": "$id"}, "Tags")
    ),
    out={"url": "{id}"},
    checks=(checks_storage.queue_attributes, checks.json_document("policy"), checks.json_document("redrivePolicy")),
)

REPOSITORY = Row(
    token="aws:ecr/repository:Repository",
    service="ecr",
    create=Call("create_repository"),
    id="repository.repositoryName",
    read=Call("describe_repositories", {"repositoryNames": ["$id"]}, "repositories[0]"),
    delete=(Call("delete_repository", {"repositoryName": "$id", "force": "$forceDelete"}),),
    name_prop="name",
    names={"name": "repositoryName", "forceDelete": None, "encryptionConfigurations.kmsKey": "kmsKey"},
    live={"name": "repositoryName", "arn": "repositoryArn", "repositoryUrl": "repositoryUri"},
    changes=(
        UpdateCall(("imageTagMutability",), Call("put_image_tag_mutability", {"repositoryName": "$id"})),
        UpdateCall(
            ("imageScanningConfiguration",), Call("put_image_scanning_configuration", {"repositoryName": "$id"})
        ),
    ),
    updatable=("forceDelete",),
    unread=("forceDelete",),
    defaults={"imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": False}},
    tagging=Tagging(
        {"resourceArn": "$arn"},
        "tags",
        read=Call(
            "list_tags_for_resource", {"resourceArn": "arn:$partition:ecr:$region:$account:repository/$id"}, "tags"
        ),
    ),
)

PULL_THROUGH_RULE = Row(
    token="aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
    service="ecr",
    create=Call("create_pull_through_cache_rule"),
    id="ecrRepositoryPrefix",
    read=Call("describe_pull_through_cache_rules", {"ecrRepositoryPrefixes": ["$id"]}, "pullThroughCacheRules[0]"),
    delete=(Call("delete_pull_through_cache_rule", {"ecrRepositoryPrefix": "$id"}),),
    changes=(
        UpdateCall(
            ("credentialArn", "customRoleArn"),
            Call("update_pull_through_cache_rule", {"ecrRepositoryPrefix": "$id"}),
            together=True,
        ),
    ),
    defaults={"upstreamRepositoryPrefix": "ROOT"},
    live={"registryId": "registryId"},
)

ROWS = (
    BUCKET,
    PUBLIC_ACCESS_BLOCK,
    BUCKET_POLICY,
    FILE_SYSTEM,
    MOUNT_TARGET,
    BACKUP_POLICY,
    FILE_SYSTEM_POLICY,
    ACCESS_POINT,
    SECRET,
    SECRET_VERSION,
    QUEUE,
    REPOSITORY,
    PULL_THROUGH_RULE,
)
