"""ECR's pull-through cache rules, which moto lacks, as documents: nothing is fetched.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html, 2026-11-28
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr.models import ECRBackend
from moto.ecr.responses import ECRResponse

# Host of an upstream -> its name in answers; those whose host is a registry's own (Azure, ECR) are of no stack.
UPSTREAMS = {
    "public.ecr.aws": "ecr-public",
    "registry-1.docker.io": "docker-hub",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
    "registry.k8s.io": "k8s",
    "quay.io": "quay",
}
SIGNED_IN = frozenset({"registry-1.docker.io", "ghcr.io", "registry.gitlab.com"})
_KEPT = "pull_through_rules"


class RuleNotFound(ServiceException):  # type: ignore[misc]  # moto has no types here
    """PullThroughCacheRuleNotFoundException."""

    code = "PullThroughCacheRuleNotFoundException"


def install() -> None:
    """Adds the operations to moto's class; once per process."""
    ECRResponse.create_pull_through_cache_rule = _create
    ECRResponse.describe_pull_through_cache_rules = _describe
    ECRResponse.update_pull_through_cache_rule = _update
    ECRResponse.delete_pull_through_cache_rule = _delete


def rules_of(backend: ECRBackend) -> dict[str, dict[str, Any]]:
    """By prefix, of one account and region; they go with moto's other state."""
    rules: dict[str, dict[str, Any]] = backend.__dict__.setdefault(_KEPT, {})
    return rules


def _rule(response: Any) -> dict[str, Any]:
    prefix = response._get_param("ecrRepositoryPrefix")
    rule = rules_of(response.ecr_backend).get(prefix)
    if rule is None:
        raise RuleNotFound(f"The pull through cache rule with repository prefix '{prefix}' does not exist")
    return rule


def _create(response: Any) -> ActionResult:
    url, prefix = response._get_param("upstreamRegistryUrl"), response._get_param("ecrRepositoryPrefix")
    now = datetime.now(UTC)
    rule = {
        "ecrRepositoryPrefix": prefix,
        "upstreamRegistryUrl": url,
        "upstreamRegistry": UPSTREAMS.get(url),
        "upstreamRepositoryPrefix": response._get_param("upstreamRepositoryPrefix") or "ROOT",
        "registryId": response.current_account,
        "credentialArn": response._get_param("credentialArn"),
        "createdAt": now,
        "updatedAt": now,
    }
    rules_of(response.ecr_backend)[prefix] = {key: value for key, value in rule.items() if value is not None}
    return ActionResult(rules_of(response.ecr_backend)[prefix])


def _describe(response: Any) -> ActionResult:
    rules, prefixes = rules_of(response.ecr_backend), response._get_param("ecrRepositoryPrefixes")
    missing = [prefix for prefix in prefixes or () if prefix not in rules]
    if missing:
        raise RuleNotFound(f"The pull through cache rule with repository prefix '{missing[0]}' does not exist")
    return ActionResult({"pullThroughCacheRules": [rules[prefix] for prefix in prefixes or rules]})


def _update(response: Any) -> ActionResult:
    rule = _rule(response)
    rule |= {"credentialArn": response._get_param("credentialArn"), "updatedAt": datetime.now(UTC)}
    return ActionResult(rule)


def _delete(response: Any) -> ActionResult:
    rule = _rule(response)
    del rules_of(response.ecr_backend)[rule["ecrRepositoryPrefix"]]
    return ActionResult(rule)
