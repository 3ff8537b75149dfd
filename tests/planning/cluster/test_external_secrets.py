"""Tokens out of AWS Secrets Manager: what the plan reads, refuses and warns of."""

from __future__ import annotations

from typing import Any

import pytest

from planning.model import ReadSecretPlan, Severity
from planning.versions.images import stack_charts, stack_images
from tests.planning.stacks import LLAMA, errors, model, planned, pool, refusal, rules

KEY = "arn:aws:kms:us-east-1:111122223333:key/0aa0aa00-1111-2222-3333-444455556666"
OTHERS = {
    "cluster": {"kind": "existing", "name": "main"},
    "network": {"kind": "existing", "vpcId": "vpc-0a", "privateSubnetIds": ["subnet-0a", "subnet-0b"]},
}


def token(name: str = "prod/hf", **more: Any) -> dict[str, Any]:
    return {"kind": "secretsManager", "name": name, **more}


def models(*tokens: dict[str, Any]) -> dict[str, Any]:
    models_asked = [model(name=f"m{index}", source=LLAMA, tokenSecret=token) for index, token in enumerate(tokens)]
    return {"models": models_asked, "nodePools": [pool(instanceTypes=["g6.2xlarge"], minNodes=3, maxNodes=9)]}


def warned(**sections: Any) -> dict[str, str]:
    findings = planned(**sections).findings
    return {finding.rule: finding.text for finding in findings if finding.severity is Severity.WARNING}


def test_a_gated_model_is_content_with_a_token_in_secrets_manager() -> None:
    plan = planned(**models(token(property="token", refreshMinutes=5)))
    own = plan.models[0].token
    assert own is not None
    assert own.remote is not None
    assert (own.config_key, own.secret_key) == (None, "token")
    assert (own.remote.name, own.remote.property, own.remote.refresh_minutes) == ("prod/hf", "token", 5)


def test_each_secret_is_read_once_and_each_namespace_has_one_store() -> None:
    sections = models(token(kmsKeyArn=KEY), token(kmsKeyArn=KEY), token("a"))
    sections["models"][2]["namespace"] = "other"
    plan = planned(**sections).external_secrets
    assert plan is not None
    assert plan.secrets == (ReadSecretPlan("a"), ReadSecretPlan("prod/hf", KEY))
    assert plan.stores == ("models", "other")


def test_its_chart_and_image_are_among_those_that_a_mirror_needs() -> None:
    plan = planned(**models(token()))
    assert "external-secrets" in {stack_chart.chart for stack_chart in stack_charts(plan)}
    assert "ghcr.io/external-secrets/external-secrets:v2.9.0" in {
        stack_image.image for stack_image in stack_images(plan)
    }
    own = planned(**models(token()), externalSecrets={"install": False})
    assert "external-secrets" not in {stack_chart.chart for stack_chart in stack_charts(own)}


def test_without_such_a_token_nothing_is_planned_or_said() -> None:
    assert planned(externalSecrets={"install": False}).external_secrets is None
    assert "external-secrets-role" not in rules(planned(externalSecrets={"install": False}).findings, Severity.WARNING)


def test_a_key_lies_in_the_region_of_the_secret() -> None:
    elsewhere = KEY.replace("us-east-1", "eu-north-1")
    message = errors(refusal(**models(token(kmsKeyArn=elsewhere))))["models[0].tokenSecret.kmsKeyArn"]
    assert "eu-north-1" in message
    assert "write the ARN of a key in us-east-1" in message


@pytest.mark.parametrize("second", [token(), token(kmsKeyArn=KEY.replace("0aa0aa00", "0bb0bb00"))])
def test_a_secret_has_one_key(second: dict[str, Any]) -> None:
    told = errors(refusal(**models(token(kmsKeyArn=KEY), second)))
    assert "models[0].tokenSecret" in told["models[1].tokenSecret.kmsKeyArn"]


def test_more_secrets_than_a_roles_policy_holds_are_refused() -> None:
    many = [token(f"{index:03d}-{'x' * 400}") for index in range(30)]
    assert "one JSON secret" in errors(refusal(**models(*many)))["externalSecrets"]


def test_a_name_that_ends_as_an_arn_does_is_asked_about() -> None:
    assert "AbCdEf" in warned(**models(token("prod/hf-AbCdEf")))["secret-name-end"]
    assert "secret-name-end" not in warned(**models(token("prod/hf-token")))


def test_an_operator_that_is_not_ours_needs_a_role_that_is_not_ours() -> None:
    told = warned(**models(token(kmsKeyArn=KEY), token("a")), externalSecrets={"install": False})
    assert "a, prod/hf" in told["external-secrets-role"]
    assert "kms:Decrypt" in told["external-secrets-role"]


def test_in_a_cluster_of_another_operator_and_identity_are_not_known() -> None:
    findings = planned(**models(token()), **OTHERS).findings
    said = {finding.path: finding.text for finding in findings if finding.severity is Severity.WARNING}
    assert "External Secrets Operator already" in said["externalSecrets.install"]
    assert "eks-pod-identity-agent" in said["externalSecrets"]


def test_a_network_without_a_way_out_needs_an_endpoint() -> None:
    mirror = {"registry": {"mirror": "mirror.example/images"}}
    existing = {"network": OTHERS["network"], "cluster": OTHERS["cluster"]}
    message = warned(**models(token()), **existing, **mirror)["secrets-manager-endpoint"]
    assert "com.amazonaws.us-east-1.secretsmanager" in message
    assert "secrets-manager-endpoint" not in warned(**models(token()), **mirror)


def test_two_models_do_not_meet_in_the_operators_secret() -> None:
    plan = planned(**models(token(), token()))
    names = {model.token.secret_name for model in plan.models if model.token}
    assert len(names) == 2
