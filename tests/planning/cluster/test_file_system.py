"""EFS for weights: what is refused, what is made, what it costs, and that a revision is downloaded once."""

from __future__ import annotations

from typing import Any

import pytest

from planning.model import Severity, StackPlan
from tests.planning.stacks import LLAMA, QWEN, REVISION, errors, model, planned, pool, refusal

EFS = {"kind": "efs"}
OTHER = "0" * 40
NETWORK = {
    "kind": "existing",
    "vpcId": "vpc-0123456789abcdef0",
    "privateSubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
}
WRONG_KEY = "arn:aws:kms:eu-west-1:123456789012:key/0aa0aa00-1111-2222-3333-444455556666"
SUBNET = NETWORK["privateSubnetIds"][0]


def on_efs(**changes: Any) -> dict[str, Any]:
    return model(cache=EFS, **changes)


@pytest.mark.parametrize(
    ("sections", "path", "words"),
    [
        ({"fileSystem": {"zone": "us-east-1f"}}, "fileSystem.zone", "no private subnet there"),
        ({"fileSystem": {"zone": "us-east-1a"}}, "fileSystem.zone", "write nodePools[0].zones: [us-east-1a]"),
        (
            {"fileSystem": {"zone": "us-east-1a"}, "nodePools": [pool(zones=["us-east-1b"])]},
            "fileSystem.zone",
            "the nodes of l4 are in us-east-1b",
        ),
        ({"fileSystem": {"subnetIds": [SUBNET]}}, "fileSystem.subnetIds", "leave it out"),
        (
            {"fileSystem": {"subnetIds": ["subnet-0123456789abcdef9"]}, "network": NETWORK},
            "fileSystem.subnetIds",
            "not among network.privateSubnetIds",
        ),
        ({"fileSystem": {"zone": "us-east-1a"}, "network": NETWORK}, "fileSystem.subnetIds", "[<the private subnet"),
        ({"fileSystem": {"kmsKeyArn": WRONG_KEY}}, "fileSystem.kmsKeyArn", "write the ARN of a key in us-east-1"),
        (
            {"cluster": {"addons": {"aws-efs-csi-driver": "v2.1.13-eksbuild.1"}}, "models": [model()]},
            "cluster.addons.aws-efs-csi-driver",
            "the stack has no add-on",
        ),
    ],
)
def test_what_nodes_could_not_mount_is_refused(sections: dict[str, Any], path: str, words: str) -> None:
    assert words in errors(refusal(**{"models": [on_efs()], **sections}))[path]


@pytest.mark.parametrize("source", ["pvc://weights", f"oci://r.example.com/w@sha256:{'a' * 64}#m"])
def test_what_is_mounted_where_it_is_has_no_second_place(source: str) -> None:
    served = {key: value for key, value in on_efs(source=source, copyOf=QWEN).items() if key != "revision"}
    assert "models[0].cache" in errors(refusal(models=[served]))


def test_a_section_that_no_model_uses_makes_nothing_and_is_told() -> None:
    plan = planned(fileSystem={"throughput": "elastic"})
    assert plan.file_system is None
    (told,) = [each for each in plan.findings if each.rule == "file-system-unused"]
    assert (told.path, told.severity) == ("fileSystem", Severity.WARNING)


def names(plan: StackPlan) -> list[list[tuple[str, str]]]:
    return [[(each.uri, each.owner) for each in served.shared_downloads] for served in plan.models]


def several(*models: dict[str, Any]) -> StackPlan:
    named = [{**each, "name": f"m{index}", "servedName": f"s{index}"} for index, each in enumerate(models)]
    return planned(models=named, nodePools=[pool(instanceTypes=["g6.2xlarge"], minNodes=4, maxNodes=4)])


def test_models_and_namespaces_with_one_revision_have_one_download_of_the_firsts() -> None:
    plan = several(on_efs(), on_efs(namespace="other"), on_efs(revision=OTHER), model())
    uri = f"hf://{QWEN}@"
    assert names(plan) == [[(uri + REVISION, "m0")], [(uri + REVISION, "m0")], [(uri + OTHER, "m2")], []]
    first, second, third, _ = (served.shared_downloads for served in plan.models)
    assert first[0].name == second[0].name != third[0].name
    assert max(len(each.name) for each in (*first, *third)) <= 41


def test_an_adapter_is_a_download_of_its_own_so_that_the_weights_beside_it_stay_shared() -> None:
    adapter = {"name": "sql", "source": "acme/qwen-sql", "revision": OTHER, "rank": 16}
    plan = several(on_efs(), on_efs(loraAdapters=[adapter]))
    assert names(plan)[1] == [(f"hf://{QWEN}@{REVISION}", "m0"), (f"hf://acme/qwen-sql@{OTHER}", "m1")]


def test_a_bucket_is_shared_as_a_repository_is() -> None:
    served = {"source": f"s3://acme/qwen/{REVISION}", "revision": None, "copyOf": QWEN}
    plan = several(on_efs(**served), on_efs(**served))
    assert names(plan) == [[(f"s3://acme/qwen/{REVISION}", "m0")]] * 2


def test_two_volumes_with_one_revision_are_told() -> None:
    volume = {"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"}
    plan = several(model(cache=volume), model(cache=volume), model(cache=volume, revision=OTHER))
    assert [each.path for each in plan.findings if each.rule == "download-twice"] == ["models[1].cache"]


def cost(**sections: Any) -> dict[str, tuple[float | None, str]]:
    plan = planned(**{"models": [on_efs()], **sections})
    return {line.what: (line.min_usd_per_hour, line.source) for line in plan.cost.lines if "EFS" in line.what}


def test_storage_is_in_the_sum_and_elastic_reads_are_told_beside_it() -> None:
    (stored, usd), (read, by_use) = cost().items()
    assert stored == "EFS file system (17 GiB, Regional)"
    assert usd[0] == pytest.approx(17 * 0.30 / 730, abs=1e-4)
    assert read == "EFS reads of each start of chat: $0.46 (15.3 GB)"
    assert by_use[0] is None


def test_provisioned_throughput_is_paid_by_the_hour_and_reads_are_not() -> None:
    lines = cost(fileSystem={"throughput": "provisioned", "provisionedMibps": 100})
    assert lines["EFS throughput (100 MiB/s provisioned)"][0] == pytest.approx(600 / 730, abs=1e-4)
    assert not any("reads" in what for what in lines)


def test_one_zone_costs_less_and_somebody_elses_nothing() -> None:
    zone = {"fileSystem": {"zone": "us-east-1a"}, "nodePools": [pool(zones=["us-east-1a"])]}
    assert cost(**zone)["EFS file system (17 GiB, One Zone in us-east-1a)"][0] == pytest.approx(
        17 * 0.16 / 730, abs=1e-4
    )
    assert cost(fileSystem={"kind": "existing", "id": "fs-0123456789abcdef0"}) == {}


def test_two_models_of_one_revision_are_stored_once() -> None:
    plan = several(on_efs(), on_efs(), on_efs(source=LLAMA, revision=OTHER, tokenSecret={"kind": "pulumiConfig"}))
    assert plan.file_system is not None
    assert plan.file_system.new is not None
    assert plan.file_system.new.stored_gib == 17 + 18


def load(**sections: Any) -> tuple[float, float]:
    served = planned(**{"models": [on_efs()], **sections}).models[0]
    (term,) = [term for term in served.cold_start if term.name == "load weights"]
    assert "download weights" not in {each.name for each in served.cold_start}
    return term.low_seconds, term.high_seconds


def test_the_cold_start_counts_with_what_one_client_gets() -> None:
    elastic, measured = load(), load(models=[model(cache={**EFS, "throughputMibps": 200})])
    slow = load(fileSystem={"throughput": "provisioned", "provisionedMibps": 10})
    assert elastic[1] == pytest.approx(measured[1] * 200 / 60, rel=0.01)
    assert slow[0] == pytest.approx(15.24e9 / (30 * 2**20), rel=0.02), "reads are metered by a third"
    assert slow[1] > elastic[1]


def test_a_directory_longer_than_efs_takes_is_refused_where_the_name_is_written() -> None:
    longest = "m" * 40
    compiling = [model(name=longest, compileCache="efs")]
    fits = 100 - len("/vllm-on-eks/-compiled/") - len(longest)
    assert planned(name="s" * fits, models=compiling).file_system is not None
    told = errors(refusal(name="s" * (fits + 1), models=compiling))
    assert "has 101 characters, and EFS takes 100; give the model or the stack" in told["models[0].name"]
    assert "fileSystem" in errors(refusal(name="s" * 90, models=[on_efs()]))
