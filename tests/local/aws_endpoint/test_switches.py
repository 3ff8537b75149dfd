"""What happens in EC2 without anybody calling it: the paths beside moto's own switches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from moto.moto_api._internal import urls

from local.aws_endpoint import instance_events, market, pod_identity
from local.aws_endpoint.market import SPOT, Offering
from tests.local.aws_endpoint.land import Land, land
from tests.local.aws_endpoint.launches import fleet, launched, template

OFFERING = {"instance_type": "g6.2xlarge", "zone": "us-east-1a", "lifecycle": "spot"}


@pytest.fixture
def here() -> Iterator[Land]:
    with land() as played:
        yield played
    market.restock()


def _post(name: str, told: Any) -> tuple[int, str]:
    handle = urls.url_paths[f"{{0}}/moto-api/local/{name}"]
    status, _, body = handle(SimpleNamespace(data=json.dumps(told).encode()), "", {})
    return status, body


def test_what_is_sold_out_is_what_was_said_last(here: Land) -> None:
    assert _post("sold-out", {"offerings": [OFFERING]}) == (200, "")
    assert not market.current().has(Offering(**OFFERING))
    assert _post("sold-out", {"offerings": []}) == (200, "")
    assert market.current().has(Offering(**OFFERING))


def test_a_spot_instance_is_taken_back_with_the_notice_that_was_said(
    here: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[str, float]] = []
    monkeypatch.setattr(instance_events, "take_back", lambda instance, notice: taken.append((instance.id, notice)))
    name = launched(here, fleet(here, template(here), lifecycle=SPOT))["InstanceId"]
    assert _post("take-back", {"region": here.region, "instance_id": name, "notice_seconds": 30})[0] == 200
    assert _post("take-back", {"region": here.region, "instance_id": name})[0] == 200
    assert taken == [(name, 30.0), (name, instance_events.NOTICE_SECONDS)]


@pytest.mark.parametrize(
    ("name", "told", "words"),
    [
        ("sold-out", {}, "offerings"),
        ("sold-out", {"offerings": [{"zone": "us-east-1a"}]}, "instance_type"),
        ("take-back", {"region": "us-east-1"}, "instance_id"),
        ("node-updates/ended", {"region": "us-east-1", "cluster": "c"}, "c"),
    ],
)
def test_what_cannot_be_meant_is_said(here: Land, name: str, told: Any, words: str) -> None:
    status, body = _post(name, told)
    assert status == 400
    assert words in body


def test_an_instance_that_is_no_spot_instance_stays(here: Land) -> None:
    name = launched(here, fleet(here, template(here)))["InstanceId"]
    status, body = _post("take-back", {"region": here.region, "instance_id": name})
    assert (status, "no spot instance" in body) == (400, True)
    assert here.world.ec2.get_instance(name).state == "running"


def test_the_agent_answers_a_pod_with_an_association_and_no_other(here: Land) -> None:
    cluster = here.cluster()
    here.eks.create_pod_identity_association(
        clusterName=cluster, namespace="kube-system", serviceAccount="karpenter", roleArn=here.role
    )
    handle = urls.url_paths[f"{{0}}{pod_identity.PATH}"]
    asked = {"region": here.region, "cluster": cluster, "namespace": "kube-system", "serviceAccount": "karpenter"}
    status, _, body = handle(SimpleNamespace(args=asked), "", {})
    document = json.loads(body)
    assert status == 200
    assert set(document) == {"AccessKeyId", "SecretAccessKey", "Token", "AccountId", "Expiration"}
    assert pod_identity.role_of(document["AccessKeyId"]) == here.role
    assert handle(SimpleNamespace(args={**asked, "serviceAccount": "default"}), "", {})[0] == 404
