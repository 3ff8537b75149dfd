"""Mistakes in bucket, file system, queue and secret inputs that neither botocore nor moto finds (see checks.py)."""

from __future__ import annotations

import re

from local.providers.aws.checks import Inputs, known
from local.providers.aws.schema import Problem

_BUCKET = re.compile(
    r"(?!xn--|sthree-)(?!.*(-s3alias|--ol-s3)$)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]"
)


def bucket_name(inputs: Inputs) -> list[Problem]:
    name = known(inputs, "bucket")
    if name is None or _BUCKET.fullmatch(name):
        return []
    return [Problem("bucket", f'"{name}": 3 to 63 of a-z, 0-9, dot and hyphen, with a letter or digit at both ends')]


def queue_attributes(inputs: Inputs) -> list[Problem]:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    limits = {
        "visibilityTimeoutSeconds": (0, 43_200),
        "messageRetentionSeconds": (60, 1_209_600),
        "delaySeconds": (0, 900),
        "receiveWaitTimeSeconds": (0, 20),
        "maxMessageSize": (1024, 1_048_576),
    }
    problems = []
    for prop, (low, high) in limits.items():
        value = known(inputs, prop)
        if value is not None and not low <= value <= high:
            problems.append(Problem(prop, f"must be {low} to {high}, got {value}"))
    name = known(inputs, "name")
    if name is not None and bool(known(inputs, "fifoQueue")) != name.endswith(".fifo"):
        problems.append(Problem("name", "FIFO queues, and only they, have names that end in .fifo"))
    return problems


def efs_throughput(inputs: Inputs) -> list[Problem]:
    mode, value = known(inputs, "throughputMode"), inputs.get("provisionedThroughputInMibps")
    if (mode == "provisioned") != (value is not None):
        return [Problem("provisionedThroughputInMibps", "belongs to throughputMode provisioned, and is needed there")]
    return []


def secret_name(inputs: Inputs) -> list[Problem]:
    name = known(inputs, "name")
    if name is None or re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", name):
        return []
    return [Problem("name", f'"{name}": letters, digits and /_+=.@- only, at most 512')]
