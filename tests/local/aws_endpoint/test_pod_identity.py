"""A pod's credentials and what its role lets it do: Karpenter's calls with the policies that our stack gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.cluster.karpenter import policies
from local.aws_endpoint import pod_identity
from tests.local.aws_endpoint.land import Land, land
from tests.local.aws_endpoint.launches import Pod, as_pod, fleet, launched, profile, template

PLACE = policies.AccountPlace("aws", "us-east-1", "main", spot=True)
OWN = {"kubernetes.io/cluster/main": "owned", "eks:eks-cluster-name": "main", "karpenter.sh/nodepool": "l4"}
OTHERS = {"kubernetes.io/cluster/other": "owned", "eks:eks-cluster-name": "other", "karpenter.sh/nodepool": "l4"}


@pytest.fixture
def here() -> Iterator[Land]:
    with land() as played:
        yield played


@pytest.fixture
def nodes_profile(here: Land) -> str:
    return profile(here)


@pytest.fixture
def queue(here: Land) -> str:
    return str(here.sqs.create_queue(QueueName="interruptions")["QueueUrl"])


@pytest.fixture
def karpenter(here: Land, nodes_profile: str, queue: str) -> Pod:
    arn = here.iam.get_instance_profile(InstanceProfileName=nodes_profile)["InstanceProfile"]["Arn"]
    queue_arn = here.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    passing = policies.passing(PLACE, here.role, arn, queue_arn)
    return as_pod(here, policies.launching(PLACE), policies.looking(PLACE), passing)


def _refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_the_role_of_our_stack_launches_and_ends_its_own(here: Land, karpenter: Pod, nodes_profile: str) -> None:
    name = template(here, profile_name=nodes_profile, ec2=karpenter.ec2, tags=OWN)
    instance = launched(here, fleet(here, name, ec2=karpenter.ec2, tags=OWN))
    karpenter.ec2.create_tags(
        Resources=[instance["InstanceId"]],
        Tags=[{"Key": "Name", "Value": "n"}, {"Key": "karpenter.sh/nodeclaim", "Value": "c"}],
    )
    karpenter.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    karpenter.ec2.delete_launch_template(LaunchTemplateName=name)
    assert here.world.ec2.get_instance(instance["InstanceId"]).state == "terminated"


def test_it_looks_around_and_hears_of_interruptions(karpenter: Pod, nodes_profile: str, queue: str) -> None:
    karpenter.ec2.describe_instance_types(InstanceTypes=["g6.2xlarge"])
    karpenter.ec2.describe_spot_price_history(InstanceTypes=["g6.2xlarge"])
    karpenter.iam.get_instance_profile(InstanceProfileName=nodes_profile)
    karpenter.iam.list_instance_profiles(PathPrefix="/karpenter/")
    gone = lambda: karpenter.iam.get_instance_profile(InstanceProfileName="main_8666988932484331207")  # noqa: E731
    assert _refused(gone) == "NoSuchEntity", "refused, an EC2NodeClass would keep its finalizer"
    karpenter.sqs.get_queue_url(QueueName="interruptions")
    karpenter.sqs.receive_message(QueueUrl=queue)


def test_it_touches_nothing_of_others_and_makes_no_profile(here: Land, karpenter: Pod, nodes_profile: str) -> None:
    other = launched(here, fleet(here, template(here), tags=OTHERS))
    end = lambda: karpenter.ec2.terminate_instances(InstanceIds=[other["InstanceId"]])  # noqa: E731
    assert _refused(end) == "UnauthorizedOperation"
    strange = template(here, profile_name=nodes_profile, tags=OTHERS)
    assert _refused(lambda: fleet(here, strange, ec2=karpenter.ec2, tags=OWN)) == "UnauthorizedOperation"
    own = template(here, profile_name=nodes_profile, tags=OWN)
    assert _refused(lambda: fleet(here, own, ec2=karpenter.ec2, tags=OTHERS)) == "UnauthorizedOperation"
    for call in ("create_instance_profile", "delete_instance_profile"):
        change = lambda call=call: getattr(karpenter.iam, call)(InstanceProfileName=nodes_profile)  # noqa: E731
        assert _refused(change) == "AccessDenied"
    assert _refused(lambda: karpenter.sqs.get_queue_url(QueueName="other")) == "AccessDenied"
    assert len(here.ec2.describe_instances()["Reservations"]) == 1


def test_another_role_is_not_passed(here: Land, karpenter: Pod) -> None:
    other = here.iam.create_role(RoleName="admin", AssumeRolePolicyDocument="{}")["Role"]["RoleName"]
    here.iam.create_instance_profile(InstanceProfileName="admins")
    here.iam.add_role_to_instance_profile(InstanceProfileName="admins", RoleName=other)
    name = template(here, profile_name="admins", tags=OWN)
    assert _refused(lambda: fleet(here, name, ec2=karpenter.ec2, tags=OWN)) == "UnauthorizedOperation"


def test_a_role_without_policies_may_do_nothing_and_who_has_no_association_is_nobody(here: Land) -> None:
    assert _refused(as_pod(here).ec2.describe_instances) == "UnauthorizedOperation"
    assert pod_identity.credentials(here.region, here.cluster(), "kube-system", "karpenter") is None
    assert pod_identity.credentials(here.region, "absent", "kube-system", "karpenter") is None
    assert here.ec2.describe_instances()["Reservations"] == [], "who made all this may do everything"
