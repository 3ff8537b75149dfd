"""What a stack has in its account beside network, cluster and nodes."""

from __future__ import annotations

import pulumi

from components.aws.budget import SpendingBudget, SpendingBudgetArgs
from components.aws.codebuild_runner import CodeBuildRunner, CodeBuildRunnerArgs
from components.aws.eks_cluster import ClusterOutputs
from components.aws.network import NetworkOutputs
from planning.model import StackPlan


def beside(plan: StackPlan, cluster: ClusterOutputs, network: NetworkOutputs, opts: pulumi.ResourceOptions) -> None:
    """The budget that AWS watches, and the runner of CI, where the stack asks for them."""
    if plan.cost.spending:
        SpendingBudget("spending", SpendingBudgetArgs(plan.cost.spending, plan.tags), opts)
    if runner := plan.account.runner:
        CodeBuildRunner("runner", CodeBuildRunnerArgs(runner, cluster, network, plan.tags), opts)
