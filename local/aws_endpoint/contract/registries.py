"""ECR's pull-through cache rules: upstreams, their credentials, how many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.aws_endpoint.contract.rule import Asked, Checks
from local.aws_endpoint.pull_through import SIGNED_IN, UPSTREAMS, rules_of

MOST_RULES = 50
# Of registries with hosts of their own: a name or an account before these.
_OWN_HOSTS = (".azurecr.io", ".amazonaws.com", "cgr.dev")


def _taken(asked: Asked) -> Mapping[str, Any] | None:
    return {} if asked.given.get("ecrRepositoryPrefix") in rules_of(asked.world.ecr) else None


def _unsupported(asked: Asked) -> Mapping[str, Any] | None:
    url = str(asked.given.get("upstreamRegistryUrl", ""))
    return None if url in UPSTREAMS or url.endswith(_OWN_HOSTS) else {}


def _unsigned(asked: Asked) -> Mapping[str, Any] | None:
    url = asked.given.get("upstreamRegistryUrl")
    return {"url": url} if url in SIGNED_IN and not asked.given.get("credentialArn") else None


def _no_secret(asked: Asked) -> Mapping[str, Any] | None:
    arn = asked.given.get("credentialArn")
    return {} if arn and not asked.world.has_secret(arn) else None


def _too_many(asked: Asked) -> Mapping[str, Any] | None:
    return {} if len(rules_of(asked.world.ecr)) >= MOST_RULES else None


CHECKS: Checks = {
    "pull-through-prefix": _taken,
    "pull-through-upstream": _unsupported,
    "pull-through-credential": _unsigned,
    "pull-through-secret": _no_secret,
    "pull-through-rules": _too_many,
}
