"""Which of two AMI releases of EKS is the older one: a node group cannot be taken back to it
(https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html)."""

from __future__ import annotations

import re

_AL2023 = re.compile(r"1\.(\d+)\.(\d+)-(\d{8})")
_BOTTLEROCKET = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-[0-9a-f]{8})?")


def goes_back(before: str, after: str) -> bool:
    """Whether a group would get an older release (`1.35.0-20260128`, Bottlerocket's `1.57.0` or `1.57.0-0a1b2c3d`).

    False where either is written in another way, or the two are of different images.
    """
    # A day is a commit, too, by its form: a release of Amazon Linux is asked for first.
    form = _AL2023 if _AL2023.fullmatch(before) or _AL2023.fullmatch(after) else _BOTTLEROCKET
    old, new = form.fullmatch(before), form.fullmatch(after)
    return bool(old and new and tuple(map(int, new.groups())) < tuple(map(int, old.groups())))
