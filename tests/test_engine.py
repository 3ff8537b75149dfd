"""The recording engine itself: what component tests rely on."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pytest

from tests.engine import UNKNOWN, Secret, record, redacted


class Pair(pulumi.ComponentResource):
    """A component with two children, one waiting for the other by data."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Pair", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/16", tags={"Name": name}, opts=child)
        self.subnet = aws.ec2.Subnet(f"{name}-subnet", vpc_id=self.vpc.id, cidr_block="10.0.0.0/24", opts=child)
        self.register_outputs({"vpcId": self.vpc.id})


def test_a_registration_tells_parent_dependencies_provider_and_protect() -> None:
    def build() -> None:
        provider = aws.Provider("aws", region="eu-west-1")
        Pair("pair", pulumi.ResourceOptions(protect=True, providers=[provider]))

    engine = record(build)
    vpc, subnet = engine.only("aws:ec2/vpc:Vpc"), engine.only("Subnet")
    assert vpc.parent_name == subnet.parent_name == "pair"
    assert vpc.protect
    assert subnet.dependency_names == {"pair-vpc"}
    assert subnet.depends_on == set()
    assert "pulumi:providers:aws::aws" in subnet.provider
    assert subnet.inputs["vpcId"].startswith("vpc-")
    assert engine.outputs_of(engine.named("pair"))["vpcId"] == subnet.inputs["vpcId"]
    assert {r.name for r in engine.children(engine.named("pair"))} == {"pair-vpc", "pair-subnet"}


def test_outputs_are_unknown_in_a_first_preview() -> None:
    engine = record(lambda: Pair("pair"), preview=True)
    assert engine.only("Subnet").inputs["vpcId"] is UNKNOWN
    assert redacted(engine.only("Subnet").inputs)["vpcId"] == "[unknown]"


def test_a_secret_is_marked_where_it_is_and_hides_in_goldens() -> None:
    def build() -> None:
        token = pulumi.Output.secret("hf_canary")
        kubernetes.core.v1.Secret("token", string_data={"token": token, "kind": "plain"})

    engine = record(build)
    recorded = engine.only("kubernetes:core/v1:Secret")
    assert "hf_canary" not in repr(recorded)
    assert "hf_canary" not in str(redacted(recorded.inputs))
    assert "hf_canary" in str(recorded.plain_inputs)
    marked = recorded.inputs["stringData"]
    assert isinstance(marked, Secret) or isinstance(marked["token"], Secret)


def test_explicit_depends_on_is_told_apart_from_data() -> None:
    def build() -> None:
        first = aws.ec2.Vpc("first", cidr_block="10.0.0.0/16")
        aws.ec2.Vpc(
            "second",
            cidr_block="10.1.0.0/16",
            opts=pulumi.ResourceOptions(
                depends_on=[first],
                ignore_changes=["tags"],
                custom_timeouts=pulumi.CustomTimeouts(create="20m"),
                additional_secret_outputs=["arn"],
            ),
        )

    second = record(build).named("second")
    assert second.depends_on == {"first"}
    assert second.ignore_changes == ("tags",)
    assert second.custom_timeouts == {"create": "20m"}
    assert second.additional_secret_outputs == ("arn",)


def test_an_invoke_without_an_answer_is_an_error() -> None:
    with pytest.raises(Exception, match="no answer for invoke"):
        record(lambda: aws.ec2.get_ami_output(owners=["amazon"]))


def test_two_resources_of_one_urn_are_an_error() -> None:
    def build() -> None:
        aws.ec2.Vpc("same", cidr_block="10.0.0.0/16")
        aws.ec2.Vpc("same", cidr_block="10.0.0.0/16")

    with pytest.raises(Exception, match="duplicate URN"):
        record(build)


def test_config_and_exports_pass_through() -> None:
    def build() -> None:
        pulumi.export("greeting", pulumi.Config().require("word"))

    assert record(build, config={"vllm-on-eks:word": "hello"}).stack_outputs == {"greeting": "hello"}


def test_programs_do_not_see_each_other_and_urns_say_whose_they_are() -> None:
    for stack in ("dev", "prod"):
        engine = record(lambda: Pair("pair"), stack=stack)
        urn = engine.named("pair").urn
        assert urn.startswith(f"urn:pulumi:{stack}::vllm-on-eks::")
        assert set(engine.stack_outputs) == set()
