"""`CodeBuildRunner`: a CodeBuild project in the private subnets that GitHub Actions jobs run in.

It starts for queued jobs of the named workflows (a webhook that CodeBuild makes at GitHub through the connection), and
its security group is let in to the Kubernetes API. The role may do nothing but run; a job assumes another one.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import iam
from components.aws.eks_cluster import HTTPS, ClusterOutputs
from components.aws.network import INTERNET, NetworkOutputs
from components.tags import named
from planning.model import CodeBuildRunnerPlan, Tags

# https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html, 2026-11-27.
IMAGE, KIND = "aws/codebuild/amazonlinux-x86_64-standard:5.0", "LINUX_CONTAINER"
QUEUED_MINUTES = 60


@dataclass(frozen=True)
class CodeBuildRunnerArgs:
    """`cluster`: whose API its jobs reach."""

    plan: CodeBuildRunnerPlan
    cluster: ClusterOutputs
    network: NetworkOutputs
    tags: Tags


class CodeBuildRunner(pulumi.ComponentResource):
    """Log group, role, security group with its way to the API, project and webhook."""

    def __init__(self, name: str, args: CodeBuildRunnerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:CodeBuildRunner", name, None, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        plan, subnets = args.plan, args.network.private_subnet_ids()
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/codebuild/{plan.project}",
            retention_in_days=plan.log_retention_days,
            tags=named(args.tags, f"{name}-logs"),
            opts=self._child,
        )
        role, policy = self._role(logs, subnets)
        project = aws.codebuild.Project(
            f"{name}-project",
            name=plan.project,
            description=f"GitHub Actions jobs of {plan.repository_url}",
            service_role=role.arn,
            artifacts=aws.codebuild.ProjectArtifactsArgs(type="NO_ARTIFACTS"),
            environment=aws.codebuild.ProjectEnvironmentArgs(
                compute_type=plan.compute_type, image=IMAGE, type=KIND, privileged_mode=False
            ),
            source=aws.codebuild.ProjectSourceArgs(
                type="GITHUB",
                location=plan.repository_url,
                git_clone_depth=1,
                auth=aws.codebuild.ProjectSourceAuthArgs(type="CODECONNECTIONS", resource=plan.connection_arn),
            ),
            vpc_config=aws.codebuild.ProjectVpcConfigArgs(
                vpc_id=args.network.vpc_id, subnets=subnets, security_group_ids=[self._group().id]
            ),
            logs_config=aws.codebuild.ProjectLogsConfigArgs(
                cloudwatch_logs=aws.codebuild.ProjectLogsConfigCloudwatchLogsArgs(group_name=logs.name)
            ),
            build_timeout=plan.build_minutes,
            queued_timeout=QUEUED_MINUTES,
            concurrent_build_limit=plan.at_once,
            tags=named(args.tags, plan.project),
            # Hidden ordering: CodeBuild tries the role's rights in the VPC when the project is made.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        aws.codebuild.Webhook(
            f"{name}-webhook",
            project_name=project.name,
            build_type="BUILD",
            filter_groups=[aws.codebuild.WebhookFilterGroupArgs(filters=webhook_filters(plan))],
            opts=self._child,
        )
        self.register_outputs({"project": project.name})

    def _role(
        self, logs: aws.cloudwatch.LogGroup, subnets: pulumi.Output[list[str]]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        name, plan = self._name, self._args.plan
        role = aws.iam.Role(
            f"{name}-role",
            description=f"CodeBuild project {plan.project}",
            assume_role_policy=iam.codebuild_trust(),
            tags=named(self._args.tags, f"{name}-role"),
            opts=self._child,
        )
        text = pulumi.Output.all(logs.arn, subnets).apply(
            lambda arns: iam.codebuild_runner_policy(arns[0], arns[1], plan.connection_arn)
        )
        return role, aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=text, opts=self._child)

    def _group(self) -> aws.ec2.SecurityGroup:
        """No ingress; out goes HTTPS, to the Kubernetes API too, which lets it in."""
        name, args = self._name, self._args
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            description=f"CodeBuild project {args.plan.project}",
            vpc_id=args.network.vpc_id,
            tags=named(args.tags, f"{name}-group"),
            opts=self._child,
        )
        port = {"ip_protocol": "tcp", "from_port": HTTPS, "to_port": HTTPS, "opts": self._child}
        tags = named(args.tags, f"{name}-https")
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-https", security_group_id=group.id, cidr_ipv4=INTERNET, description="HTTPS", tags=tags, **port
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-api",
            security_group_id=args.cluster.security_group_id,
            referenced_security_group_id=group.id,
            description="Kubernetes API (CodeBuild runner)",
            tags=named(args.tags, f"{name}-api"),
            **port,
        )
        return group


def webhook_filters(plan: CodeBuildRunnerPlan) -> list[aws.codebuild.WebhookFilterGroupFilterArgs]:
    """Queued jobs of the named workflows, and no other event: all of a group's filters have to hold."""
    return [
        aws.codebuild.WebhookFilterGroupFilterArgs(type="EVENT", pattern="WORKFLOW_JOB_QUEUED"),
        aws.codebuild.WebhookFilterGroupFilterArgs(type="WORKFLOW_NAME", pattern=f"^({'|'.join(plan.workflows)})$"),
    ]
