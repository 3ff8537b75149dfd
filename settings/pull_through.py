"""A cache of public registries in the account's own: ECR fetches an image once, nodes pull it from there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.matching import Matching
from settings.types import Section, described

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html, 2026-11-28.
CredentialArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+",
        "not the ARN of a secret that ECR may read",
        "name a secret of Secrets Manager whose name begins with ecr-pullthroughcache/, by its whole ARN",
    ),
]
# With the longest name of an upstream (planning/facts/pull_through_upstreams.csv) 30 characters, the most ECR takes.
CachePrefix = Annotated[
    str,
    Matching(
        r"[a-z0-9]+([._-][a-z0-9]+)*",
        "not a prefix of repositories in ECR",
        "write lower-case letters and digits, with single '.', '_' or '-' between them",
    ),
    Field(max_length=19),
]
UpstreamRegistry = Literal[
    "docker.io", "ghcr.io", "public.ecr.aws", "quay.io", "registry.gitlab.com", "registry.k8s.io"
]
"""As images are written; nvcr.io cannot be one."""


class Upstream(Section):
    """A registry that is cached."""

    registry: UpstreamRegistry = described("whose images are cached, as they are written in image names")
    credential_arn: CredentialArn | None = described(
        "secret with username and accessToken for it, in the stack's account and region; docker.io, ghcr.io and "
        "registry.gitlab.com need one, the others take none",
        default=None,
    )


class PullThrough(Section):
    """Images of these registries are pulled from the account's ECR, which fetches what it does not have yet."""

    prefix: CachePrefix = described(
        "of the repositories that ECR makes, prod: prod/quay/...; each stack of an account and region has its own"
    )
    upstreams: tuple[Upstream, ...] = described(
        "what is cached, one rule of ECR each; images of other registries are pulled from there as before",
        default=(
            Upstream(registry="public.ecr.aws"),
            Upstream(registry="quay.io"),
            Upstream(registry="registry.k8s.io"),
        ),
        min_length=1,
        max_length=6,
    )
