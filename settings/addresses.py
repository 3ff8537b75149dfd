"""Blocks of addresses: how one is written, which are private, and what a list of them opens together."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from settings.findings import WrongValue

Block = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 1918 and RFC 6598: what a VPC of ours may be made of, and what pods that go out to the internet do not reach.
PRIVATE_RANGES = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
# Blocks that no packet from the internet carries as its source (IANA IPv4 and IPv6 special-purpose address registries,
# read 2026-11-27 and 2026-11-28; of IPv6: unique local, link-local and multicast). The documentation blocks stand in
# examples and are left out: keeping one locks its owner out.
NOT_FROM_THE_INTERNET = (
    *PRIVATE_RANGES,
    *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
    *("fc00::/7", "fe80::/10", "ff00::/8"),
)
# As many addresses as this, of one version, are not a list of own addresses: a /8, a /16.
TOO_MANY = {4: 2**24, 6: 2**112}
# https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html, 2026-11-27.
MOST_PUBLIC_BLOCKS = 40
# Of the 60 rules of a security group (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html,
# 2026-11-27); EKS and load balancer controllers add theirs.
MOST_PRIVATE_SOURCES = 20
# Addresses of IPv4 written as IPv6 (RFC 4291, 2.5.5.2). Go's net.ParseCIDR, by which most controllers read blocks,
# takes ::ffff:0:0/96 for 0.0.0.0/0.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_BETWEEN_BLOCKS = re.compile(r"""[\s,;"'\[\]]+""")


def block(text: str) -> ipaddress.IPv4Network:
    """An IPv4 block as AWS writes it; raises ValueError saying what to write instead."""
    try:
        parsed = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise WrongValue("not a CIDR block", "write four numbers from 0 to 255 and a mask, 203.0.113.0/24") from None
    if not isinstance(parsed, ipaddress.IPv4Network):
        raise WrongValue("not an IPv4 CIDR block, and the cluster has no IPv6", "write for example 203.0.113.0/24")
    if "/" not in text:
        network = _network_of(text)
        raise WrongValue(
            "not a CIDR block: it has no mask", f"write {text}/32 for one address, {network} for a network"
        )
    if str(parsed) != text:
        why = "it has host bits set" if ipaddress.ip_address(text.partition("/")[0]) != parsed.network_address else ""
        raise WrongValue(f"not a CIDR block{': ' if why else ''}{why}", f"write {parsed}")
    return parsed


def _network_of(address: str) -> str:
    """The block that an address without mask most likely means: its trailing zeros are the hosts."""
    parts = address.split(".")
    hosts = 1
    while hosts < 3 and parts[-hosts - 1] == "0" and parts[-1] == "0":
        hosts += 1
    return str(ipaddress.ip_network(f"{address}/{32 - 8 * hosts}", strict=False))


def is_private(network: ipaddress.IPv4Network) -> bool:
    """Whether a block lies in the private ranges."""
    return _within(network, PRIVATE_RANGES)


def never_arrives(network: ipaddress.IPv4Network) -> bool:
    """Whether the block is reserved: no address of it is routed on the internet."""
    return _within(network, NOT_FROM_THE_INTERNET)


def _within(network: Block, ranges: Iterable[str]) -> bool:
    return any(
        network.version == outer.version and network.subnet_of(outer)  # type: ignore[arg-type]
        for outer in map(ipaddress.ip_network, ranges)
    )


def opened(texts: Iterable[str]) -> str | None:
    """What blocks open together, in words, where that is the internet or a good part of it; else None.

    Text that is not a block is left out: another check refuses it.
    """
    for version, most in TOO_MANY.items():
        blocks = [network for network in map(_parsed, texts) if network is not None and network.version == version]
        together = [b for b in ipaddress.collapse_addresses(blocks) if not _within(b, NOT_FROM_THE_INTERNET)]  # type: ignore[type-var]
        count = sum(network.num_addresses for network in together)
        if count >= most:
            share = count / 2 ** (32 if version == 4 else 128)
            part = "the whole internet" if share == 1 else f"{share:.2%} of the internet"
            return f"{part} ({', '.join(map(str, together[:4]))}{', ...' if len(together) > 4 else ''})"
    return None


def blocks_in(text: str) -> list[str]:
    """Blocks of IPv4 and IPv6 addresses in a text: its words that are one as a whole; an address is a block of one.

    Words end at spaces, commas, semicolons, quotes and square brackets. Each block as `ipaddress` writes it.
    """
    return [str(network) for network in map(_parsed, _BETWEEN_BLOCKS.split(text)) if network is not None]


def refuse_nested(path: str, texts: Iterable[str]) -> None:
    """A block inside another of the same list opens nothing more, and to take it out closes nothing: a mistake."""
    blocks = [block(text) for text in dict.fromkeys(texts)]
    for inner in blocks:
        for outer in blocks:
            if inner != outer and inner.subnet_of(outer):
                raise WrongValue(
                    f"{path} lists {inner}, which lies in {outer} of the same list: it opens nothing more",
                    f"leave {inner} out, or {outer} if that is too much",
                )


def _parsed(text: str) -> Block | None:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        first = network.network_address.ipv4_mapped
        return ipaddress.ip_network(f"{first}/{network.prefixlen - _MAPPED.prefixlen}")
    return network
