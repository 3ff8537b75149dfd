"""The schema that the provider goes by is that of the installed SDK."""

from __future__ import annotations

from local.providers.aws.generate_schema import SCHEMA_FILE, build_schema, render
from local.providers.aws.invokes import INVOKES
from local.providers.aws.resources import TABLE
from local.providers.aws.schema import resource_schema


def test_the_committed_schema_is_what_the_sdk_says() -> None:
    current = render(build_schema(TABLE, INVOKES))
    assert SCHEMA_FILE.read_text() == current, "run: python -m local.providers.aws.generate_schema"


def test_every_property_that_the_table_names_exists() -> None:
    for token, row in TABLE.items():
        schema = resource_schema(token)
        named = {
            *(path.split(".")[0] for path in row.names),
            *row.change_of,
            *row.updatable,
            *row.live,
            *row.more,
            *row.out,
            *row.unread,
            *row.defaults,
            *row.exclusive,
            *row.recomputed,
        }
        unknown = {prop for prop in named if prop not in schema.inputs and prop not in schema.outputs}
        assert unknown == set(), f"{token} has no {unknown}"
