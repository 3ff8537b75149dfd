"""Property trees on the wire: what the engine sends is what a provider sees, and back."""

from __future__ import annotations

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from local.providers.rpc import (
    UNKNOWN,
    Secret,
    contains_unknown,
    from_struct,
    mark_secrets_like,
    plain,
    to_struct,
)

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.just(UNKNOWN)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        | inner.filter(lambda value: not isinstance(value, Secret)).map(Secret)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), trees, max_size=4))
def test_a_tree_survives_the_way_to_the_engine_and_back(tree: dict[str, object]) -> None:
    assert from_struct(to_struct(tree)) == tree


def test_whole_numbers_arrive_as_integers_and_others_as_floats() -> None:
    got = from_struct(to_struct({"replicas": 3.0, "share": 0.9}))
    assert got == {"replicas": 3, "share": 0.9}
    assert isinstance(got["replicas"], int)


def test_an_output_value_is_unwrapped_with_its_secrecy() -> None:
    struct = Struct()
    struct.update(
        {
            "open": {SIGNATURE: OUTPUT, "value": "a"},
            "hidden": {SIGNATURE: OUTPUT, "value": "b", "secret": True},
            "later": {SIGNATURE: OUTPUT, "dependencies": ["urn"]},
        }
    )
    assert from_struct(struct) == {"open": "a", "hidden": Secret("b"), "later": UNKNOWN}


def test_a_secret_goes_to_the_engine_under_its_signature() -> None:
    struct = to_struct({"token": Secret("hf_x")})
    assert dict(struct["token"]) == {SIGNATURE: SECRET, "value": "hf_x"}


@pytest.mark.parametrize("sentinel", ["04da6b54-80e4-46f7-96ec-b56ff0331ba9", "3eeb2bf0-c639-47a8-9e75-3b44932eb421"])
def test_every_sentinel_of_the_engine_is_unknown(sentinel: str) -> None:
    struct = Struct()
    struct.update({"a": [sentinel]})
    assert from_struct(struct) == {"a": [UNKNOWN]}
    assert contains_unknown({"a": Secret([UNKNOWN])})
    assert not contains_unknown({"a": Secret(["x"])})


def test_a_value_that_no_property_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        to_struct({"a": {1, 2}})


def test_a_secret_does_not_show_its_value_when_printed() -> None:
    assert "hf_canary" not in repr({"token": Secret("hf_canary")})


def test_secrets_are_marked_where_the_inputs_have_them() -> None:
    inputs = {"data": Secret({"a": "1"}), "list": [{"v": Secret("x")}, {"v": "y"}], "open": 1}
    live = {"data": {"a": "2"}, "list": [{"v": "X", "w": 1}, {"v": "Y"}], "open": 2, "status": {}}
    assert mark_secrets_like(live, inputs) == {
        "data": Secret({"a": "2"}),
        "list": [{"v": Secret("X"), "w": 1}, {"v": "Y"}],
        "open": 2,
        "status": {},
    }


def test_a_list_that_held_a_secret_and_changed_its_length_is_secret_as_a_whole() -> None:
    marked = mark_secrets_like([{"v": "a"}, {"v": "b"}], [{"v": Secret("a")}])
    assert marked == [Secret({"v": "a"}), Secret({"v": "b"})]
    assert plain(marked) == [{"v": "a"}, {"v": "b"}]
