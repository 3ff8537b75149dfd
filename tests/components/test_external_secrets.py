"""External Secrets Operator: release, rights, stores; who comes before whom, and who goes before whom."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.aws.iam import external_secrets_policy
from components.cluster.external_secrets import external_secrets_values, secret_store
from components.serving.manifests.external_secret import go_duration
from local.aws_endpoint.contract.permitted import PermissionNeed, allows
from planning.model import AddonNetworkPlan
from tests.components.plans import EXTERNAL_MODEL, EXTERNAL_SECRETS, MIRROR, SECRET_KEY
from tests.components.rendered import of_model
from tests.components.samples import once
from tests.engine import Engine
from tests.golden import as_yaml, assert_matches
from tests.program import CANARIES, example, run_program

GOLDENS = Path(__file__).parent / "goldens"
RELEASE = "kubernetes:helm.sh/v3:Release"
STORE = "kubernetes:external-secrets.io/v1:SecretStore"
EXTERNAL = "kubernetes:external-secrets.io/v1:ExternalSecret"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
ACCOUNT = "111122223333"
MONITORED = replace(EXTERNAL_SECRETS, network=AddonNetworkPlan(monitoring_namespace="monitoring"))
POLICY = json.loads(external_secrets_policy(EXTERNAL_SECRETS, ACCOUNT))
OTHER_KEY = SECRET_KEY.replace("0aa0aa00", "0bb0bb00")


def recorded(**sections: Any) -> Engine:
    secrets = {"grafanaPassword": CANARIES["grafanaPassword"]}
    if sections:
        return run_program({**example("external-secrets"), **sections}, "dev", secrets=secrets)
    return once("external-secrets", lambda: run_program(example("external-secrets"), "dev", secrets=secrets))


def release(engine: Engine) -> Any:
    (registration,) = (each for each in engine.all(RELEASE) if each.inputs["name"] == "external-secrets")
    return registration


def arn(name: str, region: str = "us-west-2", account: str = ACCOUNT, end: str = "-AbCdEf") -> str:
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{name}{end}"


def through(service: str, secret: str) -> dict[str, str]:
    return {"kms:ViaService": f"{service}.us-west-2.amazonaws.com", "kms:EncryptionContext:SecretARN": secret}


READ = ("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret")
ALLOWED: list[tuple[str, str, dict[str, str]]] = [
    *[(action, arn(name), {}) for action in READ for name in ("dev/hf", "prod/huggingface")],
    ("kms:Decrypt", SECRET_KEY, through("secretsmanager", arn("prod/huggingface"))),
]
DENIED: list[tuple[str, str, dict[str, str]]] = [
    *[(READ[0], arn(name), {}) for name in ("prod/database", "prod/huggingface-2", "prod", "dev/hf/other", "xdev/hf")],
    (READ[0], arn("dev/hf", end="-AbCdEf-GhIjKl"), {}),  # a secret called dev/hf-AbCdEf
    (READ[0], arn("dev/hf", end=""), {}),
    (READ[0], arn("dev/hf", region="us-east-1"), {}),
    (READ[0], arn("dev/hf", account="999988887777"), {}),
    *[
        (f"secretsmanager:{what}", arn("dev/hf"), {})
        for what in ("PutSecretValue", "DeleteSecret", "UpdateSecret", "GetResourcePolicy", "TagResource")
    ],
    *[(f"secretsmanager:{what}", "*", {}) for what in ("ListSecrets", "BatchGetSecretValue", "CreateSecret")],
    ("kms:Decrypt", OTHER_KEY, through("secretsmanager", arn("prod/huggingface"))),
    ("kms:Decrypt", SECRET_KEY, through("secretsmanager", arn("prod/database"))),  # another secret of the same key
    ("kms:Decrypt", SECRET_KEY, through("secretsmanager", arn("dev/hf"))),
    ("kms:Decrypt", SECRET_KEY, through("s3", arn("prod/huggingface"))),
    ("kms:Decrypt", SECRET_KEY, {}),
    ("kms:Encrypt", SECRET_KEY, through("secretsmanager", arn("prod/huggingface"))),
    ("ssm:GetParameter", f"arn:aws:ssm:us-west-2:{ACCOUNT}:parameter/dev/hf", {}),
]


@pytest.mark.parametrize(("action", "resource", "values"), ALLOWED)
def test_its_role_reads_and_decrypts_the_secrets_that_are_named(
    action: str, resource: str, values: dict[str, str]
) -> None:
    assert allows(POLICY, PermissionNeed(action, resource, values))


@pytest.mark.parametrize(("action", "resource", "values"), DENIED)
def test_its_role_does_nothing_to_what_stands_beside(action: str, resource: str, values: dict[str, str]) -> None:
    assert not allows(POLICY, PermissionNeed(action, resource, values))


def test_no_right_is_for_all_resources_and_the_document_is_as_reviewed() -> None:
    assert not [each for each in POLICY["Statement"] if "*" in str(each["Resource"])]
    assert_matches(GOLDENS / "iam" / "external_secrets_policy.json", json.dumps(POLICY, indent=2) + "\n")


def test_without_keys_of_ones_own_nothing_is_decrypted() -> None:
    plain = replace(EXTERNAL_SECRETS, secrets=EXTERNAL_SECRETS.secrets[:1])
    assert "kms" not in external_secrets_policy(plain, ACCOUNT)


def test_values_are_as_their_golden() -> None:
    assert_matches(GOLDENS / "external-secrets.values.yaml", as_yaml(external_secrets_values(MONITORED)))


def test_the_image_comes_from_the_mirror() -> None:
    image = external_secrets_values(replace(EXTERNAL_SECRETS, mirror=MIRROR))["image"]
    assert image == {"repository": f"{MIRROR}/ghcr.io/external-secrets/external-secrets"}


@pytest.mark.parametrize(("interval", "within"), [(5, "5s"), (15, "10s"), (120, "10s")])
def test_no_scrape_lasts_longer_than_its_interval(interval: int, within: str) -> None:
    monitor = external_secrets_values(replace(MONITORED, scrape_interval_seconds=interval))["serviceMonitor"]
    assert (monitor["interval"], monitor["scrapeTimeout"]) == (f"{interval}s", within)
    assert external_secrets_values(EXTERNAL_SECRETS)["serviceMonitor"] == {"enabled": False}


def test_nobody_else_reads_with_its_role() -> None:
    """A SecretStore has the operator's rights: no cluster-wide one is served, and no editor may write one."""
    values = external_secrets_values(EXTERNAL_SECRETS)
    assert not any(values[key] for key in values if key.startswith("process"))
    assert values["rbac"]["aggregateToEdit"] is values["rbac"]["aggregateToAdmin"] is False
    assert values["rbac"]["serviceAccountTokenCreate"] is False


def test_what_a_model_and_a_namespace_have_of_it_is_as_its_golden() -> None:
    made = [secret_store("models", "us-west-2"), of_model(EXTERNAL_MODEL)["external-secret"]]
    assert_matches(GOLDENS / "external-secret.yaml", as_yaml(made))


@pytest.mark.parametrize(
    ("minutes", "text"), [(1, "1m0s"), (59, "59m0s"), (60, "1h0m0s"), (90, "1h30m0s"), (10080, "168h0m0s")]
)
def test_the_interval_is_written_as_the_operator_writes_it_back(minutes: int, text: str) -> None:
    assert go_duration(minutes) == text


def test_the_operator_has_its_role_before_its_pod_and_its_kinds_before_their_objects() -> None:
    engine = recorded()
    installed, (association,) = (
        release(engine),
        [each for each in engine.all(ASSOCIATION) if each.inputs["namespace"] == "external-secrets"],
    )
    assert (installed.inputs["chart"], installed.inputs["version"]) == ("external-secrets", "2.9.0")
    account = installed.inputs["values"]["serviceAccount"]["name"]
    assert association.inputs["serviceAccount"] == account
    assert {"external-secrets-identity", "external-secrets-policy"} <= installed.depends_on
    assert "external-secrets-policy" in association.depends_on
    store, read = engine.only(STORE), engine.only(EXTERNAL)
    assert installed.name in store.depends_on
    assert store.name in read.depends_on
    servers = engine.only("kubernetes:apps/v1:Deployment")
    assert read.name in servers.depends_on


def test_a_secret_that_is_not_there_ends_the_update_at_its_name_and_before_a_pod() -> None:
    engine = recorded()
    for type_ in (STORE, EXTERNAL):
        made = engine.only(type_)
        assert made.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"


def test_the_pods_mount_the_secret_that_the_operator_makes() -> None:
    engine = recorded()
    target = engine.only(EXTERNAL).inputs["spec"]["target"]
    text = json.dumps(engine.only("kubernetes:apps/v1:Deployment").plain_inputs)
    assert f'"secretName": "{target["name"]}"' in text
    assert target["creationPolicy"] == "Owner"


def test_no_secret_of_the_tokens_is_registered_and_its_role_names_the_account_of_the_stack() -> None:
    engine = recorded()
    assert "llama-hf-token" not in {registration.name for registration in engine.registrations}
    (policy,) = [each for each in engine.all("aws:iam/rolePolicy:RolePolicy") if each.name == "external-secrets-policy"]
    (read, decrypt) = json.loads(policy.inputs["policy"])["Statement"]
    assert "*" not in str(read["Resource"]).replace("-??????", "")
    assert read["Resource"][0].split(":")[4].isdigit()
    assert decrypt["Resource"] == ["arn:aws:kms:us-east-1:210987654321:key/0aa0aa00-1111-2222-3333-444455556666"]


def test_a_cluster_with_an_operator_of_its_own_gets_stores_and_no_release_and_no_role() -> None:
    engine = recorded(externalSecrets={"install": False})
    names = {registration.name for registration in engine.registrations}
    assert not {name for name in names if name.startswith("external-secrets")}
    assert (
        engine.only(STORE).depends_on == frozenset() or "external-secrets-release" not in engine.only(STORE).depends_on
    )
    assert engine.only(EXTERNAL)


def test_a_stack_without_such_tokens_has_nothing_of_it() -> None:
    sections = example("external-secrets")
    sections["models"] = [{**sections["models"][0], "tokenSecret": {"kind": "pulumiConfig"}}]
    engine = run_program(sections, "dev")
    assert not [
        registration
        for registration in engine.registrations
        if "external" in registration.type.lower() or "external" in registration.name
    ]


def test_another_place_to_read_from_is_another_secret_and_another_key_is_not() -> None:
    def names(**token: Any) -> str:
        sections = example("external-secrets")
        sections["models"] = [{**sections["models"][0], "tokenSecret": {"kind": "secretsManager", **token}}]
        return str(recorded(models=sections["models"]).only(EXTERNAL).inputs["metadata"]["name"])

    first = names(name="prod/hf")
    assert first.startswith("llama-hf-")
    assert names(name="prod/hf", refreshMinutes=5) == first
    assert len({first, names(name="prod/hf2"), names(name="prod/hf", property="token")}) == 3
