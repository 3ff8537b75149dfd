"""Whether ECR will take the stack's pull-through rules: prefixes that are free, and credentials that are there.

A secret's value is never asked for: whether its text is right is first known when an image is pulled.
"""

from __future__ import annotations

from collections.abc import Iterator

from planning.findings import listed
from planning.model import ExistingClusterPlan, PullThroughPlan, StackPlan, UpstreamPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict
from preflight.questions.cluster import described

_ID, _PATH = "pull-through", "registry.pullThrough"


def _asked(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    cache = plan.pull_through
    assert cache is not None
    yield from _prefixes(plan, cache, aws)
    for index, upstream in enumerate(cache.upstreams):
        if upstream.credential_arn is not None:
            yield _secret(upstream.credential_arn, f"{_PATH}.upstreams[{index}].credentialArn", aws)


def _prefixes(plan: StackPlan, cache: PullThroughPlan, aws: AwsAccount) -> Iterator[Answer]:
    """Rules carry no tags: one as the stack makes it is its own where its cluster is there, else another's."""
    rules = aws.pages("ecr", "describe_pull_through_cache_rules", "pullThroughCacheRules")
    urls = {rule["ecrRepositoryPrefix"]: rule["upstreamRegistryUrl"] for rule in rules}
    there = [upstream for upstream in cache.upstreams if upstream.prefix in urls]
    was_up = bool(there) and (isinstance(plan.cluster, ExistingClusterPlan) or described(plan, aws) is not None)
    taken = [upstream for upstream in there if not was_up or urls[upstream.prefix] != upstream.url]
    for upstream in taken:
        yield _taken(upstream, urls[upstream.prefix], plan.region)
    if not taken:
        prefixes = listed([upstream.prefix for upstream in cache.upstreams])
        state = "has rules for" if there else "has no rule yet for"
        yield Answer(_ID, f"{_PATH}.prefix", Verdict.OK, f"ECR {state} {prefixes}")


def _taken(upstream: UpstreamPlan, url: str, region: str) -> Answer:
    said = f"ECR in {region} has a rule with the prefix {upstream.prefix} already, for {url}, and takes no second one"
    return Answer(_ID, f"{_PATH}.prefix", Verdict.ERROR, said, fix="write another prefix: each stack has its own")


def _secret(arn: str, path: str, aws: AwsAccount) -> Answer:
    secret = aws.call("secretsmanager", "describe_secret", absent=("ResourceNotFoundException",), SecretId=arn)
    if secret is None:
        fix = "create it as docs/pull-through.md says, or write the ARN of one that is there"
        return Answer(_ID, path, Verdict.ERROR, f"there is no secret {arn}", fix=fix)
    if secret.get("DeletedDate") is not None:
        fix = f"run: aws secretsmanager restore-secret --secret-id {arn}"
        return Answer(_ID, path, Verdict.ERROR, f"{arn} is to be deleted, and ECR cannot read it", fix=fix)
    return Answer(_ID, path, Verdict.OK, f"{secret['Name']} is there")


def _guess(plan: StackPlan) -> str | None:
    if plan.pull_through is None:
        return None
    prefixes = listed([upstream.prefix for upstream in plan.pull_through.upstreams])
    secrets = [upstream.credential_arn for upstream in plan.pull_through.upstreams if upstream.credential_arn]
    also = f", and Secrets Manager has {listed(secrets)}" if secrets else ""
    return f"no rule of another stack has the prefix {prefixes}{also}"


QUESTIONS = (Question(_ID, _PATH, _guess, _asked),)
