"""The price list is asked as AWS documents it, and the tables are what it said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from planning.facts import rows
from tools import refresh_prices


def product(region: str, usd: str, unit: str = "Hrs") -> str:
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}}
    terms = {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": dimension}}}}
    return json.dumps({"product": {"attributes": {"regionCode": region}}, "terms": terms})


@pytest.fixture
def pricing() -> tuple[Any, Stubber]:
    client = boto3.client("pricing", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    return client, Stubber(client)


def test_only_plain_linux_on_demand_hours_are_read(pricing: tuple[Any, Stubber]) -> None:
    client, stub = pricing
    listed = [product("us-east-1", "0.8"), product("eu-central-1", "1.0"), product("eu-west-1", "0.0")]
    stub.add_response(
        "get_products",
        {"PriceList": [*listed, product("us-west-2", "9", "Quantity")]},
        {"ServiceCode": "AmazonEC2", "Filters": ANY},
    )
    with stub:
        assert refresh_prices.prices_of(client, "g6.xlarge") == {"us-east-1": 0.8, "eu-central-1": 1.0}


def test_the_tables_hold_what_was_said_and_keep_what_was_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {
        "g6.xlarge": {"us-east-1": 0.9, "eu-central-1": 1.08},
        "g6.2xlarge": {"us-east-1": 1.0, "eu-central-1": 1.2},
    }
    for name in ("prices.csv", "region_prices.csv"):
        (tmp_path / name).write_text((refresh_prices.FACTS / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(refresh_prices, "FACTS", tmp_path)
    monkeypatch.setattr(refresh_prices, "prices_of", lambda _client, name: said.get(name, {}))
    assert refresh_prices.main(["--write"], client=object()) == 0
    assert "g6.xlarge: 0.8048 -> 0.9" in capsys.readouterr().out
    written = (tmp_path / "prices.csv").read_text(encoding="utf-8")
    assert "g6.xlarge,0.9,20" in written
    assert next(line for line in written.splitlines() if line.startswith("p5.48xlarge")) == ",".join(
        next(row for row in rows("prices.csv") if row["name"] == "p5.48xlarge").values()
    )
    assert (tmp_path / "region_prices.csv").read_text(encoding="utf-8").splitlines()[-1] == "eu-central-1,g6,1.2"


def test_a_list_that_cannot_be_asked_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pricing: tuple[Any, Stubber]
) -> None:
    client, stub = pricing
    stub.add_client_error("get_products", "AccessDeniedException", "not allowed")
    with stub:
        assert refresh_prices.main([], client=client) == 1
    assert capsys.readouterr().err.startswith("AWS' price list cannot be asked: ")
