from __future__ import annotations

from planning.model import Severity
from tests.planning.stacks import errors, model, planned, pool, refusal, rules


def test_a_pinned_release_has_the_form_of_one() -> None:
    refused = errors(refusal(nodePools=[pool(amiReleaseVersion="v20251108")]))
    assert "for example 1.35.4-20260505" in refused["nodePools[0].amiReleaseVersion"]


def test_nodes_are_not_ahead_of_the_cluster() -> None:
    refused = errors(refusal(nodePools=[pool(amiReleaseVersion="1.36.0-20261101")]))
    assert "newer than the cluster's Kubernetes 1.35" in refused["nodePools[0].amiReleaseVersion"]
    behind = errors(refusal(nodePools=[pool(amiReleaseVersion="1.34.2-20261101")]))
    assert "take a release of 1.35" in behind["nodePools[0].amiReleaseVersion"]
    level = planned(nodePools=[pool(amiReleaseVersion="1.35.4-20261101")])
    assert "ami-release" not in rules(level.findings, Severity.WARNING)
    assert level.gpu_pools[0].ami_release_version == "1.35.4-20261101"


def test_the_version_of_an_existing_cluster_is_not_known() -> None:
    plan = planned(
        cluster={"kind": "existing", "name": "main"},
        network={"kind": "existing", "vpcId": "vpc-0a", "privateSubnetIds": ["subnet-0a", "subnet-0b"]},
        nodePools=[pool(amiReleaseVersion="1.39.0-20261101")],
    )
    assert "ami-release" not in rules(plan.findings, Severity.WARNING)


def test_known_trouble_of_a_family_is_told() -> None:
    served = model(source="Qwen/Qwen2.5-72B-Instruct", tensorParallel=8)

    def told(release: str) -> set[str]:
        pools = [pool(instanceTypes=["p5en.48xlarge"], amiReleaseVersion=release, diskGib=300)]
        older = {"version": "1.34"}
        return rules(planned(nodePools=pools, models=[served], cluster=older).findings, Severity.WARNING)

    assert "ami-trouble" in told("1.34.2-20251108")
    assert "ami-trouble" not in told("1.34.1-20251001")


def test_the_system_nodes_release_is_pinned_and_checked_as_the_gpu_nodes_is() -> None:
    pinned = planned(systemNodes={"amiReleaseVersion": "1.35.4-20261101"})
    assert pinned.system_nodes.ami_release_version == "1.35.4-20261101"
    wrong = errors(refusal(systemNodes={"amiReleaseVersion": "1.36.1-20261101"}))
    assert "newer than the cluster's" in wrong["systemNodes.amiReleaseVersion"]
