"""Security contexts of our own pods: the Pod Security Standard `restricted` and more.

The vLLM image may run under any user id once HOME is writable and USER is set (vllm-project/vllm#40275). The id is
above 10,000 so that it is no user of the node (CKV_K8S_40). Read-only root works with containerd and runc, which
make it read-only after the NVIDIA hooks have run; kserve turned it off (kserve#5711) for runtimes that do so before.
"""

from __future__ import annotations

from typing import Any

USER_ID = 10001
GROUP_ID = 10001


def non_root_pod(user_id: int = USER_ID, group_id: int = GROUP_ID) -> dict[str, Any]:
    """`securityContext` of a pod; another user where an image is made for that one."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user_id,
        "runAsGroup": group_id,
        # Volumes belong to the group; a large cache is not walked again at each start.
        "fsGroup": group_id,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def restricted_container(user_id: int = USER_ID, group_id: int = GROUP_ID) -> dict[str, Any]:
    """`securityContext` of a container."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user_id,
        "runAsGroup": group_id,
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
