"""Which AMI release is older than another."""

from __future__ import annotations

import pytest

from planning.versions.releases import goes_back


@pytest.mark.parametrize(
    ("before", "after", "back"),
    [
        ("1.35.4-20260505", "1.35.0-20260128", True),
        ("1.35.0-20260128", "1.35.0-20260127", True),
        ("1.35.0-20260128", "1.35.0-20260128", False),
        ("1.9.0-20260128", "1.35.0-20260128", False),
        ("1.35.0-20260128", "1.9.0-20260128", True),
        ("1.57.0-0a1b2c3d", "1.56.0-4e5f6a7b", True),
        ("1.9.0", "1.57.0", False),
        ("1.57.0", "1.56.0-4e5f6a7b", True),
        ("1.57.0-0a1b2c3d", "1.35.0-20260128", False),
        ("", "1.35.0-20260128", False),
        ("unknown", "1.35.0-20260128", False),
    ],
)
def test_an_older_release_is_known_by_its_numbers_and_its_day(before: str, after: str, back: bool) -> None:
    assert goes_back(before, after) == back
