"""What happens in EC2 without anybody calling it, by HTTP beside moto's own switches: for tests, of any process.

POST /moto-api/local/sold-out    {"offerings": [{"instance_type", "zone", "lifecycle"}]}; an empty list: all is there
POST /moto-api/local/take-back   {"region", "instance_id", "notice_seconds"}: a spot instance's last two minutes
GET  /moto-api/local/node-updates    updates of node groups under way (eks_node_updates), for the node watcher
POST /moto-api/local/node-updates/ended    {"region", "cluster", "group", "update"}, "code", "message", "resources"
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.backends import get_backend
from moto.moto_api._internal import urls

from local.aws_endpoint import eks_node_updates, instance_events, market
from local.aws_endpoint.contract.account import ACCOUNT_ID

Answer = tuple[int, dict[str, str], str]


def install() -> None:
    """Adds the paths; once per process."""
    urls.url_paths["{0}/moto-api/local/sold-out"] = _switch(_sold_out)
    urls.url_paths["{0}/moto-api/local/take-back"] = _switch(_take_back)
    urls.url_paths["{0}/moto-api/local/node-updates"] = _node_updates
    urls.url_paths["{0}/moto-api/local/node-updates/ended"] = _switch(eks_node_updates.end)


def _switch(act: Callable[[Mapping[str, Any]], None]) -> Callable[[Any, str, Any], Answer]:
    """What is wrong with the request is said with 400."""

    def handle(request: Any, full_url: str, headers: Any) -> Answer:
        try:
            act(json.loads(request.data or b"{}"))
        except (KeyError, TypeError, ValueError) as error:
            return 400, {}, f"{type(error).__name__}: {error}"
        return 200, {}, ""

    handle.__name__ = act.__name__
    return handle


def _node_updates(request: Any, full_url: str, headers: Any) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(list(eks_node_updates.under_way()))


def _sold_out(asked: Mapping[str, Any]) -> None:
    offerings = {market.Offering(**offering) for offering in asked["offerings"]}
    market.restock()
    market.current().sold_out |= offerings


def _take_back(asked: Mapping[str, Any]) -> None:
    ec2 = get_backend("ec2")[ACCOUNT_ID][asked["region"]]
    instance = ec2.get_instance(asked["instance_id"])
    instance_events.take_back(instance, float(asked.get("notice_seconds", instance_events.NOTICE_SECONDS)))
