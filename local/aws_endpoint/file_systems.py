"""EFS: changes of throughput, backup policies and the end of a file system's policy, which moto's EFS lacks.

https://docs.aws.amazon.com/efs/latest/ug/API_Operations.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.efs.exceptions import FileSystemNotFound, PolicyNotFound
from moto.efs.models import FileSystem
from moto.efs.responses import EFSResponse

_JSON = {"Content-Type": "application/json"}
_BACKUP = "_local_backup"
Answer = tuple[str, dict[str, str | int]]


def install() -> None:
    """Patches moto's classes; once per process."""
    for name, function in {
        "update_file_system": _update_file_system,
        "put_backup_policy": _put_backup_policy,
        "describe_backup_policy": _describe_backup_policy,
        "delete_file_system_policy": _delete_file_system_policy,
    }.items():
        setattr(EFSResponse, name, function)


def _file_system(response: Any) -> FileSystem:
    name = str(response._get_param("FileSystemId"))
    file_system: FileSystem | None = response.efs_backend.file_systems_by_id.get(name)
    if file_system is None:
        raise FileSystemNotFound(name)
    return file_system


def _update_file_system(response: Any) -> Answer:
    file_system = _file_system(response)
    file_system.throughput_mode = response._get_param("ThroughputMode") or file_system.throughput_mode
    given = response._get_param("ProvisionedThroughputInMibps")
    file_system.provisioned_throughput_in_mibps = given if file_system.throughput_mode == "provisioned" else None
    return json.dumps(file_system.info_json()), {"status": 202, **_JSON}


def _put_backup_policy(response: Any) -> Answer:
    file_system, policy = _file_system(response), response._get_param("BackupPolicy")
    setattr(file_system, _BACKUP, policy["Status"])
    return json.dumps({"BackupPolicy": policy}), dict(_JSON)


def _describe_backup_policy(response: Any) -> Answer:
    """EFS has one of a file system without one where it is in One Zone, or was made with `Backup`."""
    file_system = _file_system(response)
    status = getattr(file_system, _BACKUP, None) or (file_system.backup_policy or {}).get("Status")
    if status is None:
        raise PolicyNotFound("None")
    return json.dumps({"BackupPolicy": {"Status": status}}), dict(_JSON)


def _delete_file_system_policy(response: Any) -> Answer:
    _file_system(response).file_system_policy = None
    return "{}", dict(_JSON)
