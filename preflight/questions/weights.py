"""Whether the buckets that models are read from are there, in the stack's region, with something below the prefix."""

from __future__ import annotations

from collections.abc import Iterator

from planning.model import BucketPlan, StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict

# HeadBucket has no body, so botocore's code is the status; 301 where S3 will not say more of another region.
_ABSENT, _ELSEWHERE = "404", "301"


def _buckets(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    for path, source in _sources(plan):
        yield _asked(path, source, aws)


def _asked(path: str, source: BucketPlan, aws: AwsAccount) -> Answer:
    bucket = aws.call("s3", "head_bucket", absent=(_ABSENT, "NoSuchBucket", _ELSEWHERE), Bucket=source.bucket)
    if bucket is None:
        said = f"there is no bucket {source.bucket} in {source.region}"
        fix = f"create it there and copy the files into it: aws s3 sync <folder> {source.uri}"
        return Answer("weights", f"{path}.source", Verdict.ERROR, said, fix=fix)
    region = bucket.get("BucketRegion") or source.region
    if region != source.region:
        said = f"{source.bucket} is in {region}, and the stack in {source.region}"
        fix = f"copy it to a bucket there: aws s3 sync {source.uri} s3://<bucket>/{source.prefix}"
        return Answer("weights", f"{path}.source", Verdict.ERROR, said, fix=fix)
    listed = aws.call("s3", "list_objects_v2", Bucket=source.bucket, Prefix=f"{source.prefix}/", MaxKeys=1)
    if not listed.get("KeyCount"):
        said = f"{source.bucket} has nothing below {source.prefix}/"
        fix = f"copy the files: aws s3 sync <folder> {source.uri}"
        return Answer("weights", f"{path}.source", Verdict.ERROR, said, fix=fix)
    return Answer("weights", f"{path}.source", Verdict.OK, f"{source.uri} is there")


def _sources(plan: StackPlan) -> list[tuple[str, BucketPlan]]:
    """Each once, at the first model that has it."""
    buckets: dict[str, tuple[str, BucketPlan]] = {}
    for index, model in enumerate(plan.models):
        if isinstance(model.source, BucketPlan):
            buckets.setdefault(model.source.uri, (f"models[{index}]", model.source))
    return list(buckets.values())


def _guess(plan: StackPlan) -> str | None:
    uris = [source.uri for _, source in _sources(plan)]
    return f"{plan.region} has {', '.join(uris)}" if uris else None


QUESTIONS = (Question("weights", "models", _guess, _buckets),)
