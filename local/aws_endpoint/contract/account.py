"""The account that the endpoint plays: who calls, from where, which zones, which quotas, how often it says "slower"."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone

ACCOUNT_ID = "123456789012"
"""moto's."""

Zones = Mapping[str, Mapping[str, str]]
"""By region: zone name -> zone id, as this account has them."""

# Zone names are an account's own (https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html).
# us-east-1: in an older account any letter may be use1-az3, which EKS refuses. ap-northeast-1, us-west-1: an account
# of today sees three of four letters, or two of three (TheSudoYT/terraform-aws-palworld#9, openshift/installer#1789,
# Coalfire-Research/npk#10).
OLDER: Zones = {
    "us-east-1": {
        "us-east-1a": "use1-az3",
        "us-east-1b": "use1-az6",
        "us-east-1c": "use1-az1",
        "us-east-1d": "use1-az2",
        "us-east-1e": "use1-az4",
        "us-east-1f": "use1-az5",
    },
    "ap-northeast-1": {"ap-northeast-1a": "apne1-az4", "ap-northeast-1b": "apne1-az3", "ap-northeast-1c": "apne1-az1"},
    "us-west-1": {"us-west-1b": "usw1-az3", "us-west-1c": "usw1-az1"},
}
NEWER: Zones = {
    "us-east-1": {
        "us-east-1a": "use1-az1",
        "us-east-1b": "use1-az2",
        "us-east-1c": "use1-az4",
        "us-east-1d": "use1-az6",
        "us-east-1e": "use1-az3",
        "us-east-1f": "use1-az5",
    },
    "ap-northeast-1": {"ap-northeast-1a": "apne1-az4", "ap-northeast-1c": "apne1-az1", "ap-northeast-1d": "apne1-az2"},
    "us-west-1": {"us-west-1a": "usw1-az3", "us-west-1c": "usw1-az1"},
}

# Quotas of a new account that the contract counts (sources: planning/cluster/quotas.py has the same pages).
NEW_ACCOUNT_QUOTAS: Mapping[str, int] = {
    "L-F678F1CE": 5,  # VPCs per Region
    "L-0263D0A3": 5,  # EC2-VPC Elastic IPs
    "L-FE5A380F": 5,  # NAT gateways per Availability Zone
    "L-0EA8095F": 60,  # Inbound or outbound rules per security group
    "L-DB2E81BA": 0,  # Running On-Demand G and VT instances, vCPU
    "L-3819A6DF": 0,  # All G and VT Spot Instance Requests, vCPU
    "L-417A185B": 0,  # Running On-Demand P instances, vCPU
    "L-7212CCBC": 0,  # All P4, P3 and P2 Spot Instance Requests, vCPU
    "L-1216C47A": 5,  # Running On-Demand Standard instances, vCPU
    "L-34B43A08": 5,  # All Standard Spot Instance Requests, vCPU
}


@dataclass(frozen=True)
class Runner:
    """Where the program runs: a public address, or an address inside the VPC or a network connected with it."""

    public_address: str | None = "198.51.100.7"
    inside_address: str | None = None


@dataclass
class Account:
    """`quotas`: by code, an absent one is not counted. `drain_seconds`: how long the slowest pod of a node group takes
    to leave, by group name ("" for any). `has_nodes`: play what nodes and pods need of AWS, too."""

    caller: str = f"arn:aws:iam::{ACCOUNT_ID}:role/platform"
    runner: Runner = field(default_factory=Runner)
    zones: Zones = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    reservations: tuple[Mapping[str, Any], ...] = ()
    """Capacity reservations and Capacity Blocks, as EC2 describes them."""
    drain_seconds: Mapping[str, float] = field(default_factory=dict)
    has_nodes: bool = False
    nodes_roll: bool = False
    """Nodes follow the groups: an update of a group lasts until the node watcher has replaced them."""
    throttled_share: float = 0.0
    seed: int = 1
    page_size: int = 100
    policy: Mapping[str, Any] | None = None
    """What the caller may do; None: everything."""
    used_actions: set[str] = field(default_factory=set)
    """IAM actions that were needed while `policy` was looked at."""
    nodes_shed: dict[str, int] = field(default_factory=dict)
    """Nodes that an update of a group's size took away though they were in use, by group."""
    cut_off: list[str] = field(default_factory=list)
    """Groups that were deleted before their slowest pod had left."""
    peak_nodes: dict[str, int] = field(default_factory=dict)
    """Most nodes a group had during its last update of version or template."""
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def throttles(self) -> bool:
        """Whether this call is answered with "slower"; the same calls in the same order get the same answers."""
        return self.throttled_share > 0 and self._random.random() < self.throttled_share


class _Current:
    account = Account()


def current() -> Account:
    """The account of this process."""
    return _Current.account


def play(account: Account) -> None:
    """Plays `account` from now on."""
    _Current.account = account


@contextmanager
def use(account: Account) -> Iterator[Account]:
    """Plays `account` until the end of the block."""
    before, zones = _Current.account, RegionsAndZonesBackend.zones
    changed: dict[str, Any] = dict(zones)
    for region, names in account.zones.items():
        changed[region] = [Zone(name=name, region_name=region, zone_id=zone_id) for name, zone_id in names.items()]
    _Current.account, RegionsAndZonesBackend.zones = account, changed
    try:
        yield account
    finally:
        _Current.account, RegionsAndZonesBackend.zones = before, zones
