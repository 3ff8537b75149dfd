"""The Price List service, which moto does not have, and spot prices, of which moto says 0.00001 dollars for all.

Prices are those that the plan counts with (planning/facts): on-demand of us-east-1 for every region.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.responses import EC2Response

from local.aws_endpoint import market
from local.aws_endpoint.market import SPOT, Offering

TARGET = "AWSPriceListService.GetProducts"
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def install() -> None:
    """Patches moto's class; once per process."""
    EC2Response.describe_spot_price_history = _describe_spot_price_history


def _describe_spot_price_history(response: Any) -> ActionResult:
    """The price of now, of what has one: EC2 lists nothing for an offering that is not sold as spot."""
    offered = response.ec2_backend.describe_spot_price_history(
        response._get_param("InstanceTypes", []), response._filters_from_querystring()
    )
    prices = {(offer["InstanceType"], offer["Location"]): _spot_price(offer) for offer in offered}
    history = [
        {
            "InstanceType": name,
            "ProductDescription": "Linux/UNIX",
            "SpotPrice": f"{price:.6f}",
            "AvailabilityZone": zone,
            "Timestamp": utcnow(),
        }
        for (name, zone), price in prices.items()
        if price is not None
    ]
    return ActionResult({"SpotPriceHistory": history})


def _spot_price(offered: Mapping[str, str]) -> float | None:
    return market.price(Offering(offered["InstanceType"], offered["Location"], SPOT))


def with_price_list(application: Wsgi) -> Wsgi:
    """The server's application, and GetProducts before it: moto would take a service it lacks for S3."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET") != TARGET:
            return application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = json.dumps(products(json.loads(body or b"{}"))).encode()
        start_response("200 OK", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(answer)))])
        return [answer]

    return serve


def products(asked: Mapping[str, Any]) -> dict[str, Any]:
    """GetProducts of AmazonEC2: one product for each type with a price, unless a filter says what none of them is.

    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
    """
    filters = {filter_["Field"]: filter_["Value"] for filter_ in asked.get("Filters") or []}
    sold = asked.get("ServiceCode") == "AmazonEC2"
    products = [_product(name, usd) for name, usd in market.on_demand_prices().items()] if sold else []
    own = ("tenancy", "productFamily", "instanceType")
    terms = {key: filters[key] for key in own if key in filters}
    kept = [product for product in products if terms.items() <= product["product"]["attributes"].items()]
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(product) for product in kept]}


def _product(name: str, usd: float) -> dict[str, Any]:
    metal = ".metal" in name
    attributes = {
        "instanceType": name,
        "tenancy": "Dedicated" if metal else "Shared",
        "productFamily": "Compute Instance (bare metal)" if metal else "Compute Instance",
        "operatingSystem": "Linux",
    }
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": f"{usd:.10f}"}}
    return {
        "product": {"attributes": attributes},
        "terms": {"OnDemand": {f"{name}.term": {"priceDimensions": {f"{name}.rate": dimension}}}},
    }
