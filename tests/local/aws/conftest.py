"""In-process moto, extended, for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from local.aws_endpoint.extension import install_extension
from tests.local.aws.driver import Driver


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """The provider against an empty account."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    install_extension()
    with mock_aws():
        yield Driver()
