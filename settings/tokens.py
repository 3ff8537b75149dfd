"""Where a model's Hugging Face token is. The token itself is never a setting."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.names import KmsKeyArn, ObjectName, SecretKey, SecretProperty, SecretsManagerName
from settings.types import ConfigKey, Section, described, kind_defaults_to


class PulumiConfigToken(Section):
    """A Hugging Face token from `pulumi config set --secret`; we make the Kubernetes Secret."""

    kind: Literal["pulumiConfig"]
    key: ConfigKey = described("config key", default="hfToken")


class KubernetesSecretToken(Section):
    """A Hugging Face token in a Kubernetes Secret that exists in the model's namespace."""

    kind: Literal["kubernetesSecret"]
    name: ObjectName = described("name of the Secret")
    key: SecretKey = described("key in the Secret", default="token")


class SecretsManagerToken(Section):
    """A Hugging Face token in AWS Secrets Manager, in the stack's account and region; the External Secrets Operator
    keeps a Kubernetes Secret of it (docs/secrets.md)."""

    kind: Literal["secretsManager"]
    name: SecretsManagerName = described("name of the secret, as in prod/huggingface")
    property: SecretProperty | None = described(
        "key in it, where the secret is a JSON object; default: the whole text is the token", default=None
    )
    kms_key_arn: KmsKeyArn | None = described(
        "KMS key that encrypts the secret; default: aws/secretsmanager, which needs no right of its own", default=None
    )
    refresh_minutes: int = described(
        "how often it is read again, minutes: a rotated token arrives so much later at most", default=60, ge=1, le=10080
    )


TokenSecret = Annotated[
    PulumiConfigToken | KubernetesSecretToken | SecretsManagerToken,
    Field(discriminator="kind"),
    kind_defaults_to("pulumiConfig"),
]
