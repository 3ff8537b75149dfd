"""Two makings of the same stack compare equal; what lacks, is double or other is said."""

from __future__ import annotations

from typing import Any

from local.faults.final_state import FinalState, aws_of, differences, objects_of, resources_of, without_ids

EMPTY = FinalState({}, {}, {})


def resource(vpc: str, cidr: str = "10.0.0.0/16", **more: Any) -> dict[str, Any]:
    return {"urn": "urn:pulumi:s::p::aws:ec2/subnet:Subnet::a", "inputs": {"vpcId": vpc, "cidrBlock": cidr, **more}}


def thing(kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "models", **metadata}, "spec": {"replicas": 1}}


def test_another_vpc_id_is_no_difference_and_another_setting_is_one() -> None:
    first, same = resources_of([resource("vpc-0a1b2c3d4e5f60718")]), resources_of([resource("vpc-ffffffffffffffff0")])
    assert first == same
    other = resources_of([resource("vpc-0a1b2c3d4e5f60718", mapPublicIpOnLaunch=True)])
    (line,) = differences(FinalState(first, {}, {}), FinalState(other, {}, {}))
    assert "aws:ec2/subnet:Subnet::a is other" in line
    assert "mapPublicIpOnLaunch" in line


def test_a_secret_counts_as_there_whatever_its_ciphertext() -> None:
    sealed = [resources_of([resource("v", token={"4dabf": "1b47", "ciphertext": text})]) for text in ("a", "b")]
    assert sealed[0] == sealed[1]
    assert "<secret>" in next(iter(sealed[0].values()))


def test_a_launch_templates_version_counts_its_history_and_is_left_out() -> None:
    assert without_ids({"launchTemplate": {"id": "lt-0123456789abcdef0", "version": "3"}}) == {
        "launchTemplate": {"id": "<id>", "version": "<version>"}
    }


def test_what_a_controller_made_for_another_object_is_left_out() -> None:
    owned = thing("Pod", "qwen-abc12", ownerReferences=[{"controller": True, "kind": "ReplicaSet"}])
    assert objects_of([owned, thing("Deployment", "qwen")]).keys() == {"Deployment models/qwen"}


def test_a_helm_release_is_one_whatever_its_revision() -> None:
    once = objects_of([thing("Secret", "sh.helm.release.v1.gpu-operator.v1")])
    assert once == objects_of([thing("Secret", f"sh.helm.release.v1.gpu-operator.v{n}") for n in (2, 3)])


def test_an_object_that_is_being_deleted_is_not_the_object() -> None:
    (line, extra) = differences(
        FinalState({}, objects_of([thing("Service", "qwen")]), {}),
        FinalState({}, objects_of([thing("Service", "qwen", deletionTimestamp="2026-01-01T00:00:00Z")]), {}),
    )
    assert line == "cluster: lacks Service models/qwen"
    assert extra == "cluster: too much: Service models/qwen (being deleted)"


def test_what_was_made_twice_in_aws_is_seen() -> None:
    once, twice = aws_of(["vpc network-vpc"]), aws_of(["vpc network-vpc", "vpc network-vpc"])
    (line,) = differences(FinalState({}, {}, once), FinalState({}, {}, twice))
    assert line == "aws: vpc network-vpc is other: …1… expected, …2… found"
    assert differences(FinalState({}, {}, once), EMPTY) == ["aws: lacks vpc network-vpc"]
    assert differences(EMPTY, EMPTY) == []


def test_names_that_hold_an_address_or_pulumis_suffix_are_the_same_each_time() -> None:
    nodes = objects_of([thing("Node", f"ip-10-0-{n}-5.ec2.internal") for n in (1, 2)])
    assert nodes == {"Node models/<id>.ec2.internal": "2"}
    assert objects_of([thing("IPAddress", "10.96.0.7")]) == {}
    assert aws_of(["role node-role-1b37b48"]) == aws_of(["role node-role-a15d2ba"]) == {"role node-role-<id>": "1"}


def test_a_volume_is_one_whatever_its_id() -> None:
    names = ("pvc-1b2c3d4e-1111-2222-3333-444455556666", "pvc-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
    first, second = (objects_of([thing("PersistentVolume", name)]) for name in names)
    assert first == second


def test_replicas_of_what_an_hpa_scales_are_the_hpas_and_those_of_others_count() -> None:
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "qwen"}}
    hpa = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "qwen", "namespace": "models"}, "spec": target}

    def seen(name: str, replicas: int) -> dict[str, str]:
        deployment = {**thing("Deployment", name), "spec": {"replicas": replicas, "paused": False}}
        return {key: value for key, value in objects_of([hpa, deployment]).items() if "Deployment models" in key}

    assert seen("qwen", 1) == seen("qwen", 2)
    assert "paused" in seen("qwen", 1)["Deployment models/qwen"]
    assert seen("other", 1) != seen("other", 2)


def test_the_api_servers_own_service_is_left_out_for_its_port_may_move() -> None:
    own = {**thing("Service", "kubernetes", namespace="default"), "spec": {"ports": [{"targetPort": 16444}]}}
    assert objects_of([own]) == {}
    assert objects_of([thing("Service", "kubernetes")]).keys() == {"Service models/kubernetes"}
