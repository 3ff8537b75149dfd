"""Bucket, secret and queue steps that take more than one operation or another form of parameters."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from local.providers.aws.hooks import Properties
from local.providers.aws.resource import LiveResource

# -- buckets -----------------------------------------------------------------------------------------------------


def create_bucket(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """Every region but us-east-1 must be named as the bucket's location."""
    name = resource.inputs["bucket"]
    parameters: dict[str, Any] = {"Bucket": name}
    if resource.region != "us-east-1":
        parameters["CreateBucketConfiguration"] = {"LocationConstraint": resource.region}
    if resource.inputs.get("objectLockEnabled"):
        parameters["ObjectLockEnabledForBucket"] = True
    resource.call("create_bucket", parameters)
    return str(name)


def put_bucket_tags(resource: LiveResource, tags: Mapping[str, str]) -> None:
    if not tags:
        resource.call("delete_bucket_tagging", {"Bucket": resource.id})
        return
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    resource.call("put_bucket_tagging", {"Bucket": resource.id, "Tagging": {"TagSet": pairs}})


def empty_bucket(resource: LiveResource) -> None:
    """With forceDestroy deletes what is in it, all versions; else AWS refuses a bucket that is not empty."""
    if not resource.inputs.get("forceDestroy"):
        return
    listed = resource.call("list_object_versions", {"Bucket": resource.id})
    for one in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:
        target = {"Bucket": resource.id, "Key": one["Key"], "VersionId": one["VersionId"]}
        resource.call("delete_object", target)


def observe_bucket(resource: LiveResource, seen: Properties) -> Properties:
    """HeadBucket says only that it is there; the rest follows from its name and region."""
    region = resource.region
    return {
        "bucket": resource.id,
        "bucketDomainName": f"{resource.id}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{resource.id}.s3.{region}.amazonaws.com",
        "bucketRegion": region,
    }


# -- file systems ------------------------------------------------------------------------------------------------


def observe_file_system(resource: LiveResource, seen: Properties) -> Properties:
    """Policies of a file system are called as it is, and do not say so."""
    return {"fileSystemId": resource.id}


def stop_backups(resource: LiveResource) -> None:
    resource.call("put_backup_policy", {"FileSystemId": resource.id, "BackupPolicy": {"Status": "DISABLED"}})


# -- secrets -----------------------------------------------------------------------------------------------------


def delete_secret(resource: LiveResource) -> None:
    """0 days: at once, and the name is free again; otherwise AWS keeps it for the window (30 days)."""
    days = resource.inputs.get("recoveryWindowInDays", 30)
    window: dict[str, Any] = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    resource.call("delete_secret", {"SecretId": resource.id, **window})


def put_secret_value(resource: LiveResource, tagged: dict[str, Any]) -> str:
    inputs = resource.inputs
    values = {
        "SecretString": inputs.get("secretString"),
        "SecretBinary": inputs.get("secretBinary"),
        "VersionStages": inputs.get("versionStages"),
    }
    parameters = {key: value for key, value in values.items() if value is not None}
    answer = resource.call(
        "put_secret_value",
        {"SecretId": inputs["secretId"], "ClientRequestToken": str(uuid.uuid4()), **parameters},
    )
    resource.state = {"versionId": answer["VersionId"]}
    return f"{inputs['secretId']}|{answer['VersionId']}"


# -- queues: everything is an attribute, and every attribute is text ---------------------------------------------

QUEUE_ATTRIBUTES: Final = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
_QUEUE_DEFAULTS: Final = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def queue_attributes(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`Attributes` of CreateQueue. A standard queue must not say that it is no FIFO queue."""
    attributes = {
        member: _text(inputs[prop])
        for prop, member in QUEUE_ATTRIBUTES.items()
        if inputs.get(prop) is not None and not (prop == "fifoQueue" and inputs[prop] is False)
    }
    return {"Attributes": attributes} if attributes else {}


def change_queue(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    attributes = {}
    for prop in changed.intersection(QUEUE_ATTRIBUTES):
        member, value = QUEUE_ATTRIBUTES[prop], resource.inputs.get(prop)
        attributes[member] = _QUEUE_DEFAULTS.get(member, "") if value is None else _text(value)
    if attributes:
        resource.call("set_queue_attributes", {"QueueUrl": resource.id, "Attributes": attributes})


def observe_queue(resource: LiveResource, seen: Properties) -> Properties:
    from local.providers.aws.project import to_property
    from local.providers.aws.schema import resource_schema

    terms = resource_schema(resource.row.token).outputs
    properties: Properties = {
        prop: to_property(terms[prop], resource.live.get(member) or None, {}, prop)
        for prop, member in QUEUE_ATTRIBUTES.items()
    }
    return {**properties, "name": resource.live["QueueArn"].rsplit(":", 1)[-1], "arn": resource.live["QueueArn"]}
