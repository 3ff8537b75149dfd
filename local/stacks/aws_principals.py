"""People and roles that a stack file lets into its cluster: in an account they are there before the stack is.

EKS refuses an access entry of a principal that does not exist (local/aws_endpoint/contract), and an empty account has
none. So the platform makes those that the stack file names, and takes them away after a destroy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
    }
)


def principals(config: Mapping[str, Any], project: str) -> Iterator[tuple[str, str]]:
    """("role" or "user", name) of every access entry of a stack file's `config`."""
    cluster = config.get(f"{project}:cluster") or {}
    for entry in cluster.get("accessEntries") or []:
        kind, _, name = str(entry.get("principalArn", "")).rpartition(":")[2].partition("/")
        if kind in ("role", "user") and name:
            yield kind, name.rpartition("/")[2]


def make(iam: Any, principals: Iterator[tuple[str, str]]) -> None:
    """Makes those that are not there yet."""
    for kind, name in principals:
        try:
            if kind == "role":
                iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
            else:
                iam.create_user(UserName=name)
        except iam.exceptions.EntityAlreadyExistsException:
            continue


def remove(iam: Any, principals: Iterator[tuple[str, str]]) -> None:
    """Takes them away again."""
    for kind, name in principals:
        try:
            if kind == "role":
                iam.delete_role(RoleName=name)
            else:
                iam.delete_user(UserName=name)
        except iam.exceptions.NoSuchEntityException:
            continue
