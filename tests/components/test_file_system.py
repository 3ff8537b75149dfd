"""The weights' file system: who reaches it, who writes, and that one Job downloads for all who read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.aws.iam import file_system_policy
from components.serving.backends import BACKENDS
from components.serving.manifests.download import download_job
from components.serving.manifests.names import cache_claim_name
from components.serving.manifests.shared_volume import shared_claim, shared_volume, writer_of
from planning.backends.table import YES, features
from planning.model import BucketPlan, CachePlan, HubPlan, SharedDownloadPlan
from tests.components.plans import MODEL
from tests.components.rendered import EVERY_MODEL, WORKLOADS, of_model, pod_of
from tests.components.serving.test_manifests import without_program
from tests.engine import Engine
from tests.golden import as_yaml, assert_matches
from tests.program import example, run_program
from tests.test_examples import ran

GOLDENS = Path(__file__).parent / "goldens"
FILES, JOB = "aws:efs/fileSystem:FileSystem", "kubernetes:batch/v1:Job"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
ARN = "arn:aws:elasticfilesystem:us-east-1:123456789012"
HANDLE = "fs-0123456789abcdef0::fsap-0123456789abcdef0"
DOWNLOAD = SharedDownloadPlan("llama-3-1-8b-instruct-0a1b2c3d", MODEL.source.uri, MODEL.name, MODEL.repositories[0])
EFS_MODEL = replace(MODEL, cache=CachePlan("efs", 19), shared_downloads=(DOWNLOAD,))


def test_volume_claim_and_the_writers_job_are_as_their_golden() -> None:
    writer = writer_of(EFS_MODEL, DOWNLOAD)
    made = [
        shared_volume(writer, writer.namespace, HANDLE, cache_claim_name(writer)),
        shared_claim(writer, cache_claim_name(writer)),
        download_job(writer, account=f"{writer.name}-download"),
        shared_volume(EFS_MODEL, EFS_MODEL.namespace, HANDLE, cache_claim_name(EFS_MODEL)),
        shared_claim(EFS_MODEL, cache_claim_name(EFS_MODEL)),
    ]
    assert_matches(GOLDENS / "shared-weights.yaml", "---\n".join(as_yaml(without_program(each)) for each in made))


def test_the_policy_of_the_file_system_is_as_its_golden() -> None:
    text = file_system_policy(
        f"{ARN}:file-system/fs-1", writers=[f"{ARN}:access-point/w"], reader=f"{ARN}:access-point/r"
    )
    assert_matches(GOLDENS / "file-system-policy.json", json.dumps(json.loads(text), indent=2) + "\n")


def test_the_drivers_access_modes_are_the_only_ones_that_are_asked_for() -> None:
    """aws-efs-csi-driver pkg/driver/node.go, volumeCapAccessModes: a volume of ReadOnlyMany is never mounted."""
    for made in (shared_volume(EFS_MODEL, "models", HANDLE, "c"), shared_claim(EFS_MODEL, "c")):
        assert set(made["spec"]["accessModes"]) <= {"ReadWriteOnce", "ReadWriteMany"}


@pytest.mark.parametrize("backend", [name for name in sorted(BACKENDS) if features()["efs-cache"][name].does == YES])
@pytest.mark.parametrize("source", [HubPlan, BucketPlan])
def test_no_server_of_any_backend_writes_to_it(source: type, backend: str) -> None:
    """Nor does a pod of its own download: a writer in every pod is what there is none of."""
    ours = [each for each in EVERY_MODEL if each.backend == backend and isinstance(each.source, source)]
    for model in ours[:1]:
        on_efs = replace(model, cache=CachePlan("efs", 19))
        pod = pod_of(of_model(on_efs)[WORKLOADS[backend]])
        (volume,) = [each for each in pod["volumes"] if each["name"] == "cache"]
        assert volume["persistentVolumeClaim"] == {"claimName": f"{model.name}-cache", "readOnly": True}
        assert "initContainers" not in pod
        mounts = [mount for each in pod["containers"] for mount in each["volumeMounts"] if mount["name"] == "cache"]
        assert [each["readOnly"] for each in mounts] == [True]
    assert ours or source is BucketPlan


@pytest.fixture(scope="module")
def engine() -> Engine:
    return ran("efs")


def test_two_models_of_one_revision_in_two_namespaces_have_one_job(engine: Engine) -> None:
    (job,) = [each for each in engine.all(JOB) if each.name.endswith("-download")]
    claims = {each.name for each in engine.all(CLAIM)}
    name = job.name.removesuffix("-download")
    assert claims == {"chat-cache", "chat-compiled", "batch-cache", f"{name}-cache"}
    for model in ("chat", "batch"):
        servers = engine.named(f"{model}-deployment")
        assert job.name in servers.dependency_names, f"{model} starts before its weights are there"


def test_whose_download_it_is_is_not_in_its_urn(engine: Engine) -> None:
    (job,) = [each for each in engine.all(JOB) if each.name.endswith("-download")]
    assert "SharedWeights$" in job.urn
    sections = example("efs")
    alone = run_program({**sections, "models": sections["models"][1:]}, "efs")
    assert job.urn.split("::", 1)[1] in {each.urn.split("::", 1)[1] for each in alone.all(JOB)}


def test_it_is_encrypted_unbacked_and_open_to_the_nodes_on_one_port(engine: Engine) -> None:
    files = engine.only(FILES).plain_inputs
    assert (files["encrypted"], files["throughputMode"]) == (True, "elastic")
    assert files["lifecyclePolicies"] == [
        {"transitionToIa": "AFTER_30_DAYS"},
        {"transitionToPrimaryStorageClass": "AFTER_1_ACCESS"},
    ]
    assert engine.only("aws:efs/backupPolicy:BackupPolicy").plain_inputs["backupPolicy"] == {"status": "DISABLED"}
    rule = engine.named("weights-nodes").plain_inputs
    assert (rule["fromPort"], rule["toPort"], rule["ipProtocol"]) == (2049, 2049, "tcp")
    assert rule["referencedSecurityGroupId"]
    assert "cidrIpv4" not in rule
    group = engine.named("weights-group").plain_inputs
    assert not group.get("egress")
    targets = engine.all("aws:efs/mountTarget:MountTarget")
    assert {each.name for each in targets} == {"weights-mount-us-east-1a", "weights-mount-us-east-1b"}
    users = {each.name: each.plain_inputs["posixUser"] for each in engine.all("aws:efs/accessPoint:AccessPoint")}
    owner = {"uid": 10001, "gid": 10001}
    reader = {"uid": 10002, "gid": 10001}
    assert users == {"weights-writer": owner, "weights-compiled-chat": owner, "weights-reader": reader}


def changed(**section: Any) -> Engine:
    return run_program({**example("efs"), "fileSystem": section}, "efs")


def test_of_one_that_is_there_only_the_access_points_are_made() -> None:
    made = changed(kind="existing", id="fs-0123456789abcdef0")
    kinds = {each.type for each in made.registrations if each.type.startswith("aws:efs/")}
    assert kinds == {"aws:efs/accessPoint:AccessPoint"}
    handles = {
        each.plain_inputs["spec"]["csi"]["volumeHandle"].partition("::")[0]
        for each in made.all("kubernetes:core/v1:PersistentVolume")
    }
    assert handles == {"fs-0123456789abcdef0"}


def test_one_zone_has_one_mount_target_and_what_is_asked_for_is_protected_and_backed_up() -> None:
    sections = example("efs")
    pools = [{**each, "zones": ["us-east-1b"]} for each in sections["nodePools"]]
    wanted = {"zone": "us-east-1b", "backup": True, "protect": True, "infrequentAfterDays": None}
    made = run_program({**sections, "nodePools": pools, "fileSystem": wanted}, "efs")
    assert made.only("aws:efs/mountTarget:MountTarget").name == "weights-mount-us-east-1b"
    files = made.only(FILES)
    assert files.protect
    assert files.plain_inputs["availabilityZoneName"] == "us-east-1b"
    assert "lifecyclePolicies" not in files.plain_inputs
    assert made.only("aws:efs/backupPolicy:BackupPolicy").plain_inputs["backupPolicy"] == {"status": "ENABLED"}
