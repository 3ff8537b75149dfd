"""Times of scrapes."""

from __future__ import annotations

import pytest

from components.scraping import scrape_times


@pytest.mark.parametrize(("interval_seconds", "timeout"), [(5, "5s"), (10, "10s"), (30, "10s")])
def test_a_scrape_takes_no_longer_than_its_interval_nor_than_prometheus_default(
    interval_seconds: int, timeout: str
) -> None:
    assert scrape_times(interval_seconds) == {"interval": f"{interval_seconds}s", "scrapeTimeout": timeout}
