"""Nothing that the program makes in AWS is out of sight when a destroy is judged."""

from __future__ import annotations

from local.providers.aws.resources import TABLE
from local.stacks.aws_inventory import IN_ACCOUNT, LISTINGS, WITHIN


def test_every_type_that_the_provider_makes_is_listed_or_part_of_what_is() -> None:
    listed = {listing.token for listing in LISTINGS} | set(IN_ACCOUNT.values())
    unseen = sorted(set(TABLE) - listed - set(WITHIN))
    assert unseen == [], "a row of LISTINGS, or of WITHIN where AWS takes it along with another kind"
    kinds = {listing.kind for listing in LISTINGS} | set(IN_ACCOUNT)
    assert set(WITHIN.values()) <= kinds
    assert not listed & set(WITHIN)
