"""Where images are pulled from instead of their own registries. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UpstreamPlan:
    """A rule of ECR: what is below `prefix` there is fetched from `url`."""

    registry: str
    """As images are written, `quay.io`."""
    url: str
    """As ECR writes it."""
    prefix: str
    """Of repositories, `prod/quay`."""
    credential_arn: str | None


@dataclass(frozen=True)
class PullThroughPlan:
    """ECR as a cache of some registries."""

    account: str
    region: str
    upstreams: tuple[UpstreamPlan, ...]

    @property
    def host(self) -> str:
        """Of the account's registry. In other partitions, which are refused (planning/cluster/regions.py), it ends
        otherwise."""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"

    def prefix_of(self, registry: str) -> str | None:
        """`host/prefix` of a cached registry; None: it is not cached."""
        return next((f"{self.host}/{u.prefix}" for u in self.upstreams if u.registry == registry), None)


ImageMirror = str | PullThroughPlan
"""A mirror, `<registry>/<prefix>`, which holds everything, or a cache of some registries."""
