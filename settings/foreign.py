"""Keys of other packages in a stack file (`aws:profile`): our providers are explicit and read none of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from settings.findings import Finding, mistake
from settings.read import PROJECT, Loaded

PACKAGES = ("aws", "kubernetes")
# By default an explicit provider reads no configuration of its package (pulumi/pulumi-aws#1307, #3259): who trusts
# `aws:allowedAccountIds` deploys to another account without a word. What to write in place of each:
INSTEAD = {
    "aws:region": f"write {PROJECT}:region",
    "aws:allowedAccountIds": f"write {PROJECT}:account",
    "aws:profile": "set AWS_PROFILE in the environment, which the kubeconfig's `aws eks get-token` reads too",
    "aws:assumeRole": "name the role in a profile (role_arn, source_profile) and set AWS_PROFILE",
    "aws:assumeRoles": "name the role in a profile (role_arn, source_profile) and set AWS_PROFILE",
    "aws:defaultTags": f"write {PROJECT}:tags",
    "aws:endpoints": "set AWS_ENDPOINT_URL in the environment",
    "aws:accessKey": "set AWS_ACCESS_KEY_ID in the environment, better a profile or a role",
    "aws:secretKey": "set AWS_SECRET_ACCESS_KEY in the environment, better a profile or a role",
    "aws:token": "set AWS_SESSION_TOKEN in the environment, better a profile or a role",
    "kubernetes:kubeconfig": "remove it: the kubeconfig is that of the stack's own cluster",
}


def with_foreign(loaded: Loaded, keys: Iterable[str], stack: str) -> Loaded:
    """`loaded`, with a mistake for each key (`package:key`) that would be ignored."""
    findings = tuple(_problem(key, stack) for key in sorted(keys) if key.partition(":")[0] in PACKAGES)
    return replace(loaded, problems=(*loaded.problems, *findings)) if findings else loaded


def _problem(key: str, stack: str) -> Finding:
    short = key.partition(".")[0].partition("[")[0]
    instead = INSTEAD.get(short, "use what the AWS SDK reads of the environment")
    package = short.partition(":")[0]
    why = f"is not read: the stack's providers take no {package} config"
    return mistake(key, why, f"{instead}; run: pulumi config rm {key} --stack {stack}")
