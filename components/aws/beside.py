"""What a stack has in its account beside network, cluster and nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.aws.anomalies import CostAnomalies, CostAnomaliesArgs
from components.aws.bill_topic import BillTopic, BillTopicArgs
from components.aws.budget import SpendingBudget, SpendingBudgetArgs
from components.aws.certificate import HostCertificate, HostCertificateArgs
from components.aws.codebuild_runner import CodeBuildRunner, CodeBuildRunnerArgs
from components.aws.eks_cluster import ClusterOutputs
from components.aws.file_system import FileSystemOutputs, WeightsFileSystem, WeightsFileSystemArgs
from components.aws.network import NetworkOutputs
from components.aws.pull_through import PullThroughCache, PullThroughCacheArgs
from planning.model import StackPlan


@dataclass(frozen=True)
class AccountOutputs:
    """`image_rules`: what must be there before a pod of ours pulls its image: a pull below a prefix without its rule is
    answered "not found", and the pod waits in ImagePullBackOff, up to five minutes until the next try.
    `certificate_arn`: of the gateway's host, known when it is issued. None: the stack asks for none."""

    files: FileSystemOutputs | None
    image_rules: tuple[pulumi.Resource, ...]
    certificate_arn: pulumi.Output[str] | None


def beside(
    plan: StackPlan,
    secrets: Mapping[str, pulumi.Output[str]],
    cluster: ClusterOutputs,
    network: NetworkOutputs,
    opts: pulumi.ResourceOptions,
) -> AccountOutputs:
    """The budget that AWS watches, ECR's rules, the runner of CI, the weights' file system and the certificate of the
    gateway's host, where asked for."""
    if spending := plan.cost.spending:
        topic = (
            BillTopic("bill", BillTopicArgs(spending.topic, secrets, plan.tags), opts).arn if spending.topic else None
        )
        SpendingBudget("spending", SpendingBudgetArgs(spending, topic, plan.tags), opts)
        if spending.anomalies:
            told = CostAnomaliesArgs(spending.anomalies, spending.emails, topic, plan.tags)
            CostAnomalies("anomalies", told, opts)
    if runner := plan.account.runner:
        CodeBuildRunner("runner", CodeBuildRunnerArgs(runner, cluster, network, plan.tags), opts)
    cache = PullThroughCache("images", PullThroughCacheArgs(plan.pull_through), opts) if plan.pull_through else None
    files = certificate_arn = None
    if plan.file_system:
        wanted = WeightsFileSystemArgs(plan.file_system, network, cluster, plan.tags)
        files = WeightsFileSystem("weights", wanted, opts).outputs
    if plan.entry and plan.entry.new_certificate:
        of_host = HostCertificateArgs(plan.entry.new_certificate, plan.tags)
        certificate_arn = HostCertificate("host", of_host, opts).arn
    return AccountOutputs(files, (cache,) if cache else (), certificate_arn)
