"""An existing cluster: its add-ons, nodes and what it holds, asked of EKS, EC2 and its own API."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.aws_endpoint import eks_clusters
from local.control_plane.certificates import ensure_pki, ensure_service_certificate
from preflight.merge import findings
from preflight.model import PreflightReport, Verdict
from tests.local.aws.needs import trust
from tests.preflight.accounts import account, asked, own, planned, said

NAME = "shared"


@contextmanager
def api_server(folder: Path, objects: Mapping[str, Any]) -> Iterator[list[str]]:
    """An API server over TLS that knows these paths, and the tokens that it was shown."""
    tokens: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tokens.append(self.headers["Authorization"])
            connection = objects.get(self.path)
            body = json.dumps(connection or {}).encode()
            self.send_response(200 if connection is not None else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    pki = ensure_pki(folder)
    certificate = ensure_service_certificate(pki, folder / "api", ("localhost",))
    server = HTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    before = eks_clusters.CONTROL_PLANE
    eks_clusters.CONTROL_PLANE = eks_clusters.ControlPlane(
        f"https://localhost:{server.server_port}", pki.certificate("ca")
    )
    try:
        yield tokens
    finally:
        eks_clusters.CONTROL_PLANE = before
        server.shutdown()
        server.server_close()


def stack(network: Mapping[str, Any], name: str = NAME) -> dict[str, Any]:
    return {**own("dev"), "cluster": {"kind": "existing", "name": name}, "network": dict(network)}


def made(addons: tuple[str, ...] = ()) -> dict[str, Any]:
    """A cluster that somebody else made, and the network section that names its subnets."""
    ec2, eks, iam = (boto3.client(service, region_name="us-east-1") for service in ("ec2", "eks", "iam"))
    document = trust("eks.amazonaws.com")
    role = iam.create_role(RoleName="eks", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    eks.create_cluster(name=NAME, roleArn=role, version="1.35", resourcesVpcConfig={"subnetIds": subnets})
    for name in addons:
        more = {"configurationValues": '{"enableNetworkPolicy": "true"}'} if name == "vpc-cni" else {}
        eks.create_addon(clusterName=NAME, addonName=name, **more)
    return {"kind": "existing", "vpcId": vpc, "privateSubnetIds": subnets}


ALL = ("vpc-cni", "eks-pod-identity-agent", "aws-ebs-csi-driver")
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
GP3 = {CLASSES: {"items": [{"metadata": {"name": "gp3"}}]}}


def report_of(folder: Path, objects: Mapping[str, Any], addons: tuple[str, ...] = ALL) -> tuple[Any, PreflightReport]:
    with account() as aws, api_server(folder, objects) as tokens:
        plan = planned(stack(made(addons)))
        report = asked(plan, aws)
    assert all(token.startswith("Bearer k8s-aws-v1.") for token in tokens)
    for token in tokens:
        text = token.removeprefix("Bearer k8s-aws-v1.")
        url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        assert "Action=GetCallerIdentity" in url
        assert "x-k8s-aws-id" in url
    return plan, report


def test_a_cluster_that_has_everything_settles_what_the_plan_did_not_know(tmp_path: Path) -> None:
    plan, report = report_of(tmp_path, GP3)
    assert said(report) == {}
    open_before = {
        finding.path for finding in plan.findings if finding.rule in ("existing-cluster", "autoscaler-credentials")
    }
    assert {"monitoring.enabled", "gpuOperator.enabled", "monitoring.storageClass", "cluster.kind"} <= open_before
    left = {finding.rule for finding in findings(plan, report)}
    assert "existing-cluster" not in left
    assert "autoscaler-credentials" not in left


def test_what_somebody_else_installed_is_refused_with_the_setting_that_leaves_it_out(tmp_path: Path) -> None:
    theirs = {
        "/apis/monitoring.coreos.com/v1/prometheuses": {"items": [{"metadata": {"namespace": "observability"}}]},
        "/apis/nvidia.com/v1/clusterpolicies": {
            "items": [{"metadata": {"annotations": {"meta.helm.sh/release-namespace": "nvidia"}}}]
        },
    }
    _, report = report_of(tmp_path, {**GP3, **theirs})
    told = said(report, Verdict.ERROR)
    assert told["monitoring.enabled"][0].startswith("there is a Prometheus operator in namespace observability; write")
    assert told["gpuOperator.enabled"][0].startswith("there is a GPU operator in namespace nvidia; write false")


def test_what_this_stack_installed_before_is_nobody_elses(tmp_path: Path) -> None:
    ours = {
        "/apis/monitoring.coreos.com/v1/prometheuses": {"items": [{"metadata": {"namespace": "monitoring"}}]},
        "/apis/nvidia.com/v1/clusterpolicies": {
            "items": [{"metadata": {"annotations": {"meta.helm.sh/release-namespace": "gpu-operator"}}}]
        },
    }
    assert said(report_of(tmp_path, {**GP3, **ours})[1]) == {}


def test_a_storage_class_and_add_ons_that_are_missing_are_named(tmp_path: Path) -> None:
    _, report = report_of(tmp_path, {CLASSES: {"items": [{"metadata": {"name": "gp2"}}]}}, ("vpc-cni",))
    told = said(report)
    assert "no storage class gp3 (it has gp2)" in told["monitoring.storageClass"][1]
    assert "--addon-name aws-ebs-csi-driver" in told["monitoring.storageClass"][0]
    assert "--addon-name eks-pod-identity-agent" in told["nodeAutoscaling"][0]


def test_network_policies_that_nobody_enforces_are_told(tmp_path: Path) -> None:
    _, report = report_of(tmp_path, GP3, ALL[1:])
    assert "accepted and ignored" in said(report)["cluster.kind"][0]


def test_a_cluster_that_is_not_there_or_elsewhere_is_named_with_the_nearest() -> None:
    with account() as aws:
        network = made()
        told = said(asked(planned(stack(network, "share")), aws), Verdict.ERROR)
        assert told["cluster.name"] == ["no cluster share in us-east-1; did you mean shared?"]
        other = {**network, "vpcId": "vpc-0123456789abcdef0"}
        told = said(asked(planned(stack(other)), aws), Verdict.ERROR)
    assert f"network.vpcId is {other['vpcId']}; write {network['vpcId']}" in told["network.vpcId"][0]
    assert "subnets of one VPC" in told["network.privateSubnetIds[0]"][0]


def test_subnets_that_are_not_there_are_named() -> None:
    with account() as aws:
        network = made()
        gone = {**network, "privateSubnetIds": [network["privateSubnetIds"][0], "subnet-0123456789abcdef0"]}
        told = said(asked(planned(stack(gone)), aws), Verdict.ERROR)
    assert "does not exist" in told["network.privateSubnetIds[1]"][0]
    assert "EKS wants two zones" in told["network.privateSubnetIds"][0]


@pytest.mark.parametrize("shares", [True, False])
def test_nodes_that_do_not_let_ours_in_are_told(tmp_path: Path, shares: bool) -> None:
    with account() as aws, api_server(tmp_path, GP3):
        network = made(ALL)
        ec2, eks = (boto3.client(service, region_name="us-east-1") for service in ("ec2", "eks"))
        own_group = eks.describe_cluster(name=NAME)["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"]
        theirs = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=network["vpcId"])["GroupId"]
        ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            SubnetId=network["privateSubnetIds"][0],
            SecurityGroupIds=[own_group, theirs] if shares else [theirs],
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": f"kubernetes.io/cluster/{NAME}", "Value": "owned"}]}
            ],
        )
        told = said(asked(planned(stack(network)), aws))
    assert (
        (told == {})
        if shares
        else (
            theirs in told["cluster.nodeSecurityGroupIds"][0] and own_group in told["cluster.nodeSecurityGroupIds"][0]
        )
    )


def with_node(network: dict[str, Any], groups: list[str]) -> None:
    """A node of the cluster's that runs, in these security groups."""
    boto3.client("ec2", region_name="us-east-1").run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        SubnetId=network["privateSubnetIds"][0],
        SecurityGroupIds=groups,
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": f"kubernetes.io/cluster/{NAME}", "Value": "owned"}]}
        ],
    )


def security_group(vpc: str, name: str = "nodes") -> str:
    ec2 = boto3.client("ec2", region_name="us-east-1")
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])


def test_nodes_are_reached_through_a_group_that_the_stack_file_names(tmp_path: Path) -> None:
    with account() as aws, api_server(tmp_path, GP3):
        network = made(ALL)
        theirs = security_group(network["vpcId"])
        with_node(network, [theirs])
        sections = stack(network)
        sections["cluster"]["nodeSecurityGroupIds"] = [theirs]
        assert said(asked(planned(sections), aws)) == {}


def test_groups_that_no_node_could_join_are_named(tmp_path: Path) -> None:
    with account() as aws, api_server(tmp_path, GP3):
        network = made(ALL)
        elsewhere = boto3.client("ec2", region_name="us-east-1").create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        cluster = boto3.client("eks", region_name="us-east-1").describe_cluster(name=NAME)["cluster"]
        wanted = ["sg-0123456789abcdef0", security_group(elsewhere)]
        wanted.append(cluster["resourcesVpcConfig"]["clusterSecurityGroupId"])
        sections = stack(network)
        sections["cluster"]["nodeSecurityGroupIds"] = wanted
        told = said(asked(planned(sections), aws), Verdict.ERROR)
    assert "does not exist" in told["cluster.nodeSecurityGroupIds[0]"][0]
    assert f"is of {elsewhere}" in told["cluster.nodeSecurityGroupIds[1]"][0]
    assert "is the cluster's own group" in told["cluster.nodeSecurityGroupIds[2]"][0]


def test_a_version_that_the_cluster_does_not_have_is_an_error(tmp_path: Path) -> None:
    with account() as aws, api_server(tmp_path, GP3):
        sections = stack(made(ALL))
        sections["cluster"]["version"] = "1.34"
        told = said(asked(planned(sections), aws), Verdict.ERROR)
    assert told["cluster.version"] == ["1.34, and shared is at 1.35; write '1.35', or leave it out"]


def test_a_device_plugin_of_somebody_else_is_what_models_need_and_none_is_an_error(tmp_path: Path) -> None:
    sections = {"gpuOperator": {"enabled": False}}
    plugin = {"metadata": {"name": "nvidia-device-plugin-daemonset", "namespace": "kube-system"}}
    there = {**GP3, "/apis/apps/v1/daemonsets": {"items": [plugin]}}
    for folder, objects, wrong in (("a", there, False), ("b", GP3, True)):
        with account() as aws, api_server(tmp_path / folder, objects):
            plan = planned({**stack(made(ALL)), **sections})
            report = asked(plan, aws)
        assert ("gpuOperator.enabled" in said(report, Verdict.ERROR)) is wrong
        assert "no-device-plugin" in {finding.rule for finding in plan.findings}
        assert "no-device-plugin" not in {finding.rule for finding in findings(plan, report)}


def test_a_cluster_autoscaler_of_somebody_else_is_refused_and_ours_is_not(tmp_path: Path) -> None:
    theirs = {"metadata": {"name": "cluster-autoscaler-aws-cluster-autoscaler", "namespace": "kube-system"}}
    deployed = {**GP3, "/apis/apps/v1/deployments": {"items": [theirs]}}
    policy = "/apis/networking.k8s.io/v1/namespaces/kube-system/networkpolicies/cluster-autoscaler"
    told = said(report_of(tmp_path / "a", deployed)[1], Verdict.ERROR)
    assert "two of them scale the same groups" in told["nodeAutoscaling"][0]
    ours = {**deployed, policy: {"metadata": {"name": "cluster-autoscaler"}}}
    assert said(report_of(tmp_path / "b", ours)[1]) == {}
