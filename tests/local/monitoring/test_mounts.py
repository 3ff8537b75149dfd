"""The files that a pod's volumes hold."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from local.monitoring.mounts import Missing, mount_points, mounted_files, storage_id
from tests.local.monitoring.objects import pod

OBJECTS: dict[str, dict[str, Any]] = {
    "/api/v1/namespaces/monitoring/secrets/s": {"kind": "Secret", "data": {"a": base64.b64encode(b"\x00z").decode()}},
    "/api/v1/namespaces/monitoring/configmaps/c": {"kind": "ConfigMap", "data": {"r.yaml": "groups: []", "x": "1"}},
}


async def fetch(path: str) -> dict[str, Any] | None:
    return OBJECTS.get(path)


def files(volumes: list[dict[str, Any]], mounts: list[dict[str, Any]]) -> dict[str, bytes]:
    return asyncio.run(mounted_files(pod("p", volumes=volumes, volumeMounts=mounts), fetch))


def test_secrets_config_maps_and_projections_become_files_where_they_are_mounted() -> None:
    volumes = [
        {"name": "s", "secret": {"secretName": "s"}},
        {"name": "c", "configMap": {"name": "c", "items": [{"key": "r.yaml", "path": "rules.yaml"}]}},
        {"name": "p", "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "c"}}]}},
        {"name": "e", "emptyDir": {}},
    ]
    mounts = [{"name": name, "mountPath": f"/m/{name}/"} for name in "scpe"]
    assert files(volumes, mounts) == {
        "/m/s/a": b"\x00z",
        "/m/c/rules.yaml": b"groups: []",
        "/m/p/a": b"\x00z",
        "/m/p/r.yaml": b"groups: []",
        "/m/p/x": b"1",
    }


def test_one_file_of_a_volume_is_mounted_by_its_sub_path() -> None:
    mounts = [{"name": "c", "mountPath": "/etc/x.yaml", "subPath": "r.yaml"}]
    assert files([{"name": "c", "configMap": {"name": "c"}}], mounts) == {"/etc/x.yaml": b"groups: []"}


def test_a_volume_whose_object_is_absent_is_waited_for_unless_it_is_optional() -> None:
    mounts = [{"name": "s", "mountPath": "/m"}]
    with pytest.raises(Missing, match="secrets monitoring/absent"):
        files([{"name": "s", "secret": {"secretName": "absent"}}], mounts)
    assert files([{"name": "s", "secret": {"secretName": "absent", "optional": True}}], mounts) == {}


def test_what_a_program_keeps_is_as_old_as_its_claim_or_its_pod() -> None:
    OBJECTS["/api/v1/namespaces/monitoring/persistentvolumeclaims/db"] = {"metadata": {"uid": "claim-1"}}
    with_claim = pod("p", volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "db"}}])
    assert asyncio.run(storage_id(with_claim, fetch)) == "claim-1"
    assert asyncio.run(storage_id(pod("p"), fetch)) == pod("p")["metadata"]["uid"]


def test_mounts_of_init_containers_count_too() -> None:
    init = [{"name": "i", "volumeMounts": [{"name": "c", "mountPath": "/early"}]}]
    mounted = pod("p", volumeMounts=[{"name": "c", "mountPath": "/late/"}], initContainers=init)
    assert mount_points(mounted) == {"/early", "/late"}
