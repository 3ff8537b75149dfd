"""`PullThroughCache`: ECR's rules by which it fetches images of public registries."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from planning.model import PullThroughPlan


@dataclass(frozen=True)
class PullThroughCacheArgs:
    """One rule for each upstream of the plan."""

    plan: PullThroughPlan


class PullThroughCache(pulumi.ComponentResource):
    """The rules. Repositories below their prefixes are made by ECR at the first pull, and stay when the rules go."""

    def __init__(self, name: str, args: PullThroughCacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:PullThroughCache", name, None, opts)
        for upstream in args.plan.upstreams:
            aws.ecr.PullThroughCacheRule(
                f"{name}-{upstream.registry.replace('.', '-')}",
                ecr_repository_prefix=upstream.prefix,
                upstream_registry_url=upstream.url,
                credential_arn=upstream.credential_arn,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
