"""What Check refuses before any call is made: unknown names, wrong values, and mistakes that nothing else finds."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2 as pb

from local.providers.aws.provider import AwsProvider
from local.providers.rpc import UNKNOWN, ProviderError, Secret, to_struct
from tests.local.aws.cases import CASES
from tests.local.aws.driver import Driver, Refused
from tests.local.aws.refusals import GOOD, REFUSED, Inputs

NODE_GROUP, ROLE = "aws:eks/nodeGroup:NodeGroup", "aws:iam/role:Role"


@pytest.mark.parametrize(("token", "inputs"), GOOD.items(), ids=list(GOOD))
def test_good_inputs_pass(driver: Driver, token: str, inputs: Inputs) -> None:
    driver.check(token, "thing", inputs)


@pytest.mark.parametrize(
    ("token", "change", "path", "words"), REFUSED, ids=[f"{t.rsplit(':')[-1]}-{p}-{w}" for t, _, p, w in REFUSED]
)
def test_a_mistake_is_named_with_its_path(driver: Driver, token: str, change: Inputs, path: str, words: str) -> None:
    inputs = {key: value for key, value in {**GOOD[token], **change}.items() if value is not None}
    with pytest.raises(Refused) as refused:
        driver.check(token, "thing", inputs)
    assert words in refused.value.failures.get(path, ""), refused.value.failures


def test_all_mistakes_are_told_at_once(driver: Driver) -> None:
    inputs = {**GOOD[NODE_GROUP], "amiType": "x", "capacityType": "y", "instanceTypes": ["z"]}
    with pytest.raises(Refused) as refused:
        driver.check(NODE_GROUP, "thing", inputs)
    assert set(refused.value.failures) == {"amiType", "capacityType", "instanceTypes"}


def test_an_unknown_type_is_an_error(driver: Driver) -> None:
    with pytest.raises(ProviderError, match="does not know resource type aws:ec2/vpc:Vcp"):
        driver.check("aws:ec2/vpc:Vcp", "thing", {})


def test_an_unknown_function_or_argument_is_an_error(driver: Driver) -> None:
    with pytest.raises(ProviderError, match=r"does not know function aws:ec2/getAmi:getAmi"):
        driver.invoke("aws:ec2/getAmi:getAmi")
    with pytest.raises(ProviderError, match='has no argument "nam"'):
        driver.invoke("aws:ssm/getParameter:getParameter", nam="x")


def test_an_unknown_provider_setting_is_an_error(driver: Driver) -> None:
    request = pb.CheckRequest(urn="urn", news=to_struct({"region": "us-west-2", "regio": "x"}))
    answer = driver.provider.CheckConfig(request, None)
    assert [failure.property for failure in answer.failures] == ["regio"]


def test_values_that_are_not_known_yet_are_not_judged(driver: Driver) -> None:
    inputs = {**GOOD[NODE_GROUP], "clusterName": UNKNOWN, "instanceTypes": [UNKNOWN], "subnetIds": UNKNOWN}
    inputs["scalingConfig"] = {"minSize": UNKNOWN, "desiredSize": 9, "maxSize": UNKNOWN}
    checked = driver.check(NODE_GROUP, "thing", inputs)
    assert checked["instanceTypes"] == [UNKNOWN]
    with pytest.raises(Refused) as refused:
        driver.check(NODE_GROUP, "thing", {**inputs, "amiType": "wrong"})
    assert list(refused.value.failures) == ["amiType"], "what is known is judged beside it"


def test_a_refusal_never_shows_a_secret(driver: Driver) -> None:
    with pytest.raises(Refused) as refused:
        driver.check(ROLE, "thing", {**GOOD[ROLE], "name": Secret("canary secret name")})
    assert "canary" not in str(refused.value.failures)
    assert "[secret]" in refused.value.failures["name"]


@pytest.mark.parametrize("endpoint", ["", "https://eks.us-west-2.amazonaws.com", "http://10.0.0.1:5000"])
def test_the_stand_in_refuses_to_touch_real_aws(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(ProviderError, match="only against an endpoint on this machine"):
        AwsProvider().Configure(pb.ConfigureRequest(args=to_struct({"region": "us-west-2"})), None)


def test_every_case_of_the_table_passes_check_with_unknown_references(driver: Driver) -> None:
    """As in a first preview, where nothing that is made has an id yet."""

    def unknown(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: unknown(item) for key, item in value.items()}
        if isinstance(value, list):
            return [unknown(item) for item in value]
        return UNKNOWN if isinstance(value, str) and value.startswith("$") else value

    for case in CASES:
        driver.preview(case.token, "thing", unknown(case.inputs))
