"""Differences by path, as users of Pulumi read them."""

from __future__ import annotations

from pulumi.runtime.proto import provider_pb2 as pb

from local.providers.rpc import UNKNOWN, Secret, detailed_diff, diff_response


def test_paths_are_written_as_pulumi_writes_them() -> None:
    old = {"spec": {"containers": [{"image": "a:1"}]}, "metadata": {"annotations": {"pulumi.com/x": "1", "p": "q"}}}
    new = {"spec": {"containers": [{"image": "a:2"}]}, "metadata": {"annotations": {"pulumi.com/x": "2"}}}
    assert detailed_diff(old, new) == {
        "spec.containers[0].image": "update",
        'metadata.annotations["pulumi.com/x"]': "update",
        "metadata.annotations.p": "delete",
    }


def test_an_added_map_shows_as_its_top_key() -> None:
    assert detailed_diff({"metadata": {}}, {"metadata": {"labels": {"a": "b", "c": "d"}}}) == {"metadata.labels": "add"}


def test_a_longer_list_shows_the_added_positions_only() -> None:
    assert detailed_diff({"a": [1]}, {"a": [1, 2, 3]}) == {"a[1]": "add", "a[2]": "add"}


def test_none_counts_as_absent() -> None:
    assert detailed_diff({"a": None, "b": 1}, {"b": None}) == {"b": "delete"}


def test_true_is_not_one_and_an_unknown_differs_from_what_is_known() -> None:
    assert detailed_diff({"a": True, "b": "x"}, {"a": 1, "b": UNKNOWN}) == {"a": "update", "b": "update"}


def test_secrets_are_compared_by_what_they_hold() -> None:
    assert detailed_diff({"data": Secret({"k": "1"})}, {"data": {"k": "1"}}) == {}
    assert detailed_diff({"data": Secret({"k": "1"})}, {"data": Secret({"k": "2"})}) == {"data.k": "update"}


def test_the_answer_lists_replacing_paths_apart() -> None:
    response = diff_response({"a": "update", "b": "add"}, lambda path: path == "b", delete_before_replace=True)
    assert response.changes == pb.DiffResponse.DIFF_SOME
    assert list(response.replaces) == ["b"]
    assert response.deleteBeforeReplace
    assert response.detailedDiff["a"].kind == pb.PropertyDiff.UPDATE
    assert response.detailedDiff["b"].kind == pb.PropertyDiff.ADD_REPLACE


def test_no_difference_says_so_and_deletes_nothing_first() -> None:
    response = diff_response({}, delete_before_replace=True)
    assert response.changes == pb.DiffResponse.DIFF_NONE
    assert not response.deleteBeforeReplace
