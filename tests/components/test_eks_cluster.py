"""The control plane that `EksCluster` registers, its add-ons, access and kubeconfig."""

from __future__ import annotations

import json
from dataclasses import replace

import pulumi
import pulumi_aws as aws
import pytest

from components.aws import iam
from components.aws.eks_addons import EksAddons, EksAddonsArgs
from components.aws.eks_cluster import EksCluster, EksClusterArgs, cluster
from components.aws.kubeconfig import kubeconfig
from components.naming import arn_slug
from planning.model import AddonPlan, CreateClusterPlan, ExistingClusterPlan
from tests.components.samples import (
    CLUSTER,
    CLUSTER_WITH_GUESTS,
    EBS_CSI_POLICY,
    GOLDENS,
    OPS,
    REGION,
    TAGS,
    in_region,
    once,
    under,
)
from tests.engine import UNKNOWN, Engine, redacted
from tests.golden import as_yaml, assert_matches

SUBNETS = ["subnet-0a", "subnet-0b"]


def build_cluster(provider: aws.Provider, plan: CreateClusterPlan, name: str = "eks") -> EksCluster:
    args = EksClusterArgs(plan=plan, subnet_ids=pulumi.Output.from_input(SUBNETS), region=REGION, tags=TAGS)
    return EksCluster(name, args, under(provider))


def recorded(plan: CreateClusterPlan = CLUSTER, *, preview: bool = False) -> Engine:
    return once(f"{plan} {preview}", lambda: in_region(lambda aws_: build_cluster(aws_, plan), preview))


def test_a_cluster_with_guests_is_as_reviewed() -> None:
    engine = recorded(CLUSTER_WITH_GUESTS)
    text = as_yaml(
        {f"{r.type.rsplit(':', 1)[-1]} {r.name}": redacted(r.inputs) for r in engine.registrations if r.custom}
    )
    assert_matches(GOLDENS / "eks_cluster.yaml", text)


def test_the_api_is_private_and_no_list_of_addresses_is_left_to_a_default() -> None:
    access = recorded().only("Cluster").inputs["vpcConfig"]
    assert access["endpointPrivateAccess"] is True
    assert access["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in access


def test_a_public_api_is_for_the_listed_addresses() -> None:
    access = recorded(CLUSTER_WITH_GUESTS).only("Cluster").inputs["vpcConfig"]
    assert access["endpointPublicAccess"] is True
    assert access["endpointPrivateAccess"] is True
    assert access["publicAccessCidrs"] == ["198.51.100.0/24"]


def test_a_public_api_without_addresses_is_refused() -> None:
    with pytest.raises(ValueError, match="public API endpoint needs"):
        recorded(replace(CLUSTER, public_access=True))


def test_access_is_by_access_entries_only() -> None:
    assert recorded().only("Cluster").inputs["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": False,
    }


def test_secrets_are_encrypted_with_a_rotating_key_of_our_own() -> None:
    engine = recorded()
    key = engine.only("aws:kms/key:Key")
    encryption = engine.only("Cluster").inputs["encryptionConfig"]
    assert encryption["resources"] == ["secrets"]
    assert encryption["provider"]["keyArn"].startswith(f"arn:aws:kms:{REGION}:")
    assert key.name in engine.only("Cluster").dependency_names
    assert key.inputs["enableKeyRotation"] is True
    assert engine.only("aws:kms/alias:Alias").inputs["name"] == "alias/eks/llm-test"


def test_a_given_key_is_used_and_none_is_made() -> None:
    arn = "arn:aws:kms:eu-central-1:111122223333:key/1"
    engine = recorded(replace(CLUSTER, kms_key_arn=arn))
    assert engine.only("Cluster").inputs["encryptionConfig"]["provider"]["keyArn"] == arn
    assert engine.all("aws:kms/key:Key") == engine.all("aws:kms/alias:Alias") == []


def test_logs_go_to_a_group_of_ours_with_retention_that_exists_first() -> None:
    engine = recorded()
    group = engine.only("LogGroup")
    assert group.inputs["name"] == "/aws/eks/llm-test/cluster"
    assert group.inputs["retentionInDays"] == 30
    assert engine.only("Cluster").depends_on == {group.name}
    assert engine.only("Cluster").inputs["enabledClusterLogTypes"] == list(CLUSTER.log_types)


def test_the_cluster_waits_for_the_policies_of_its_role() -> None:
    engine = recorded()
    assert "eks-control-plane-AmazonEKSClusterPolicy" in engine.only("Cluster").dependency_names


def test_networking_comes_as_add_ons_only() -> None:
    engine = recorded()
    assert engine.only("Cluster").inputs["bootstrapSelfManagedAddons"] is False
    assert {a.inputs["addonName"] for a in engine.all("aws:eks/addon:Addon")} == {
        "vpc-cni",
        "kube-proxy",
        "eks-pod-identity-agent",
    }


@pytest.mark.parametrize("protect", [True, False])
def test_cluster_and_key_are_protected_by_setting(protect: bool) -> None:
    engine = recorded(replace(CLUSTER, protect=protect))
    protected = {r.name for r in engine.registrations if r.protect}
    assert protected == ({"eks-cluster", "eks-key"} if protect else set())
    assert engine.only("Cluster").inputs["deletionProtection"] is protect


def test_one_principal_with_two_policies_has_one_entry_and_two_associations() -> None:
    engine = recorded(CLUSTER_WITH_GUESTS)
    entries = engine.all("aws:eks/accessEntry:AccessEntry")
    assert len(entries) == 3, "principals of one name in two accounts are two entries, and the caller has one"
    mine = [a for a in engine.all("AccessPolicyAssociation") if a.inputs["principalArn"] == OPS]
    scopes = {a.inputs["policyArn"].rsplit("/", 1)[-1]: a.inputs["accessScope"] for a in mine}
    assert scopes == {
        "AmazonEKSViewPolicy": {"type": "cluster"},
        "AmazonEKSEditPolicy": {"type": "namespace", "namespaces": ["models"]},
    }
    for association in engine.all("AccessPolicyAssociation"):
        assert association.dependency_names & {e.name for e in entries}


def test_add_ons_with_pods_come_after_the_nodes_by_data() -> None:
    late = tuple(addon for addon in CLUSTER.addons if addon.after_nodes)

    def build(provider: aws.Provider) -> None:
        nodes = aws.eks.NodeGroup(
            "nodes",
            cluster_name="llm-test",
            node_role_arn="arn",
            subnet_ids=SUBNETS,
            scaling_config={"min_size": 1, "max_size": 1, "desired_size": 1},
            opts=pulumi.ResourceOptions(provider=provider),
        )
        EksAddons("late", EksAddonsArgs(nodes.cluster_name, late, TAGS), under(provider))

    engine = in_region(build)
    for addon in engine.all("aws:eks/addon:Addon"):
        assert "nodes" in addon.dependency_names
        assert addon.depends_on == set()
    csi, dns = engine.named("late-aws-ebs-csi-driver"), engine.named("late-coredns")
    assert dns.inputs["addonVersion"] == "v1.12.4-eksbuild.1"
    assert "addonVersion" not in csi.inputs
    assert "podIdentityAssociations" not in dns.inputs
    (association,) = csi.inputs["podIdentityAssociations"]
    assert association["serviceAccount"] == "ebs-csi-controller-sa"
    assert association["roleArn"].startswith("arn:aws:iam::")
    assert engine.only("RolePolicyAttachment").inputs["policyArn"] == EBS_CSI_POLICY


def test_configuration_of_an_add_on_is_sorted_json_and_absent_when_empty() -> None:
    engine = recorded()
    configuration = engine.named("eks-addons-vpc-cni").inputs["configurationValues"]
    assert json.loads(configuration) == {"enableNetworkPolicy": "true"}
    assert "configurationValues" not in engine.named("eks-addons-kube-proxy").inputs


def test_an_add_on_policy_without_a_service_account_is_refused() -> None:
    broken = AddonPlan("x", None, after_nodes=False, pod_identity_policy_arn=EBS_CSI_POLICY)
    with pytest.raises(ValueError, match="no service account"):
        recorded(replace(CLUSTER, addons=(broken,)))


def test_two_clusters_live_side_by_side() -> None:
    def build(provider: aws.Provider) -> None:
        build_cluster(provider, replace(CLUSTER_WITH_GUESTS, name="llm-one"), "one")
        build_cluster(provider, replace(CLUSTER_WITH_GUESTS, name="llm-two"), "two")

    engine = in_region(build)
    registrations = [(r.type, r.inputs["name"]) for r in engine.registrations if "name" in r.inputs]
    assert len(registrations) == len(set(registrations)) == 6  # cluster, log group and key alias of each


def test_outputs_hold_a_kubeconfig_of_this_cluster_and_no_secret() -> None:
    engine = recorded()
    outputs = engine.outputs_of(engine.only("vllm-on-eks:index:EksCluster"))
    config = json.loads(outputs["kubeconfig"])
    assert config["clusters"][0]["cluster"]["server"] == outputs["endpoint"]
    assert config["users"][0]["user"]["exec"]["args"][-3] == REGION
    assert outputs["oidcIssuer"].startswith("https://oidc.eks.")


def test_in_a_first_preview_names_are_known_and_the_endpoint_is_not() -> None:
    engine = recorded(CLUSTER_WITH_GUESTS, preview=True)
    outputs = engine.outputs_of(engine.only("vllm-on-eks:index:EksCluster"))
    assert outputs["name"] == "llm-test"
    assert outputs["kubeconfig"] is UNKNOWN
    assert {a.inputs["clusterName"] for a in engine.all("aws:eks/addon:Addon")} == {"llm-test"}


def test_an_existing_cluster_gives_the_same_outputs_and_nothing_is_made() -> None:
    def build(provider: aws.Provider) -> None:
        outputs = cluster(
            "eks",
            ExistingClusterPlan("theirs"),
            subnet_ids=SUBNETS,
            region=REGION,
            tags=TAGS,
            provider=provider,
        )
        for key, value in vars(outputs).items():
            pulumi.export(key, value)

    engine = in_region(build)
    assert engine.summary() == ["pulumi:providers:aws aws"]
    outputs = engine.stack_outputs
    assert outputs["name"] == outputs["node_cluster_name"] == "theirs"
    assert outputs["version"] == "1.34"
    assert outputs["security_group_id"].startswith("sg-")
    assert json.loads(outputs["kubeconfig"])["current-context"] == "theirs"


def test_the_kubeconfig_is_as_reviewed() -> None:
    text = kubeconfig("llm-test", "https://ABC.gr7.eu-central-1.eks.amazonaws.com", "Y2VydA==", REGION)
    assert_matches(GOLDENS / "kubeconfig.json", text + "\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cluster_trust", iam.cluster_trust()),
        ("node_trust", iam.node_trust()),
        ("pod_identity_trust", iam.pod_identity_trust()),
        (
            "cluster_autoscaler_policy",
            iam.cluster_autoscaler_policy("main", "arn:aws:eks:eu-central-1:*:nodegroup/main/*/*"),
        ),
        ("flow_logs_trust", iam.flow_logs_trust()),
        ("flow_logs_policy", iam.flow_logs_policy("arn:aws:logs:eu-central-1:111122223333:log-group:x")),
    ],
)
def test_iam_documents_are_as_reviewed(name: str, text: str) -> None:
    assert_matches(GOLDENS / "iam" / f"{name}.json", json.dumps(json.loads(text), indent=2) + "\n")


def test_names_made_of_arns_tell_accounts_and_paths_apart() -> None:
    arns = [OPS, OPS.replace("1111", "2222"), OPS.replace("role/", "role/team/")]
    slugs = {arn_slug(arn) for arn in arns}
    assert len(slugs) == 3
    assert all(slug.startswith("ops-") for slug in slugs)
