"""The CodeBuild runner of a stack: what it is called, what it takes, and where it cannot be."""

from __future__ import annotations

from planning.findings import Findings
from planning.model import CodeBuildRunnerPlan, CreateClusterPlan, ExistingClusterPlan
from settings.ci import Compute
from settings.stack import StackSettings

PATH = "ci.codeBuildRunner"
# https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html, 2026-11-27.
COMPUTE_TYPES = {
    Compute.SMALL: "BUILD_GENERAL1_SMALL",
    Compute.MEDIUM: "BUILD_GENERAL1_MEDIUM",
    Compute.LARGE: "BUILD_GENERAL1_LARGE",
}


def plan_runner(
    settings: StackSettings, cluster: CreateClusterPlan | ExistingClusterPlan, findings: Findings
) -> CodeBuildRunnerPlan | None:
    """The runner, where the stack has one."""
    code_build_runner = settings.ci.code_build_runner
    if code_build_runner is None:
        return None
    if isinstance(cluster, ExistingClusterPlan):
        findings.error(
            PATH,
            "runner-cluster",
            f"cluster {cluster.name} is another's: the runner would open port 443 on its security group",
            "leave it out, and use a runner that its owner lets in (docs/ci.md)",
        )
    region = code_build_runner.connection_arn.split(":")[3]
    if region != settings.region:
        findings.error(
            f"{PATH}.connectionArn",
            "runner-region",
            f"is a connection of {region}, and the project stands in {settings.region}",
            f"write one of {settings.region}",
        )
    return CodeBuildRunnerPlan(
        project=f"{cluster.name}-runner",
        repository_url=f"https://github.com/{code_build_runner.repository}.git",
        connection_arn=code_build_runner.connection_arn,
        workflows=tuple(dict.fromkeys(code_build_runner.workflows)),
        compute_type=COMPUTE_TYPES[code_build_runner.compute],
        log_retention_days=cluster.log_retention_days if isinstance(cluster, CreateClusterPlan) else 30,
    )
