"""Asks AWS' price list for the tables of prices: `python -m tools.refresh_prices [--write]`.

Wants credentials that may `pricing:GetProducts`. On-demand, Linux, shared tenancy, no licences. Says which types
changed; `--write` writes planning/facts/prices.csv (us-east-1, every type of the file) and region_prices.csv (each
family's price in a region ÷ its price in us-east-1). instances.csv follows with `python tools/generate_instances.py`.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html, read 2026-11-27.
Exits 1 where the list cannot be asked.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from planning.facts import rows
from planning.nodes.prices import PRICED_REGION

FACTS = Path(__file__).parent.parent / "planning" / "facts"
ENDPOINT_REGION = "us-east-1"  # the price list answers in three regions only
SOURCE = "AWS price list, pricing:GetProducts"
_PLAIN = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}


def prices_of(client: Any, name: str) -> dict[str, float]:
    """US dollars per hour of a type by region, of those that sell it."""
    terms = {"instanceType": name, **_PLAIN}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in terms.items()]
    prices: dict[str, float] = {}
    for page in client.get_paginator("get_products").paginate(ServiceCode="AmazonEC2", Filters=filters):
        for text in page["PriceList"]:
            product = json.loads(text)
            region = product["product"]["attributes"].get("regionCode", "")
            for usd in _on_demand(product):
                if usd > 0:
                    prices[region] = usd
    return prices


def _on_demand(product: Mapping[str, Any]) -> Iterator[float]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"] == "Hrs":
                yield float(dimension["pricePerUnit"].get("USD", 0))


def price_table(asked: Mapping[str, Mapping[str, float]], today: str) -> str:
    """prices.csv: what was asked, and the old row of a type that us-east-1 does not sell any more."""
    lines = [*_head("prices.csv"), "name,usd_per_hour,dated,source"]
    for old in rows("prices.csv"):
        usd = asked.get(old["name"], {}).get(PRICED_REGION)
        kept = ",".join((old["name"], old["usd_per_hour"], old["dated"], old["source"]))
        lines.append(kept if usd is None else f"{old['name']},{usd:g},{today},{SOURCE}")
    return "\n".join(lines) + "\n"


def factor_table(asked: Mapping[str, Mapping[str, float]], today: str) -> str:
    """region_prices.csv: the median over a family's types, which agree to a thousandth."""
    ratios: dict[tuple[str, str], list[float]] = {}
    for name, by_region in asked.items():
        here = by_region.get(PRICED_REGION)
        for region, usd in by_region.items() if here else ():
            if region != PRICED_REGION and here:
                ratios.setdefault((region, name.split(".")[0]), []).append(usd / here)
    lines = [
        f"# On-demand price of a family's types in a region ÷ the same types' in {PRICED_REGION}: {SOURCE}, {today}.",
        "region,family,factor",
        *(f"{region},{family},{round(median(factors), 3):g}" for (region, family), factors in sorted(ratios.items())),
    ]
    return "\n".join(lines) + "\n"


def _head(name: str) -> list[str]:
    return [line for line in (FACTS / name).read_text(encoding="utf-8").splitlines() if line.startswith("#")]


def changed(asked: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """A line per type whose price is another one than the table's."""
    for old in rows("prices.csv"):
        usd = asked.get(old["name"], {}).get(PRICED_REGION)
        if usd is None:
            yield f"{old['name']}: not sold in {PRICED_REGION}; kept {old['usd_per_hour']} of {old['dated']}"
        elif abs(usd - float(old["usd_per_hour"])) > 1e-9:
            yield f"{old['name']}: {old['usd_per_hour']} -> {usd:g}"


def main(arguments: list[str] | None = None, client: Any = None) -> int:
    """Answers the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables")
    parsed = parser.parse_args(arguments)
    names: Iterable[str] = [row["name"] for row in rows("prices.csv")]
    try:
        client = client or boto3.client("pricing", region_name=ENDPOINT_REGION)
        asked = {name: prices_of(client, name) for name in names}
    except (BotoCoreError, ClientError) as error:
        print(f"AWS' price list cannot be asked: {error}", file=sys.stderr)
        return 1
    lines = list(changed(asked))
    print("\n".join(lines) or "no price changed")
    if parsed.write:
        today = datetime.now(UTC).date().isoformat()
        tables = {"prices.csv": price_table(asked, today), "region_prices.csv": factor_table(asked, today)}
        for name, text in tables.items():
            (FACTS / name).write_text(text, encoding="utf-8")
        print("written: now python tools/generate_instances.py")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
