"""What is billed by use is said, and is in no sum."""

from __future__ import annotations

from tests.planning.stacks import model, planned, pool


def told(**sections: object) -> list[str]:
    lines = planned(**sections).cost.lines
    return [line.what for line in lines if line.min_usd_per_hour is None and line.max_usd_per_hour is None]


def test_a_cold_start_through_nat_costs_its_images_and_its_weights() -> None:
    (line,) = [each for each in told() if each.startswith("NAT data")]
    assert line.startswith("NAT data of a cold start on l4: $1.29 (images 13.3 GB, weights 15.3 GB for each pod)")


def test_weights_on_a_volume_pass_once_and_are_left_out() -> None:
    on_volume = model(
        cache={"kind": "persistentVolume", "sizeGib": 50, "storageClass": "gp3", "accessMode": "ReadWriteOnce"}
    )
    (line,) = [each for each in told(models=[on_volume]) if each.startswith("NAT data")]
    assert "$0.60 (images 13.3 GB)" in line


def test_images_from_ecr_pass_the_s3_endpoint() -> None:
    mirror = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mirror"
    (line,) = [each for each in told(registry={"mirror": mirror}) if each.startswith("NAT data")]
    assert "images from ECR in the region, weights" in line


def test_logs_are_named_with_their_price_and_gone_when_off() -> None:
    assert "control-plane logs (api, audit, authenticator): $0.50 for each GB" in told()
    assert not any(each.startswith("control-plane logs") for each in told(cluster={"controlPlaneLogs": []}))


def test_an_update_that_adds_nodes_says_how_many_and_what_they_cost() -> None:
    lines = told(nodePools=[pool(updateStrategy="surge")])
    assert any(line.startswith("while l4 is updated: 4 nodes more, $3.22 an hour") for line in lines)
    assert any(line.startswith("while system is updated: 4 nodes more") for line in lines)
    assert not any("while l4 is updated" in each for each in told())


def test_sums_do_not_move_by_them() -> None:
    plan = planned()
    assert plan.cost.min_usd_per_hour == round(sum(line.min_usd_per_hour or 0 for line in plan.cost.lines), 4)
