"""Names with rules: ARNs by service, cluster names, time zones, and text that reaches a container as written."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from settings.read import read
from settings.schema import json_schema

REVISION = "a09a35458c702b33eeacc393d103063234e8bc28"
MODEL = {"name": "qwen", "source": "Qwen/Qwen2.5-7B-Instruct", "revision": REVISION}
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def problems(sections: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in read(sections, "dev").problems]


def principal(arn: str) -> dict[str, Any]:
    return {"cluster": {"accessEntries": [{"principalArn": arn}]}}


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:role/team",
        "arn:aws:iam::123456789012:user/division/alice@example.com",
        "arn:aws-us-gov:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef",
        "arn:aws-cn:iam::123456789012:role/x",
    ],
)
def test_roles_and_users_may_use_the_cluster(arn: str) -> None:
    assert problems(principal(arn)) == []


@pytest.mark.parametrize(
    "arn",
    [
        *("arn:aws:s3:::bucket", "arn:aws:iam::123456789012:role/*", "arn:aws:iam::*:role/team", "*"),
        *(
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::12345678901:role/x",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
        ),
        *("arn:aws:sts::123456789012:assumed-role/x/y", "arn:aws:iam:us-east-1:123456789012:role/x"),
        *("arn:aws:iam::123456789012:role/", "arn:aws:iam::123456789012:role/te?m", "arn:aws:iam::١٢٣٤٥٦٧٨٩٠١٢:role/x"),
        *(
            "arn:aws:iam::123456789012:role/x\n",
            " arn:aws:iam::123456789012:role/x",
            "arn:aws:iam::123456789012:group/x",
        ),
        *("arn:aws:iam::123456789012:role/${aws:username}", KEY),
    ],
)
def test_nothing_else_is_a_principal(arn: str) -> None:
    assert "is not the ARN of an IAM role or user" in problems(principal(arn))[0]


@pytest.mark.parametrize(
    "arn",
    [
        *("arn:aws:s3:::bucket", "arn:aws:kms:us-east-1:123456789012:key/*", "arn:aws:kms:*:123456789012:key/x"),
        *("arn:aws:kms:us-east-1:123456789012:alias/x", "arn:aws:iam::123456789012:role/x", "1234abcd"),
    ],
)
def test_nothing_but_a_key_encrypts_secrets(arn: str) -> None:
    assert "is not the ARN of a KMS key" in problems({"cluster": {"kmsKeyArn": arn}})[0]
    assert problems({"cluster": {"kmsKeyArn": KEY}}) == []


@pytest.mark.parametrize("name", ["*", "a*", "-a", "_a", "a b", "a/b", "ä", "x" * 101, "", "a\n", "prod?", "${x}"])
def test_an_existing_cluster_has_a_name_that_eks_gives(name: str) -> None:
    assert "cluster.name" in problems({"cluster": {"kind": "existing", "name": name}})[0]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5", "EST5EDT"])
def test_zones_of_the_iana_database_are_taken(zone: str) -> None:
    assert problems(_scheduled(timeZone=zone)) == []


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "Berlin", "UTC+1", "../../etc/passwd", "Europe", "", "CET+1", "Еurope/Berlin"]
)
def test_other_zones_are_not(zone: str) -> None:
    assert "time zone" in problems(_scheduled(timeZone=zone))[0]


def test_a_city_alone_is_met_with_its_zone() -> None:
    assert "did you mean Europe/Berlin?" in problems(_scheduled(timeZone="Berlin"))[0]


@pytest.mark.parametrize("cron", ["٠ 8 * * *", "0 ８ * * *", "0 8 * * ١-5"])
def test_digits_of_another_script_are_no_times(cron: str) -> None:
    assert "not a cron expression" in problems(_scheduled(start=cron))[0]


def _scheduled(**changes: Any) -> dict[str, Any]:
    schedule = {"start": "0 8 * * *", "end": "0 18 * * *", "minReplicas": 2, **changes}
    return {"models": [{**MODEL, "autoscaling": {"kind": "keda", "maxReplicas": 4, "schedules": [schedule]}}]}


@pytest.mark.parametrize("text", ["$(HF_TOKEN)", "x$(POD_IP)y", "$$(A)", "a\x1b[31m", "a\nb", "a\u202eb", "\u200b"])
def test_text_that_reaches_a_container_is_visible_and_nothing_in_it_is_expanded(text: str) -> None:
    assert problems({"models": [{**MODEL, "servedName": text}]})
    assert problems({"models": [{**MODEL, "extraArgs": [f"--seed={text}"]}]})


def test_no_setting_relies_on_a_pattern_without_words() -> None:
    """pydantic's own pattern says `should match pattern`, and its digits are those of every script."""
    patterns = re.findall(r'"pattern": "([^"]*)', json.dumps(json_schema()))
    assert len(patterns) > 20, "editors know the patterns"
    assert [pattern for pattern in patterns if not pattern.startswith("^(?:")] == [], (
        "settings.matching.Matching writes them so"
    )


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"nodePools": [{"name": "l4", "instanceTypes": ["g6.xlarge"], "labels": {"tеam": "x"}}]}, "label key"),
        ({"nodePools": [{"name": "l4", "instanceTypes": ["g6.xlarge"], "labels": {"team": "х"}}]}, "label value"),
        ({"models": [{**MODEL, "image": {"repository": "vllm/vllm-openai:latest"}}]}, "image repository"),
        ({"models": [{**MODEL, "image": {"repository": "https://x/y"}}]}, "image repository"),
        ({"models": [{**MODEL, "image": {"tag": "v٠.33.0"}}]}, "image tag"),
        ({"models": [{**MODEL, "team": "a/b"}]}, "team's name"),
        ({"monitoring": {"storageClass": "Fast SSD"}}, "Kubernetes object"),
        ({"monitoring": {"alerts": {"receiver": {"kind": "webhook", "url": "ftp://x"}}}}, "not an address"),
        ({"waivers": [{"rule": "Image Pinned", "reason": "because of it", "expires": "2027-01-01"}]}, "policy's id"),
        ({"registry": {"mirror": "https://mirror.example.com"}}, "registry prefix"),
        ({"network": {"kind": "existing", "vpcId": "vpc-xyz", "privateSubnetIds": ["subnet-1", "subnet-2"]}}, "VPC id"),
    ],
)
def test_a_pattern_that_does_not_match_says_which_characters_may_stand_there(sections: Any, told: str) -> None:
    message = problems(sections)[0]
    assert told in message
    assert "put it in quotes" not in message
