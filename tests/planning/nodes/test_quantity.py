from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from planning.nodes.quantity import as_cpu, as_mib, mib, millicores


@pytest.mark.parametrize(
    ("text", "expected"), [("12Gi", 12288), ("1", 1), ("1.5Gi", 1536), ("500M", 477), ("0.5Ti", 524288), ("1024k", 1)]
)
def test_memory_is_read_in_mib_and_rounded_up(text: str, expected: int) -> None:
    assert mib(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("500m", 500), ("4", 4000), ("0.5", 500), ("1.0005", 1001)])
def test_cpu_is_read_in_millicores_and_rounded_up(text: str, expected: int) -> None:
    assert millicores(text) == expected


@pytest.mark.parametrize("text", ["", "12 Gi", "-1", "1e3", "12GiB", "Gi"])
def test_what_is_no_quantity_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="12Gi"):
        mib(text)


@given(some.integers(min_value=1, max_value=10**7))
def test_what_is_written_is_read_back(value: int) -> None:
    assert mib(as_mib(value)) == value
    assert millicores(as_cpu(value)) == value
