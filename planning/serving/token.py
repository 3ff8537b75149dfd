"""A model's token: its Secret, by the three ways to name one."""

from __future__ import annotations

from planning.model import RemoteTokenPlan, TokenPlan
from planning.names import external_token_name
from settings.models import Model
from settings.tokens import PulumiConfigToken, SecretsManagerToken


def token_plan(model: Model) -> TokenPlan | None:
    """Which Secret holds the model's Hugging Face token, and how it comes there; None where it needs none."""
    secret = model.token_secret
    if secret is None:
        return None
    if isinstance(secret, PulumiConfigToken):
        return TokenPlan(f"{model.name}-hf-token", "token", secret.key)
    if isinstance(secret, SecretsManagerToken):
        remote = RemoteTokenPlan(secret.name, secret.property, secret.refresh_minutes)
        return TokenPlan(external_token_name(model.name, secret), "token", None, remote)
    return TokenPlan(secret.name, secret.key, None)
