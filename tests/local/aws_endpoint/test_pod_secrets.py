"""The operator's role reads through the endpoint what our stack lets it read, and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from components.aws.iam import external_secrets_policy
from local.aws_endpoint import pod_identity
from local.aws_endpoint.contract.account import ACCOUNT_ID
from planning.model import ReadSecretPlan
from tests.components.plans import EXTERNAL_SECRETS
from tests.local.aws_endpoint.land import Land, land
from tests.local.aws_endpoint.launches import as_pod


@pytest.fixture
def here() -> Iterator[Land]:
    with land() as played:
        yield played


def operator(here: Land) -> Any:
    plan = replace(EXTERNAL_SECRETS, region=here.region, secrets=(ReadSecretPlan("prod/huggingface"),))
    own = boto3.client("secretsmanager", region_name=here.region)
    for name in ("prod/huggingface", "prod/huggingface-2", "prod/database"):
        own.create_secret(Name=name, SecretString=f"canary of {name}")
    return as_pod(here, external_secrets_policy(plan, ACCOUNT_ID)).secretsmanager


def test_the_role_reads_the_secret_that_a_model_names_by_name_and_by_arn(here: Land) -> None:
    secret = operator(here).get_secret_value(SecretId="prod/huggingface")
    assert secret["SecretString"] == "canary of prod/huggingface"


@pytest.mark.parametrize("name", ["prod/huggingface-2", "prod/database"])
def test_the_role_reads_no_other(here: Land, name: str) -> None:
    client = operator(here)
    with pytest.raises(ClientError) as caught:
        client.get_secret_value(SecretId=name)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "canary" not in str(caught.value)


def test_without_a_clusters_name_the_association_of_any_cluster_counts(here: Land) -> None:
    operator(here)  # an association of this account in one of the clusters
    credentials = pod_identity.credentials("", "", "kube-system", "karpenter")
    assert credentials is not None
    assert pod_identity.role_of(credentials["AccessKeyId"])
    assert pod_identity.credentials("", "", "kube-system", "default") is None
    assert pod_identity.credentials(here.region, "another", "kube-system", "karpenter") is None
