from __future__ import annotations

import pytest

from planning.architectures.table import architecture
from planning.memory.size import UNKNOWN_WEIGHTS_BYTES, model_size, parameters_named


@pytest.mark.parametrize(
    ("model_id", "parameters"),
    [
        ("nobody/x-7B-Instruct", 7e9),
        ("nobody/x-0.5b", 0.5e9),
        ("nobody/Mixtral-8x7B-v0.1", 56e9),
        ("nobody/tiny-135M", 135e6),
        ("nobody/phi-4", None),
        ("nobody/abc123b4", None),
    ],
)
def test_a_size_is_read_from_a_name(model_id: str, parameters: float | None) -> None:
    assert parameters_named(model_id) == parameters


def test_what_is_downloaded_is_what_is_stored_not_what_is_served() -> None:
    source = "Qwen/Qwen2.5-7B-Instruct"
    whole = model_size(source, architecture(source), "none")
    assert whole.known
    assert whole.on_disk_bytes == pytest.approx(15.23e9, rel=0.01)  # the repository's four files
    packed = model_size(f"{source}-AWQ", architecture(f"{source}-AWQ"), "awq")
    assert packed.on_disk_bytes == pytest.approx(5.58e9, rel=0.05)


def test_an_unnamed_size_is_taken_for_large() -> None:
    size = model_size("nobody/nothing", None, "none")
    assert (size.on_disk_bytes, size.known) == (UNKNOWN_WEIGHTS_BYTES, False)
