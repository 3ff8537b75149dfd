"""The wire's marks as the preview knows them are the SDK's own, which the preview must not import to show a report."""

from __future__ import annotations

import re
from pathlib import Path

from pulumi.runtime import rpc

from preview import values


def test_the_marks_are_the_sdks() -> None:
    assert rpc._special_sig_key == values.SIGNATURE_KEY
    assert rpc._special_secret_sig == values.SECRET_SIGNATURE
    assert rpc._special_output_value_sig == values.OUTPUT_SIGNATURE
    assert rpc.UNKNOWN == values.UNKNOWN_TEXT


def test_every_kind_of_unknown_that_the_sdk_knows_is_shown_as_one() -> None:
    known = set(
        re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", Path(rpc.__file__).read_text())
    )
    assert known
    assert known <= values.UNKNOWNS
    assert [values.shown(mark) for mark in values.UNKNOWNS] == [values.UNKNOWN] * len(values.UNKNOWNS)
