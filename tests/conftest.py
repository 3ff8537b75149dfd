"""Shared fixtures, and how many examples a property draws."""

from __future__ import annotations

import gc
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import once

REPO = Path(__file__).resolve().parent.parent

# Who runs the tests has an account, and no test may ask it.
for _name in [each for each in os.environ if each.startswith("AWS_") and each != "AWS_CA_BUNDLE"]:
    del os.environ[_name]
os.environ |= {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
}

once.install()

# `make test` draws the same examples each time; `make fuzz` draws COUNT new ones from the seed that it prints.
_ALWAYS = settings(
    deadline=None, database=None, print_blob=True, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
_COUNT = os.environ.get("FUZZ_COUNT")
settings.register_profile("test", _ALWAYS, max_examples=100)
settings.register_profile("fuzz", _ALWAYS, derandomize=False, max_examples=int(_COUNT or 20_000))
settings.load_profile("fuzz" if _COUNT else "test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with few tests first: those that bring stacks up and down are among them, and one that begins last keeps
    one worker at work when the others have nothing left. With `--no-loadscope-reorder`: xdist has it the other way."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: tests[item.path])


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Here and not in `once.install`, which programs without pytest import, too."""
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """What was imported and collected stays, so the collector begins behind it."""
    once.collect_garbage()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Which goldens UPDATE_GOLDENS=1 wrote, and how much of each is new."""
    from tests.golden import CHANGED

    if CHANGED:
        terminalreporter.section(f"goldens written: {len(CHANGED)}")
        for path, what in sorted(CHANGED.items()):
            terminalreporter.write_line(f"{path.relative_to(REPO)}: {what}")
