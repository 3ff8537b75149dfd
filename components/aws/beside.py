"""What a stack has in its account beside network, cluster and nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components.aws.anomalies import CostAnomalies, CostAnomaliesArgs
from components.aws.bill_topic import BillTopic, BillTopicArgs
from components.aws.budget import SpendingBudget, SpendingBudgetArgs
from components.aws.codebuild_runner import CodeBuildRunner, CodeBuildRunnerArgs
from components.aws.eks_cluster import ClusterOutputs
from components.aws.file_system import FileSystemOutputs, WeightsFileSystem, WeightsFileSystemArgs
from components.aws.network import NetworkOutputs
from components.aws.pull_through import PullThroughCache, PullThroughCacheArgs
from planning.model import StackPlan


def beside(
    plan: StackPlan,
    secrets: Mapping[str, pulumi.Output[str]],
    cluster: ClusterOutputs,
    network: NetworkOutputs,
    opts: pulumi.ResourceOptions,
) -> tuple[FileSystemOutputs | None, Sequence[pulumi.Resource]]:
    """The budget that AWS watches, ECR's rules, the runner of CI and the weights' file system, where asked for.

    With the file system comes what must be there before a pod of ours pulls its image: a pull below a prefix without
    its rule is answered "not found", and the pod waits in ImagePullBackOff, up to five minutes until the next try.
    """
    if spending := plan.cost.spending:
        topic = (
            BillTopic("bill", BillTopicArgs(spending.topic, secrets, plan.tags), opts).arn if spending.topic else None
        )
        SpendingBudget("spending", SpendingBudgetArgs(spending, topic, plan.tags), opts)
        if spending.anomalies:
            told = CostAnomaliesArgs(spending.anomalies, spending.emails, topic, plan.tags)
            CostAnomalies("anomalies", told, opts)
    cache = [PullThroughCache("images", PullThroughCacheArgs(plan.pull_through), opts)] if plan.pull_through else []
    if runner := plan.account.runner:
        CodeBuildRunner("runner", CodeBuildRunnerArgs(runner, cluster, network, plan.tags), opts)
    if plan.file_system is None:
        return None, cache
    wanted = WeightsFileSystemArgs(plan.file_system, network, cluster, plan.tags)
    return WeightsFileSystem("weights", wanted, opts).outputs, cache
