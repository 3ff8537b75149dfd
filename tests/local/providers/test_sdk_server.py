"""Why the stand-in for pulumi-aws serves the protocol itself: what the SDK's own server does not carry (docs/adr/0007).

Each of these fails with an SDK that carries it; then that part of ours can go.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2 as pb


def test_a_computed_value_is_read_as_its_sentinel_and_cannot_be_written() -> None:
    struct = Struct()
    struct.update({"vpcId": rpc.UNKNOWN})
    assert PropertyValue.unmarshal_map(struct)["vpcId"].value == rpc.UNKNOWN
    with pytest.raises(ValueError, match="Computed"):
        PropertyValue.computed().marshal()


@pytest.mark.parametrize("request_type", [sdk.DiffRequest, sdk.UpdateRequest, sdk.DeleteRequest])
def test_old_inputs_do_not_reach_the_provider(request_type: type) -> None:
    """A diff is of inputs; outputs hold what AWS made of them."""
    assert "old_inputs" not in inspect.signature(request_type.__init__).parameters
    assert "old_inputs" in pb.DiffRequest.DESCRIPTOR.fields_by_name


def test_the_engines_proposal_for_a_name_does_not_reach_the_provider() -> None:
    assert "autonaming" not in inspect.signature(sdk.CheckRequest.__init__).parameters
    assert "autonaming" in pb.CheckRequest.DESCRIPTOR.fields_by_name


def test_a_changed_region_cannot_be_told_as_a_replacement_of_the_provider() -> None:
    class Changed(sdk.Provider):
        async def diff_config(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
            return sdk.DiffResponse(
                changes=True, detailed_diff={"region": sdk.PropertyDiff(sdk.PropertyDiffKind.UPDATE_REPLACE, True)}
            )

    servicer: Any = ProviderServicer([], "1.0.0", Changed(), "")
    with pytest.raises(Exception, match="inputDiff"):
        asyncio.run(servicer.DiffConfig(pb.DiffRequest(), None))


def test_an_object_that_was_made_and_then_failed_cannot_be_told() -> None:
    """Without ErrorResourceInitFailed the engine forgets what exists: it would be orphaned."""
    assert "InitFailed" not in inspect.getsource(inspect.getmodule(ProviderServicer))  # type: ignore[arg-type]
