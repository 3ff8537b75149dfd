"""Examples of buckets, file systems, secrets, queues, repositories."""

from __future__ import annotations

from tests.local.aws.needs import BUCKET, FILES, GROUP, SUBNETS, VPC, Case, policy

_SECRET = "aws:secretsmanager/secret:Secret"

CASES: tuple[Case, ...] = (
    Case(
        "aws:s3/bucket:Bucket",
        {"bucket": "weights-of-mine", "forceDestroy": True, "tags": {"a": "1"}},
        update={"forceDestroy": None, "tags": {"b": "1"}},
        replace={"bucket": "weights-of-others"},
        outputs=("arn", "bucketRegionalDomainName"),
    ),
    Case(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {"bucket": "$bucket.id", "blockPublicAcls": True, "blockPublicPolicy": True},
        needs=(BUCKET,),
        update={"blockPublicPolicy": None, "ignorePublicAcls": True},
    ),
    Case(
        "aws:s3/bucketPolicy:BucketPolicy",
        {"bucket": "$bucket.id", "policy": policy("s3:GetObject")},
        needs=(BUCKET,),
        update={"policy": policy("s3:PutObject")},
    ),
    Case(
        "aws:efs/fileSystem:FileSystem",
        {"encrypted": True, "lifecyclePolicies": [{"transitionToIa": "AFTER_30_DAYS"}], "throughputMode": "elastic"},
        update={
            "lifecyclePolicies": None,
            "tags": {"a": "1"},
            "throughputMode": "provisioned",
            "provisionedThroughputInMibps": 100,
        },
        replace={"performanceMode": "maxIO"},
        outputs=("arn", "dnsName", "creationToken"),
    ),
    Case(
        "aws:efs/mountTarget:MountTarget",
        {"fileSystemId": "$files.id", "subnetId": "$subnet-a.id", "securityGroups": ["$group.id"]},
        needs=(VPC, *SUBNETS, GROUP, ("group2", *GROUP[1:]), FILES),
        update={"securityGroups": ["$group2.id"]},
        replace={"subnetId": "$subnet-b.id"},
        outputs=("ipAddress", "dnsName", "networkInterfaceId"),
    ),
    Case(
        "aws:efs/backupPolicy:BackupPolicy",
        {"fileSystemId": "$files.id", "backupPolicy": {"status": "ENABLED"}},
        needs=(FILES, ("files2", *FILES[1:])),
        replace={"fileSystemId": "$files2.id"},
        stays=True,
    ),
    Case(
        "aws:efs/fileSystemPolicy:FileSystemPolicy",
        {"fileSystemId": "$files.id", "policy": policy("elasticfilesystem:ClientMount")},
        needs=(FILES,),
        update={"policy": policy("elasticfilesystem:ClientWrite")},
    ),
    Case(
        "aws:efs/accessPoint:AccessPoint",
        {
            "fileSystemId": "$files.id",
            "posixUser": {"uid": 1000, "gid": 1000},
            "rootDirectory": {
                "path": "/models",
                "creationInfo": {"ownerUid": 1000, "ownerGid": 1000, "permissions": "755"},
            },
        },
        needs=(FILES,),
        update={"tags": {"a": "1"}},
        replace={"rootDirectory": {"path": "/other"}},
        outputs=("arn",),
    ),
    Case(
        "aws:secretsmanager/secret:Secret",
        {"description": "token", "recoveryWindowInDays": 0},
        update={"description": None, "tags": {"a": "1"}},
        replace={"name": "another"},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:secretsmanager/secretVersion:SecretVersion",
        {"secretId": "$secret.id", "secretString": "hf_value"},
        needs=(("secret", "aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 0}),),
        replace={"secretString": "hf_other"},
        outputs=("versionId", "arn"),
        stays=True,
    ),
    Case(
        "aws:sqs/queue:Queue",
        {"messageRetentionSeconds": 300, "sqsManagedSseEnabled": True, "tags": {"a": "1"}},
        update={"messageRetentionSeconds": None, "visibilityTimeoutSeconds": 60, "tags": {"b": "1"}},
        replace={"name": "other.fifo", "fifoQueue": True},
        outputs=("arn", "url", "name"),
    ),
    Case(
        "aws:ecr/repository:Repository",
        {"name": "vllm", "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}},
        update={"imageTagMutability": None, "imageScanningConfiguration": {"scanOnPush": False}, "tags": {"a": "1"}},
        replace={"name": "other"},
        outputs=("arn", "repositoryUrl", "registryId"),
    ),
    Case(
        "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        {
            "ecrRepositoryPrefix": "prod/docker-hub",
            "upstreamRegistryUrl": "registry-1.docker.io",
            "credentialArn": "$hub.arn",
        },
        needs=tuple((name, _SECRET, {"name": f"ecr-pullthroughcache/{name}"}) for name in ("hub", "new")),
        update={"credentialArn": "$new.arn"},
        replace={"ecrRepositoryPrefix": "prod/hub"},
        outputs=("registryId",),
    ),
)
