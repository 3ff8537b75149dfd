"""Where a model's Hugging Face token is."""

from __future__ import annotations

from planning.model import RemoteTokenPlan, TokenPlan
from planning.names import external_token_name
from settings.models import Model
from settings.tokens import PulumiConfigToken, SecretsManagerToken


def plan_token(model: Model) -> TokenPlan | None:
    """The Secret that the downloader mounts, and who makes it; None: nothing names a token."""
    secret = model.token_secret
    if secret is None:
        return None
    if isinstance(secret, PulumiConfigToken):
        return TokenPlan(f"{model.name}-hf-token", "token", secret.key)
    if isinstance(secret, SecretsManagerToken):
        remote = RemoteTokenPlan(secret.name, secret.property, secret.refresh_minutes)
        return TokenPlan(external_token_name(model.name, secret), "token", None, remote)
    return TokenPlan(secret.name, secret.key, None)
