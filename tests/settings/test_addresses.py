"""CIDR blocks: how they are written, what a list of them opens, what a VPC may be made of."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.addresses import block, blocks_in, opened
from settings.read import read

PUBLIC = {"endpointAccess": "publicAndPrivate"}


def problems(sections: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in read(sections, "dev").problems]


@pytest.mark.parametrize(
    "cidrs",
    [
        ["0.0.0.0/0"],
        ["0.0.0.0/1", "128.0.0.0/1"],
        [f"{first}.0.0.0/8" for first in range(256)],
        ["64.0.0.0/2", "0.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"],
        ["52.0.0.0/6"],
        ["3.0.0.0/8"],
        [f"8.{second}.0.0/16" for second in range(256)],
        ["::/0"],
        ["::/1", "8000::/1"],
        ["2000::/3"],
        ["::ffff:0:0/96"],
    ],
)
def test_blocks_that_together_hold_a_good_part_of_the_internet_open_it(cidrs: list[str]) -> None:
    assert opened(cidrs)


@pytest.mark.parametrize(
    "cidrs",
    [
        ["203.0.113.10/32"],
        ["52.94.0.0/16", "198.51.100.0/24"],
        ["10.0.0.0/8", "172.16.0.0/12"],
        ["2001:db8::/32"],
        ["fd00::/8", "fe80::/10"],
        [],
        ["x"],
    ],
)
def test_lists_of_somebodys_own_addresses_do_not(cidrs: list[str]) -> None:
    assert opened(cidrs) is None


@given(st.integers(1, 8))
def test_the_internet_in_equal_parts_is_still_the_internet(bits: int) -> None:
    parts = [f"{index << (8 - bits)}.0.0.0/{bits}" for index in range(2**bits)]
    told = opened(parts)
    assert told is not None
    assert told.startswith("the whole internet")


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("10.20.1.0/16", "write 10.20.0.0/16"),
        ("203.0.113.10/24", "write 203.0.113.0/24"),
        ("10.20.0.0", "10.20.0.0/16 for a network"),
        ("10.0.0.0", "10.0.0.0/8 for a network"),
        ("203.0.113.10", "write 203.0.113.10/32 for one address"),
        ("10.0.0.0/255.255.0.0", "write 10.0.0.0/16"),
        ("10.0.0.0/0.0.255.255", "write 10.0.0.0/16"),
        ("10.0.0.0/016", "write 10.0.0.0/16"),
        ("2001:db8::/32", "not an IPv4 CIDR block"),
        ("::ffff:10.0.0.0/112", "not an IPv4 CIDR block"),
        ("10.0.0.0/33", "not a CIDR block"),
        ("10.0.0/16", "not a CIDR block"),
        ("٠.0.0.0/16", "not a CIDR block"),
        (" 10.0.0.0/16", "not a CIDR block"),
        ("", "not a CIDR block"),
        ("/16", "not a CIDR block"),
    ],
)
def test_a_block_that_is_not_written_as_aws_writes_it_is_refused_with_what_to_write(written: str, instead: str) -> None:
    with pytest.raises(ValueError, match=r"^not a") as caught:
        block(written)
    assert instead in str(caught.value)
    assert problems({"network": {"cidr": written}})[0].startswith("network.cidr: ")


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.20.0.0/20", "100.64.0.0/16", "172.31.0.0/16", "192.168.0.0/18"])
def test_a_vpc_has_private_addresses(cidr: str) -> None:
    assert problems({"network": {"cidr": cidr}}) == []


@pytest.mark.parametrize(
    "cidr",
    [
        *("127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "240.0.0.0/16", "255.255.0.0/16", "0.0.0.0/16"),
        *("8.8.0.0/16", "100.128.0.0/16", "172.32.0.0/16", "192.169.0.0/16", "198.18.0.0/16", "11.0.0.0/16"),
    ],
)
def test_a_vpc_of_other_addresses_is_refused(cidr: str) -> None:
    assert "is not private" in problems({"network": {"cidr": cidr}})[0]


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "10.0.0.0/15", "10.0.0.0/21", "10.0.0.0/28", "10.0.0.1/32"])
def test_a_vpc_has_a_size_that_pods_can_live_in(cidr: str) -> None:
    assert "needs /16 to /20" in problems({"network": {"cidr": cidr}})[0]


@pytest.mark.parametrize("cidr", ["10.1.2.3/32", "127.0.0.0/8", "169.254.169.254/32", "100.64.0.0/10", "224.0.0.1/32"])
def test_addresses_that_come_from_nowhere_are_no_list_of_who_may_reach_the_api(cidr: str) -> None:
    told = problems({"cluster": {**PUBLIC, "publicAccessCidrs": ["203.0.113.9/32", cidr]}})
    assert f"publicAccessCidrs holds {cidr}" in told[0]


def test_eks_takes_forty_blocks() -> None:
    many = [f"203.0.113.{index}/32" for index in range(41)]
    assert problems({"cluster": {**PUBLIC, "publicAccessCidrs": many[:40]}}) == []
    assert "publicAccessCidrs" in problems({"cluster": {**PUBLIC, "publicAccessCidrs": many}})[0]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("54.0.0.0/24,54.0.1.0/24", ["54.0.0.0/24", "54.0.1.0/24"]),
        ("54.0.0.0/24 ; 54.0.1.7/24\n10.0.0.1", ["54.0.0.0/24", "54.0.1.0/24", "10.0.0.1/32"]),
        ('{"allow":["0.0.0.0/0", "2000::/3"]}', ["0.0.0.0/0", "2000::/3"]),
        ("['fd00::/8']", ["fd00::/8"]),
        ("0:0:0:0:0:0:0:0/0", ["::/0"]),
        ("2001:db8::1:0/112", ["2001:db8::1:0/112"]),
        ("::ffff:54.0.0.0/120", ["54.0.0.0/24"]),
        ("0.0.0.0/0.0.0.0", ["0.0.0.0/0"]),
        ("net=10.0.0.0/16", []),
        ("!10.0.0.0/8", []),
        ("1154.0.0.0/24 54.0.0.0/240 54.0.0.0.0/24 600 [unknown]", []),
        ("", []),
    ],
)
def test_blocks_of_a_text_are_its_words_that_are_blocks_as_a_whole(text: str, blocks: list[str]) -> None:
    assert blocks_in(text) == blocks


@given(
    st.lists(
        st.one_of(st.ip_addresses(v=4).map(lambda a: f"{a}/24"), st.ip_addresses(v=6).map(lambda a: f"{a.exploded}/48"))
    ),
    st.sampled_from([",", ", ", " ", ";", "\n", '","']),
)
def test_blocks_of_both_versions_are_read_whole_between_any_marks(written: list[str], between: str) -> None:
    assert [ip_network(text) for text in blocks_in(between.join(written))] == [
        ip_network(text, strict=False) for text in written
    ]
