"""Which changes are updates and which need a new object (measured on the real provider)."""

from __future__ import annotations

from typing import Any

import pytest

from local.providers.kubernetes.provider import KubernetesProvider
from local.providers.kubernetes.replacing import diff_objects
from local.providers.kubernetes.settings import ProviderSettings
from local.providers.rpc import Secret
from tests.local.providers.driver import Driver
from tests.local.providers.kubernetes.scripted import ScriptedCluster


def obj(api_version: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "n", "namespace": "d"}, **fields}


def changed(old: dict[str, Any], new: dict[str, Any], **settings: bool) -> Any:
    return diff_objects(old, new, ProviderSettings(**settings), is_patch=False)


def pod_spec(image: str) -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": image}]}


REPLACED = {
    "deployment selector": (
        obj("apps/v1", "Deployment", spec={"selector": {"matchLabels": {"a": "1"}}}),
        obj("apps/v1", "Deployment", spec={"selector": {"matchLabels": {"a": "2"}}}),
        ["spec.selector.matchLabels.a"],
    ),
    "job template": (
        obj("batch/v1", "Job", spec={"template": {"spec": pod_spec("a:1")}}),
        obj("batch/v1", "Job", spec={"template": {"spec": pod_spec("a:2")}}),
        ["spec.template.spec.containers[0].image"],
    ),
    "pod image": (
        obj("v1", "Pod", spec=pod_spec("a:1")),
        obj("v1", "Pod", spec=pod_spec("a:2")),
        ["spec.containers[0].image"],
    ),
    "service made headless": (
        obj("v1", "Service", spec={}),
        obj("v1", "Service", spec={"clusterIP": "None"}),
        ["spec.clusterIP"],
    ),
    "config map data": (
        obj("v1", "ConfigMap", data={"k": "1"}),
        obj("v1", "ConfigMap", data={"k": "2"}),
        ["data.k"],
    ),
    "secret data": (
        obj("v1", "Secret", data=Secret({"k": "1"})),
        obj("v1", "Secret", data=Secret({"k": "1", "l": "2"})),
        ["data.l"],
    ),
    "storage class": (
        obj("v1", "PersistentVolumeClaim", spec={"storageClassName": "a"}),
        obj("v1", "PersistentVolumeClaim", spec={"storageClassName": "b"}),
        ["spec.storageClassName"],
    ),
    "role": (
        obj("rbac.authorization.k8s.io/v1", "RoleBinding", roleRef={"name": "a"}),
        obj("rbac.authorization.k8s.io/v1", "RoleBinding", roleRef={"name": "b"}),
        ["roleRef.name"],
    ),
    "stateful set's service": (
        obj("apps/v1", "StatefulSet", spec={"serviceName": "a"}),
        obj("apps/v1", "StatefulSet", spec={"serviceName": "b"}),
        ["spec.serviceName"],
    ),
}
UPDATED = {
    "deployment template": (
        obj("apps/v1", "Deployment", spec={"replicas": 1, "template": {"spec": pod_spec("a:1")}}),
        obj("apps/v1", "Deployment", spec={"replicas": 2, "template": {"spec": pod_spec("a:2")}}),
    ),
    "job backoff limit": (
        obj("batch/v1", "Job", spec={"backoffLimit": 1}),
        obj("batch/v1", "Job", spec={"backoffLimit": 2}),
    ),
    "claim size": (
        obj("v1", "PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "1Gi"}}}),
        obj("v1", "PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "2Gi"}}}),
    ),
    "service type": (
        obj("v1", "Service", spec={"type": "ClusterIP"}),
        obj("v1", "Service", spec={"type": "NodePort"}),
    ),
    "disruption budget selector": (
        obj("policy/v1", "PodDisruptionBudget", spec={"selector": {"matchLabels": {"a": "1"}}}),
        obj("policy/v1", "PodDisruptionBudget", spec={"selector": {"matchLabels": {"a": "2"}}}),
    ),
    "custom resource called like a built-in": (
        obj("ex.io/v1", "ConfigMap", data={"k": "1"}),
        obj("ex.io/v1", "ConfigMap", data={"k": "2"}),
    ),
}


@pytest.mark.parametrize("case", REPLACED)
def test_these_changes_replace_and_delete_the_named_object_first(case: str) -> None:
    old, new, paths = REPLACED[case]
    response = changed(old, new)
    assert list(response.replaces) == paths
    assert response.deleteBeforeReplace


@pytest.mark.parametrize("case", UPDATED)
def test_these_changes_update_in_place(case: str) -> None:
    response = changed(*UPDATED[case])
    assert response.detailedDiff
    assert list(response.replaces) == []


def test_labels_of_anything_are_an_update() -> None:
    old = obj("v1", "Secret", data=Secret({"k": "1"}))
    new = {**old, "metadata": {**old["metadata"], "labels": {"a": "b"}}}
    response = changed(old, new)
    assert dict(response.detailedDiff).keys() == {"metadata.labels"}
    assert list(response.replaces) == []


@pytest.mark.parametrize("key", ["name", "namespace"])
def test_a_renamed_or_moved_object_is_created_before_the_old_one_goes(key: str) -> None:
    old = obj("v1", "ConfigMap")
    new = {**old, "metadata": {**old["metadata"], key: "other"}}
    response = changed(old, new)
    assert list(response.replaces) == [f"metadata.{key}"]
    assert not response.deleteBeforeReplace


def test_an_autonamed_object_is_created_before_the_old_one_goes() -> None:
    metadata = {"name": "n-1", "annotations": {"pulumi.com/autonamed": "true"}}
    old = {**obj("v1", "ConfigMap", data={"k": "1"}), "metadata": metadata}
    response = changed(old, {**old, "data": {"k": "2"}})
    assert list(response.replaces) == ["data.k"]
    assert not response.deleteBeforeReplace


def test_mutable_config_maps_are_updated_except_immutable_ones() -> None:
    old, new = obj("v1", "ConfigMap", data={"k": "1"}), obj("v1", "ConfigMap", data={"k": "2"})
    assert list(changed(old, new, config_map_mutable=True).replaces) == []
    assert list(changed({**old, "immutable": True}, {**new, "immutable": True}, config_map_mutable=True).replaces)
    secrets = obj("v1", "Secret", data={"k": "1"}), obj("v1", "Secret", data={"k": "2"})
    assert list(changed(*secrets, config_map_mutable=True).replaces) == ["data.k"]
    assert list(changed(*secrets, secret_mutable=True).replaces) == []


def test_equal_inputs_need_no_server_and_no_change() -> None:
    same = obj("apps/v1", "Deployment", spec={"replicas": 1})
    response = Driver(KubernetesProvider()).diff("kubernetes:apps/v1:Deployment", same, same)
    assert dict(response.detailedDiff) == {}
    assert not response.replaces


@pytest.mark.parametrize(
    ("conditions", "is_replaced"),
    [([{"type": "Complete", "status": "True"}], False), ([{"type": "Failed", "status": "True"}], True), ([], True)],
)
def test_a_job_that_did_not_succeed_is_replaced_where_the_program_asks_for_it(
    conditions: list[dict[str, str]], is_replaced: bool
) -> None:
    job = obj("batch/v1", "Job", spec={"backoffLimit": 1})
    job["metadata"]["annotations"] = {"pulumi.com/replaceUnready": "true"}
    provider = KubernetesProvider()
    provider.cluster = ScriptedCluster(lambda *_: {**job, "status": {"conditions": conditions}})
    response = Driver(provider).diff("kubernetes:batch/v1:Job", job, job)
    assert list(response.replaces) == (['metadata.annotations["pulumi.com/replaceUnready"]'] if is_replaced else [])
    assert response.deleteBeforeReplace == is_replaced


def test_a_job_without_that_wish_is_not_looked_at() -> None:
    job = obj("batch/v1", "Job", spec={"backoffLimit": 1})
    provider = KubernetesProvider()
    cluster = ScriptedCluster(lambda *_: {})
    provider.cluster = cluster
    assert not Driver(provider).diff("kubernetes:batch/v1:Job", job, job).replaces
    assert cluster.asked == []
