"""In-process moto, extended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from local.aws_endpoint.extension import install_extension
from tests.local.aws.driver import Driver


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    """The provider against an account that is empty at the start of each test module.

    One for all tests of a module, for making clients and loading managed policies costs more than the tests: a test
    uses objects of its own.
    """
    patch = pytest.MonkeyPatch()
    patch.delenv("AWS_ENDPOINT_URL", raising=False)
    install_extension()
    with mock_aws():
        yield Driver()
    patch.undo()
