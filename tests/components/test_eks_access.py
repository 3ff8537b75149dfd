"""Access entries where EKS has made one by itself: for who made a cluster of the first version's program."""

from __future__ import annotations

from collections.abc import Iterator

import pulumi
import pulumi_aws as aws
import pytest

from components.aws.eks_access import EksAccess, EksAccessArgs
from components.aws.eks_cluster import caller_policy_arn
from planning.model import AccessEntryPlan
from tests.components.samples import TAGS
from tests.engine import record
from tests.local.aws_endpoint.land import Land, land
from tests.moto_engine import MotoEngine

REGION = "us-east-1"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


@pytest.fixture
def here() -> Iterator[Land]:
    with land(region=REGION) as made:
        yield made


def _cluster(here: Land, bootstrap: bool) -> str:
    access = {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": bootstrap}
    return here.cluster(accessConfig=access)


def _access(cluster: str, *entries: AccessEntryPlan, before: MotoEngine | None = None) -> MotoEngine:
    def build() -> None:
        provider = pulumi.ResourceOptions(providers=[aws.Provider("aws", region=REGION)])
        EksAccess("access", EksAccessArgs(cluster, entries, TAGS, caller_policy_arn("aws"), cluster), provider)

    engine = MotoEngine(REGION, before=before)
    record(build, engine=engine)
    engine.finish()
    return engine


def _tags(here: Land, cluster: str) -> dict[str, str]:
    (principal,) = here.eks.list_access_entries(clusterName=cluster)["accessEntries"]
    assert principal == here.account.caller
    entry = here.eks.describe_access_entry(clusterName=cluster, principalArn=principal)["accessEntry"]
    return dict(entry["tags"])


def test_the_entry_that_eks_made_for_who_made_the_cluster_becomes_the_stacks_own(here: Land) -> None:
    cluster, me = _cluster(here, bootstrap=True), here.account.caller
    first = _access(cluster)
    entry = first.only("AccessEntry")
    assert (entry.import_id, entry.ignore_changes) == (f"{cluster}:{me}", ("tags",))
    assert _tags(here, cluster) == {}, "there is one, and it is EKS' own"
    again = _access(cluster, before=first)
    assert again.only("AccessEntry").import_id == entry.import_id, "what is in the state is not imported again"
    for made in reversed(again.made):
        again.delete(made)
    assert here.eks.list_access_entries(clusterName=cluster)["accessEntries"] == []


def test_the_same_where_who_made_the_cluster_is_listed(here: Land) -> None:
    cluster = _cluster(here, bootstrap=True)
    engine = _access(cluster, AccessEntryPlan(here.account.caller, VIEW, ()))
    assert engine.only("AccessEntry").import_id == f"{cluster}:{here.account.caller}"
    assert {made.inputs["policyArn"] for made in engine.all("AccessPolicyAssociation")} == {
        VIEW,
        caller_policy_arn("aws"),
    }


def test_an_entry_of_the_stack_is_made_and_never_imported(here: Land) -> None:
    cluster = _cluster(here, bootstrap=False)
    first = _access(cluster)
    second = _access(cluster, before=first)
    for engine in (first, second):
        entry = engine.only("AccessEntry")
        assert (entry.import_id, entry.ignore_changes) == ("", ())
    assert _tags(here, cluster)["Name"] == "access-caller"


def test_an_entry_with_other_groups_than_are_asked_for_is_left_for_eks_to_refuse(here: Land) -> None:
    """Taken over it would keep its own groups, whatever the stack file says."""
    cluster = _cluster(here, bootstrap=True)
    with pytest.raises(Exception, match="already in use on this cluster"):
        _access(cluster, AccessEntryPlan(here.account.caller, None, (), ("search",)))
