"""Tokens out of AWS Secrets Manager: which secrets the operator's role reads, and what cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planning.cluster.addon_network import addon_network
from planning.cluster.regions import partition
from planning.findings import Findings
from planning.model import CreateClusterPlan, ExistingClusterPlan, ExternalSecretsPlan, ReadSecretPlan
from planning.versions.charts import ChartSources
from planning.versions.pull_through import image_mirror
from settings.cluster import CreateCluster, CreateNetwork
from settings.stack import StackSettings
from settings.tokens import SecretsManagerToken

CHART = "external-secrets"
# All inline policies of a role together, white space not counted
# (docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, 2026-11-27).
MOST_POLICY_CHARACTERS = 10_240
DEFAULT_KEY = "aws/secretsmanager"
# Secrets Manager ends an ARN with six characters of its own (API_CreateSecret, Name).
LIKE_AN_ARN = re.compile(r".*-[A-Za-z0-9]{6}")


def check_external_secrets(settings: StackSettings, findings: Findings) -> None:
    """What a token in Secrets Manager needs: one key per secret, in this region, and a role that may read it."""
    named = list(_named(settings))
    keys: dict[str, tuple[str, str | None]] = {}
    for path, secret in named:
        _check_key(settings, path, secret, findings)
        before, key = keys.setdefault(secret.name, (path, secret.kms_key_arn))
        if key != secret.kms_key_arn:
            findings.error(
                f"{path}.kmsKeyArn",
                "secret-key-twice",
                f"{secret.kms_key_arn or DEFAULT_KEY} for the secret {secret.name}, and {key or DEFAULT_KEY} in "
                f"{before}: a secret has one",
                "write the same in both",
            )
        elif before == path and LIKE_AN_ARN.fullmatch(secret.name):
            findings.warning(
                f"{path}.name",
                "secret-name-end",
                f"{secret.name} ends as an ARN of Secrets Manager does, in '-' and six characters",
                "leave them out if they are the ARN's",
            )
    if named:
        _check_operator(settings, named, findings)


def plan_external_secrets(
    settings: StackSettings,
    cluster: CreateClusterPlan | ExistingClusterPlan,
    charts: ChartSources,
    findings: Findings,
) -> ExternalSecretsPlan | None:
    """The operator, where a model's token is in Secrets Manager. Of a cluster with its own no chart is looked for."""
    secrets = {secret.name: ReadSecretPlan(secret.name, secret.kms_key_arn) for _, secret in _named(settings)}
    if not secrets:
        return None
    external_secrets = settings.external_secrets
    return ExternalSecretsPlan(
        chart=charts.reference(CHART, findings if external_secrets.install else Findings()),
        namespace=external_secrets.namespace,
        install=external_secrets.install,
        cluster_name=cluster.name,
        region=settings.region,
        partition=partition(settings.region),
        secrets=tuple(secrets[name] for name in sorted(secrets)),
        stores=tuple(sorted({m.namespace for m in settings.models if isinstance(m.token_secret, SecretsManagerToken)})),
        scrape_interval_seconds=settings.monitoring.scrape_interval_seconds,
        mirror=image_mirror(settings),
        network=addon_network(settings),
    )


def _named(settings: StackSettings) -> Iterator[tuple[str, SecretsManagerToken]]:
    for index, model in enumerate(settings.models):
        if isinstance(model.token_secret, SecretsManagerToken):
            yield f"models[{index}].tokenSecret", model.token_secret


def _check_key(settings: StackSettings, path: str, secret: SecretsManagerToken, findings: Findings) -> None:
    region = secret.kms_key_arn.split(":")[3] if secret.kms_key_arn else settings.region
    if region != settings.region:
        findings.error(
            f"{path}.kmsKeyArn",
            "secret-key-region",
            f"the key is in {region}, and a secret of {settings.region} is encrypted with a key of that region",
            f"write the ARN of a key in {settings.region}, or leave it out where the key is aws/secretsmanager",
        )


def _check_operator(settings: StackSettings, named: list[tuple[str, SecretsManagerToken]], findings: Findings) -> None:
    external_secrets, secrets = settings.external_secrets, {secret.name: secret for _, secret in named}
    if not external_secrets.install:
        findings.warning(
            "externalSecrets.install",
            "external-secrets-role",
            "false: the cluster's own External Secrets Operator reads the tokens, with a role that is not this "
            "stack's: the update waits in vain where there is none, or where its role may not",
            f"let its role call secretsmanager:GetSecretValue on {', '.join(sorted(secrets))}"
            + (" and kms:Decrypt on their keys" if any(secret.kms_key_arn for secret in secrets.values()) else "")
            + "; or write true",
        )
        return
    if not isinstance(settings.cluster, CreateCluster):
        findings.warning(
            "externalSecrets",
            "external-secrets-credentials",
            "External Secrets Operator gets its AWS role from the EKS add-on eks-pod-identity-agent, and it is not "
            f"known here whether {settings.cluster.name} has it",
            "make sure that it has",
        )
    if settings.registry.mirror is not None and not isinstance(settings.network, CreateNetwork):
        endpoint = f"com.amazonaws.{settings.region}.secretsmanager"
        findings.warning(
            "network",
            "secrets-manager-endpoint",
            "images come from a mirror, so this network may have no way out, and the operator asks Secrets Manager",
            f"make an interface endpoint {endpoint} with private DNS where there is no NAT gateway",
        )
    size = sum(len(_arn(settings, secret)) * (2 if secret.kms_key_arn else 1) for secret in secrets.values())
    size += 250 * (1 + len({secret.kms_key_arn for secret in secrets.values()} - {None}))
    if size > MOST_POLICY_CHARACTERS:
        findings.error(
            "externalSecrets",
            "external-secrets-policy",
            f"{len(secrets)} secrets make a policy of about {size} characters; a role takes {MOST_POLICY_CHARACTERS}",
            "put tokens into one JSON secret and name their keys by property",
        )


def _arn(settings: StackSettings, secret: SecretsManagerToken) -> str:
    place = f"arn:{partition(settings.region)}:secretsmanager:{settings.region}:{'0' * 12}"
    return f'"{place}:secret:{secret.name}-??????",'
