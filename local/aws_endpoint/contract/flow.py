"""How calls flow: pages, and "slower"."""

from __future__ import annotations

from local.aws_endpoint.contract.rule import ContractRule
from local.aws_endpoint.contract.sources import api

MOST_PER_PAGE = 100
_LISTS = (
    *("eks:ListAccessEntries", "eks:ListAddons", "eks:ListUpdates", "eks:ListPodIdentityAssociations"),
    *("eks:ListAssociatedAccessPolicies", "eks:ListClusters", "eks:ListNodegroups"),
)

RULES = (
    ContractRule(
        id="permission",
        operations=("*",),
        condition="the caller's IAM policy (where the played account has one) does not allow an action that the "
        "call needs: its own, tags at creation, the role that is passed, what EKS does in the caller's name (of EC2: "
        "UnauthorizedOperation, of IAM: AccessDenied)",
        code="AccessDeniedException",
        words="{caller} is not authorized to perform: {action} on resource: {resource}",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html; "
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html",
        by="local/aws_endpoint/contract/permitted.py",
    ),
    ContractRule(
        id="pod-role",
        operations=("*",),
        condition="a pod's credentials (EKS Pod Identity) and a call that no policy of its role allows: resources, "
        "tags that are asked for and that are there, the role that is passed, as far as launching instances needs them "
        "(of EC2: UnauthorizedOperation, of IAM and SQS: AccessDenied)",
        code="AccessDeniedException",
        words="{role} is not authorized to perform: {action} on resource: {resource}",
        source="https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html; "
        "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html",
        by="local/aws_endpoint/contract/gate.py",
    ),
    ContractRule(
        id="page-size",
        operations=_LISTS,
        condition=f"maxResults is not between 1 and {MOST_PER_PAGE}",
        code="InvalidParameterException",
        words=f"maxResults needs to be between 1 and {MOST_PER_PAGE}",
        source=f"{api('ListAccessEntries')} (the words are not AWS' own)",
        check=f"maxResults && (maxResults > `{MOST_PER_PAGE}` || maxResults < `1`)",
    ),
    ContractRule(
        id="pages",
        operations=_LISTS,
        condition=f"a list comes in pages of at most {MOST_PER_PAGE}, the next one by nextToken: two hundred entries "
        "are two pages",
        source=api("ListAccessEntries"),
        by="local/aws_endpoint/eks_store.py",
    ),
    ContractRule(
        id="throttling",
        operations=("*",),
        condition="a share of all calls (`--throttle`, with a seed) is answered with Throttling, RequestLimitExceeded "
        "(EC2) "
        "or 429 ThrottlingException (EKS)",
        code="Throttling",
        words="Rate exceeded",
        source="https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html; "
        "https://docs.aws.amazon.com/eks/latest/APIReference/CommonErrors.html",
        by="local/aws_endpoint/contract/gate.py",
    ),
)
