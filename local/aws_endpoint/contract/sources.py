"""Where the rows were read, each once. `SINCE` is when: what a page says before that day is not known to us."""

from __future__ import annotations

from typing import Final

SINCE: Final = "2026-11-27"
_API: Final = "https://docs.aws.amazon.com/eks/latest/APIReference/"
_GUIDE: Final = "https://docs.aws.amazon.com/eks/latest/userguide/"


def api(operation: str) -> str:
    """EKS API reference."""
    return f"{_API}API_{operation}.html"


def guide(page: str) -> str:
    """EKS user guide."""
    return f"{_GUIDE}{page}.html"


def budgets_api(operation: str) -> str:
    """AWS Budgets' API reference."""
    return f"https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_{operation}.html"


def efs_api(operation: str) -> str:
    """EFS API reference."""
    return f"https://docs.aws.amazon.com/efs/latest/ug/API_{operation}.html"


def ec2_api(operation: str) -> str:
    """EC2 API reference."""
    return f"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_{operation}.html"


def iam_api(operation: str) -> str:
    """IAM API reference."""
    return f"https://docs.aws.amazon.com/IAM/latest/APIReference/API_{operation}.html"


def issue(repository: str, *numbers: int) -> str:
    """Reports that quote AWS' own words."""
    return ", ".join(f"https://github.com/{repository}/issues/{number}" for number in numbers)


EC2_ERRORS: Final = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"
IAM_QUOTAS: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
VPC_QUOTAS: Final = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"
LOGS_RETENTION: Final = (
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
)
