"""Field managers that are merged into ours, and inputs read back from a live object."""

from __future__ import annotations

from typing import Any

from local.providers.kubernetes.managers import merged_entries, owns_by_apply
from local.providers.kubernetes.readback import inputs_from_live
from local.providers.rpc import Secret

MINE = "pulumi-kubernetes-0badcafe"


def entry(manager: str, operation: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def live(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"managedFields": list(entries)}}


def test_the_fields_of_our_create_become_those_of_our_apply() -> None:
    merged = merged_entries(live(entry("pulumi-kubernetes", "Update", {"f:data": {"f:a": {}}})), MINE)
    assert merged == [entry(MINE, "Apply", {"f:data": {"f:a": {}}})]


def test_what_kubectl_changed_becomes_ours_and_what_others_changed_stays_theirs() -> None:
    other = entry("controller", "Update", {"f:data": {"f:x": {}}})
    scaled = entry("kubectl", "Update", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    merged = merged_entries(
        live(
            entry(MINE, "Apply", {"f:data": {"f:a": {}}}),
            other,
            entry("kubectl-edit", "Update", {"f:data": {"f:b": {}}, "f:metadata": {"f:labels": {}}}),
            scaled,
        ),
        MINE,
    )
    ours = entry(MINE, "Apply", {"f:data": {"f:a": {}, "f:b": {}}, "f:metadata": {"f:labels": {}}})
    assert merged == [ours, other, scaled]


def test_nothing_to_merge_means_no_call() -> None:
    assert merged_entries(live(entry(MINE, "Apply", {}), entry("controller", "Update", {})), MINE) is None


def test_we_own_by_apply_only_after_an_apply_of_this_resource() -> None:
    assert not owns_by_apply(live(entry("pulumi-kubernetes", "Update", {})), MINE)
    assert not owns_by_apply(live(entry("pulumi-kubernetes-ffffffff", "Apply", {})), MINE)
    assert owns_by_apply(live(entry(MINE, "Apply", {})), MINE)


def test_only_fields_that_the_program_set_are_read_back() -> None:
    inputs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "n", "labels": {"a": "1"}},
        "data": {"k": "v"},
    }
    now = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "n", "labels": {"a": "2", "theirs": "x"}, "uid": "u"},
        "data": {"k": "edited", "added": "by others"},
    }
    assert inputs_from_live(now, inputs) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "n", "labels": {"a": "2"}},
        "data": {"k": "edited"},
    }


def test_a_field_that_is_gone_from_the_server_is_gone_from_the_inputs() -> None:
    assert inputs_from_live({"data": {}}, {"data": {"k": "v"}}) == {"data": {}}


def test_empty_values_that_the_server_does_not_store_are_no_drift() -> None:
    inputs = {"spec": {"hostNetwork": False, "delay": 0, "labels": {}, "args": []}}
    assert inputs_from_live({"spec": {}}, inputs) == inputs


def test_list_items_are_found_by_their_key_whatever_their_order() -> None:
    inputs = {"containers": [{"name": "b", "image": "b:1"}, {"name": "a", "image": "a:1", "args": ["x"]}]}
    now = {
        "containers": [
            {"name": "a", "image": "a:2", "args": ["y", "z"], "imagePullPolicy": "Always"},
            {"name": "injected", "image": "i"},
            {"name": "b", "image": "b:1"},
        ]
    }
    assert inputs_from_live(now, inputs) == {
        "containers": [{"name": "b", "image": "b:1"}, {"name": "a", "image": "a:2", "args": ["y", "z"]}]
    }


def test_ports_match_though_the_server_filled_the_protocol_in() -> None:
    inputs = {"ports": [{"containerPort": 8000}]}
    assert inputs_from_live({"ports": [{"containerPort": 8000, "protocol": "TCP"}]}, inputs) == inputs


def test_finalizers_of_others_are_not_ours() -> None:
    inputs = {"metadata": {"finalizers": ["a/b"]}}
    assert inputs_from_live({"metadata": {"finalizers": ["a/b", "foregroundDeletion"]}}, inputs) == inputs


def test_secret_values_stay_secret_when_read_back() -> None:
    inputs = {"data": Secret({"k": "b2xk"})}
    assert inputs_from_live({"data": {"k": "bmV3", "more": "eA=="}}, inputs) == {"data": Secret({"k": "bmV3"})}
