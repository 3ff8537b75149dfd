"""CreateFleet of type instant, prices, images and announcements: what Karpenter's controller needs of EC2."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from local.aws_endpoint import instance_events, market, price_list
from local.aws_endpoint.contract.account import Account
from local.aws_endpoint.facts import BOTTLEROCKET_RELEASES
from local.aws_endpoint.market import ON_DEMAND, SPOT, Offering
from tests.local.aws_endpoint.land import Land, land
from tests.local.aws_endpoint.launches import RELEASE, fleet, image, launched, profile, template


@pytest.fixture
def here() -> Iterator[Land]:
    with land(Account()) as played:
        yield played
    market.restock()


def _zones(here: Land) -> list[str]:
    subnets = here.ec2.describe_subnets(SubnetIds=here.subnets)["Subnets"]
    return [subnet["AvailabilityZone"] for subnet in subnets]


@pytest.mark.parametrize("version", ["latest", "1.57.0", BOTTLEROCKET_RELEASES[0]])
def test_a_version_of_bottlerocket_is_an_image_for_each_minor_and_architecture(here: Land, version: str) -> None:
    ids, nvidia = {}, ("1.34-nvidia", "1.35-nvidia")
    for variant, arch in (*product(nvidia, ("x86_64", "arm64")), ("1.35", "x86_64")):
        path = f"/aws/service/bottlerocket/aws-k8s-{variant}/{arch}/{version}"
        ids[variant, arch] = here.ssm.get_parameter(Name=f"{path}/image_id")["Parameter"]["Value"]
        assert here.ssm.get_parameter(Name=f"{path}/image_version")["Parameter"]["Value"] == BOTTLEROCKET_RELEASES[0]
    images = here.ec2.describe_images(ImageIds=list(ids.values()))["Images"]
    assert {found["ImageId"]: found["Architecture"] for found in images} == {ids[key]: key[1] for key in ids}
    names = {found["ImageId"]: found["Name"] for found in images}
    assert names[ids["1.35-nvidia", "x86_64"]] == f"bottlerocket-aws-k8s-1.35-nvidia-x86_64-v{BOTTLEROCKET_RELEASES[0]}"


@pytest.mark.parametrize("path", ["aws-k8s-1.35-nvidia/x86_64/1.9.9", "aws-k8s-1.99-nvidia/x86_64/latest"])
def test_a_version_of_bottlerocket_that_is_not_there_has_no_parameter(here: Land, path: str) -> None:
    with pytest.raises(here.ssm.exceptions.ParameterNotFound):
        here.ssm.get_parameter(Name=f"/aws/service/bottlerocket/{path}/image_id")


def _sell_out(*offerings: Offering) -> None:
    market.current().sold_out.update(offerings)


def test_an_instance_is_what_template_and_override_say(here: Land) -> None:
    name = profile(here)
    instance = launched(here, fleet(here, template(here, "hello", name)))
    assert (instance["InstanceType"], instance["State"]["Name"]) == ("g6.2xlarge", "running"), "the cheaper one"
    assert instance["ImageId"] == image(here)
    assert instance["SubnetId"] in here.subnets
    assert instance["IamInstanceProfile"]["Arn"].endswith(f"/{name}")
    assert (instance["Monitoring"]["State"], instance["MetadataOptions"]["HttpTokens"]) == ("enabled", "required")
    assert "InstanceLifecycle" not in instance
    assert "SpotInstanceRequestId" not in instance
    assert {"Key": "karpenter.sh/nodepool", "Value": "l4"} in instance["Tags"]
    assert instance["Placement"]["AvailabilityZoneId"].startswith("use1-az")
    (disk,) = instance["BlockDeviceMappings"]
    (volume,) = here.ec2.describe_volumes(VolumeIds=[disk["Ebs"]["VolumeId"]])["Volumes"]
    assert (disk["DeviceName"], volume["Size"]) == ("/dev/xvda", 100)
    describe_instance_attribute = here.ec2.describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="userData"
    )
    assert base64.b64decode(describe_instance_attribute["UserData"]["Value"]) == b"hello"


def test_a_spot_instance_says_that_it_is_one(here: Land) -> None:
    answer = fleet(here, template(here), lifecycle=SPOT, strategy="price-capacity-optimized")
    instance = launched(here, answer)
    assert (answer["Instances"][0]["Lifecycle"], instance["InstanceLifecycle"]) == ("spot", "spot")
    assert instance["SpotInstanceRequestId"].startswith("sir-")


def test_where_the_strategy_says_so_priority_comes_before_price(here: Land) -> None:
    name = template(here)
    assert launched(here, fleet(here, name, strategy="lowest-price"))["InstanceType"] == "g6.2xlarge"
    assert launched(here, fleet(here, name, strategy="prioritized"))["InstanceType"] == "g6.4xlarge"


def test_what_is_sold_out_in_one_zone_comes_from_another_then_another_type(here: Land) -> None:
    name, (first, second) = template(here), _zones(here)
    _sell_out(Offering("g6.2xlarge", first, ON_DEMAND))
    instance = launched(here, fleet(here, name))
    assert (instance["InstanceType"], instance["Placement"]["AvailabilityZone"]) == ("g6.2xlarge", second)
    _sell_out(Offering("g6.2xlarge", second, ON_DEMAND))
    assert launched(here, fleet(here, name))["InstanceType"] == "g6.4xlarge"
    assert launched(here, fleet(here, name, lifecycle=SPOT))["InstanceType"] == "g6.2xlarge", "spot is sold by itself"


def test_where_nothing_is_left_each_offering_has_its_error_and_nothing_runs(here: Land) -> None:
    first, second = _zones(here)
    _sell_out(*(Offering("g6.2xlarge", zone, ON_DEMAND) for zone in (first, second)))
    answer = fleet(here, template(here), types=("g6.2xlarge",))
    assert answer["Instances"] == []
    assert [error["ErrorCode"] for error in answer["Errors"]] == ["InsufficientInstanceCapacity"] * 2
    words = answer["Errors"][0]["ErrorMessage"]
    assert f"sufficient g6.2xlarge capacity in the Availability Zone you requested ({first})" in words
    assert second not in words.rsplit("choosing", 1)[1]
    overrides = answer["Errors"][0]["LaunchTemplateAndOverrides"]["Overrides"]
    assert overrides["InstanceType"] == "g6.2xlarge"
    assert here.ec2.describe_instances()["Reservations"] == []


@pytest.mark.parametrize(
    ("lifecycle", "code", "error"),
    [(ON_DEMAND, "L-DB2E81BA", "VcpuLimitExceeded"), (SPOT, "L-3819A6DF", "MaxSpotInstanceCountExceeded")],
)
def test_the_quota_counts_what_runs(here: Land, lifecycle: str, code: str, error: str) -> None:
    here.account.quotas = {code: 8}
    name = template(here)
    first = launched(here, fleet(here, name, types=("g6.2xlarge",), lifecycle=lifecycle))
    assert {
        error["ErrorCode"] for error in fleet(here, name, types=("g6.2xlarge",), lifecycle=lifecycle)["Errors"]
    } == {error}
    here.ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    assert fleet(here, name, types=("g6.2xlarge",), lifecycle=lifecycle)["Errors"] == []


def test_without_its_profile_nothing_is_launched(here: Land) -> None:
    answer = fleet(here, template(here, profile_name="absent"))
    assert answer["Instances"] == []
    assert "Invalid IAM Instance Profile name" in answer["Errors"][0]["ErrorMessage"]
    assert here.ec2.describe_instances()["Reservations"] == []


def test_other_fleets_stay_motos(here: Land) -> None:
    made = here.ec2.create_fleet(
        Type="request",
        LaunchTemplateConfigs=[
            {
                "LaunchTemplateSpecification": {"LaunchTemplateName": template(here), "Version": "1"},
                "Overrides": [{"InstanceType": "g6.2xlarge", "SubnetId": here.subnets[0]}],
            }
        ],
        TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "on-demand"},
    )
    assert "Instances" not in made


def test_an_instance_that_ends_takes_its_interface_and_disk_along(here: Land) -> None:
    before = len(here.ec2.describe_network_interfaces()["NetworkInterfaces"])
    instance = launched(here, fleet(here, template(here)))
    here.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    assert len(here.ec2.describe_network_interfaces()["NetworkInterfaces"]) == before
    assert here.ec2.describe_volumes()["Volumes"] == []


def test_images_of_parameters_say_architecture_and_day(here: Land) -> None:
    (image_found,) = here.ec2.describe_images(Filters=[{"Name": "image-id", "Values": [image(here)]}])["Images"]
    assert (image_found["Name"], image_found["Architecture"], image_found["ImageOwnerAlias"]) == (
        RELEASE,
        "x86_64",
        "amazon",
    )
    assert image_found["CreationDate"].startswith("2026-05-05")
    assert here.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == [], "AWS' images are not the account's"


# -- announcements -------------------------------------------------------------------------------------------------


def _queue_of(here: Land, detail_type: str) -> str:
    """URL of a queue to which a rule leads announcements of this kind."""
    url = here.sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = here.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["aws.ec2"], "detail-type": [detail_type]})
    here.events.put_rule(Name="told", EventPattern=pattern)
    here.events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": arn}])
    return str(url)


def _told(here: Land, url: str) -> list[dict[str, Any]]:
    messages = here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_the_end_of_an_instance_is_announced_once(here: Land) -> None:
    url = _queue_of(here, instance_events.STATE_CHANGE)
    instance = launched(here, fleet(here, template(here)))
    for _ in range(2):
        here.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    told = _told(here, url)
    assert [each["detail"]["state"] for each in told] == ["shutting-down", "terminated"]
    assert {each["detail"]["instance-id"] for each in told} == {instance["InstanceId"]}
    assert told[0]["resources"] == [f"arn:aws:ec2:us-east-1:123456789012:instance/{instance['InstanceId']}"]


def test_a_spot_instance_is_warned_of_and_ends_after_its_notice(here: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[Any] = []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, act: Any, arguments: tuple[Any, ...]) -> None:
            timers.append((seconds, lambda: act(*arguments)))

        def start(self) -> None:
            """When is the test's affair."""

    monkeypatch.setattr(instance_events.threading, "Timer", Timer)
    url = _queue_of(here, instance_events.SPOT_WARNING)
    instance = launched(here, fleet(here, template(here), lifecycle=SPOT))
    played = here.world.ec2.get_instance(instance["InstanceId"])
    instance_events.take_back(played)
    (warning,) = _told(here, url)
    assert warning["detail"] == {"instance-id": instance["InstanceId"], "instance-action": "terminate"}
    ((seconds, end),) = timers
    assert (seconds, played.state) == (120.0, "running")
    end()
    assert played.state == "terminated"


def test_only_spot_instances_are_taken_back(here: Land) -> None:
    instance = launched(here, fleet(here, template(here)))
    with pytest.raises(ValueError, match="no spot instance"):
        instance_events.take_back(here.world.ec2.get_instance(instance["InstanceId"]))


# -- prices --------------------------------------------------------------------------------------------------------


def test_spot_costs_less_and_what_has_no_price_is_not_listed(here: Land) -> None:
    history = here.ec2.describe_spot_price_history(InstanceTypes=["g6.2xlarge", "t2.nano"])["SpotPriceHistory"]
    prices = {float(each["SpotPrice"]) for each in history}
    assert {each["InstanceType"] for each in history} == {"g6.2xlarge"}
    assert 0 < max(prices) < market.on_demand_prices()["g6.2xlarge"]


def test_the_price_list_answers_what_karpenter_asks_and_passes_on_the_rest() -> None:
    passed: list[str] = []

    def moto(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        passed.append(environ["HTTP_X_AMZ_TARGET"])
        return [b"moto"]

    serve, status = price_list.with_price_list(moto), []
    asked = {
        "ServiceCode": "AmazonEC2",
        "Filters": [
            {"Field": "tenancy", "Type": "TERM_MATCH", "Value": "Shared"},
            {"Field": "productFamily", "Type": "TERM_MATCH", "Value": "Compute Instance"},
        ],
    }
    body = json.dumps(asked).encode()
    environ = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    said = serve({**environ, "HTTP_X_AMZ_TARGET": price_list.TARGET}, lambda code, _: status.append(code))
    products = [json.loads(each) for each in json.loads(b"".join(said))["PriceList"]]
    assert status == ["200 OK"]
    usd = {
        product["product"]["attributes"]["instanceType"]: float(rate["pricePerUnit"]["USD"])
        for product in products
        for term in product["terms"]["OnDemand"].values()
        for rate in term["priceDimensions"].values()
    }
    assert usd == {name: price for name, price in market.on_demand_prices().items() if ".metal" not in name}
    assert list(serve({"HTTP_X_AMZ_TARGET": "AmazonSQS.ReceiveMessage"}, None)) == [b"moto"]
    assert passed == ["AmazonSQS.ReceiveMessage"]
