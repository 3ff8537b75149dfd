"""Where the stack's images are pulled from: their own registries, a mirror, or ECR as a cache of some of them."""

from __future__ import annotations

from collections.abc import Mapping

from planning.facts import rows
from planning.findings import Findings
from planning.model import ImageMirror, PullThroughPlan, UpstreamPlan
from settings.pull_through import PullThrough
from settings.stack import StackSettings

PATH = "registry.pullThrough"
RULE = "pull-through"


def upstream_facts() -> Mapping[str, Mapping[str, str]]:
    """By registry as images are written."""
    return {row["registry"]: row for row in rows("pull_through_upstreams.csv")}


def image_mirror(settings: StackSettings) -> ImageMirror | None:
    """None: every image from its own registry. Of a cache that is refused: what there would be without it."""
    cache = plan_pull_through(settings)
    return settings.registry.mirror if cache is None else cache


def plan_pull_through(settings: StackSettings) -> PullThroughPlan | None:
    """The cache; None where none is asked for, or its account is not known, which is refused."""
    asked, account = settings.registry.pull_through, settings.account
    if asked is None or account is None:
        return None
    facts = upstream_facts()
    upstreams = tuple(
        UpstreamPlan(
            registry=upstream.registry,
            url=facts[upstream.registry]["url"],
            prefix=f"{asked.prefix}/{facts[upstream.registry]['name']}",
            credential_arn=upstream.credential_arn,
        )
        for upstream in asked.upstreams
    )
    return PullThroughPlan(account, settings.region, upstreams)


def check_pull_through(settings: StackSettings, findings: Findings) -> None:
    """What ECR would refuse, and what would have two places."""
    asked = settings.registry.pull_through
    if asked is None:
        return
    if settings.registry.mirror is not None:
        findings.error(
            PATH, RULE, "registry.mirror has every image already: each would have two places", "leave one of both out"
        )
    if settings.account is None:
        findings.error(
            PATH, RULE, "the account is in each image's name, and nothing says it", 'write account: "<its 12 digits>"'
        )
    _check_upstreams(asked, settings, findings)


def _check_upstreams(asked: PullThrough, settings: StackSettings, findings: Findings) -> None:
    facts, seen = upstream_facts(), set[str]()
    for index, upstream in enumerate(asked.upstreams):
        path = f"{PATH}.upstreams[{index}]"
        if upstream.registry in seen:
            findings.error(path, RULE, f"{upstream.registry} is cached already", "remove it")
        seen.add(upstream.registry)
        needed, arn = facts[upstream.registry]["credential"] == "yes", upstream.credential_arn
        if needed and arn is None:
            findings.error(
                f"{path}.credentialArn",
                RULE,
                f"ECR takes no rule for {upstream.registry} without a credential",
                "name a secret ecr-pullthroughcache/... with username and accessToken, by its ARN",
            )
        if arn is None:
            continue
        if not needed:
            findings.error(
                f"{path}.credentialArn", RULE, f"ECR takes no credential for {upstream.registry}", "leave it out"
            )
        region, account = arn.split(":")[3:5]
        if region != settings.region or settings.account not in (None, account):
            findings.error(
                f"{path}.credentialArn",
                RULE,
                f"the secret is in {account}, {region}, and ECR reads those of the rule's own account and region "
                f"({settings.account or 'account not said'}, {settings.region})",
                "make it there",
            )
