"""The EC2 catalogue: look-ups, formulas, and equality with what others measured."""

from __future__ import annotations

import csv

import pytest

from planning.nodes.instances import (
    UnknownGpu,
    UnknownInstanceType,
    allocatable_ephemeral_mib,
    gpu,
    gpus,
    instance_type,
    instance_types,
    usable_memory_bytes,
)
from tests.reference_data import DATA
from tools import generate_instances

GPU_FAMILIES = {"g4dn", "g5", "g6", "g6e", "g6f", "gr6", "gr6f", "g7e", "p4d", "p4de", "p5", "p5e", "p5en"}


def test_the_table_is_what_the_generator_writes() -> None:
    assert generate_instances.OUT.read_text(encoding="utf-8") == generate_instances.table(), (
        "run python tools/generate_instances.py"
    )


def test_the_regions_table_is_what_the_generator_writes() -> None:
    text = generate_instances.REGIONS_OUT.read_text(encoding="utf-8")
    assert text == generate_instances.region_families(), "run python tools/generate_instances.py"
    assert "\nus-east-1,g4dn g5 " in text


def test_bare_metal_with_gpus_is_there() -> None:
    instance = instance_type("g4dn.metal")
    assert (instance.gpu_count, instance.usd_per_hour, instance.allocatable_memory_mib) == (8, 7.824, 355262)


@pytest.mark.parametrize(
    ("name", "part", "usd"),
    [("g6f.large", "l4-eighth", 0.202), ("g6f.4xlarge", "l4-half", 0.95), ("gr6f.4xlarge", "l4-half", 1.066)],
)
def test_a_type_with_a_part_of_a_gpu_has_one_gpu_of_that_size(name: str, part: str, usd: float) -> None:
    instance = instance_type(name)
    assert instance.gpu is not None
    assert (instance.gpu.name, instance.gpu_count, instance.usd_per_hour) == (part, 1, usd)
    whole = gpu("L4")
    assert whole.name == "l4", "the name alone is the whole card"
    assert instance.gpu.usable_memory_bytes < whole.usable_memory_bytes * instance.gpu.memory_mib / whole.memory_mib


def test_a_g7_has_the_network_that_ec2_sustains() -> None:
    network_gbps = {name: instance_type(name).network_gbps for name in ("g7.2xlarge", "g7.48xlarge")}
    assert network_gbps == {"g7.2xlarge": 40.0, "g7.48xlarge": 700.0}


def test_every_gpu_family_of_the_product_is_there() -> None:
    assert {instance_type.family for instance_type in instance_types().values() if instance_type.gpu} >= GPU_FAMILIES


def test_a_small_l4_node_is_known_in_full() -> None:
    instance = instance_type("g6.xlarge")
    assert instance.gpu is not None
    assert (instance.gpu.name, instance.gpu.product, instance.gpu_count) == ("l4", "NVIDIA-L4", 1)
    assert (instance.vcpu, instance.memory_mib, instance.nvme_gb, instance.arch) == (4, 16384, 250, "x86_64")
    assert (instance.allocatable_cpu_millicores, instance.allocatable_memory_mib, instance.allocatable_pods) == (
        3920,
        14162,
        58,
    )
    assert instance.usd_per_hour == 0.8048


def test_a_type_without_public_price_says_so() -> None:
    assert instance_type("p5e.48xlarge").usd_per_hour is None


def test_every_row_names_source_and_date_of_its_price() -> None:
    for row in instance_types().values():
        assert "DescribeInstanceTypes" in row.source, row.name
        assert (row.usd_per_hour is None) == (row.dated == ""), row.name


def test_an_unknown_type_names_the_nearest_ones_and_what_exists() -> None:
    with pytest.raises(UnknownInstanceType) as raised:
        instance_type("g6.xlarg")
    assert raised.value.suggestions[0] == "g6.xlarge"
    assert "did you mean g6.xlarge" in str(raised.value)
    assert "families in the catalogue: g4dn" in str(raised.value)


def test_a_gpu_is_found_under_the_names_people_use() -> None:
    assert gpu("NVIDIA L4").name == "l4"
    assert gpu("A100-SXM4-80GB").name == "a100-80gb"
    assert gpu("a100", memory_gib=80).name == "a100-80gb"
    assert gpu("A100").name == "a100-40gb"
    assert gpu("L40S").name == "l40s"
    assert gpu("L40S", memory_gib=48).name == "l40s"
    assert gpu("H100 80GB HBM3").name == "h100"
    assert gpu("A6000").name == "rtx-a6000"
    assert gpu("NVIDIA RTX PRO 6000 Blackwell Server Edition").name == "rtx-pro-6000"
    with pytest.raises(UnknownGpu, match="did you mean"):
        gpu("l4s")
    with pytest.raises(UnknownGpu):
        gpu("V100", memory_gib=16)


def test_gpus_of_one_machine_are_linked_as_the_machine_is_built() -> None:
    links = {
        instance_type.family: instance_type.gpu.link
        for instance_type in instance_types().values()
        if instance_type.gpu and instance_type.gpu_count > 1
    }
    switched = {family for family, link in links.items() if link == "nvlink"}
    assert switched == {"p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300"}
    assert (gpu("H100").link, gpu("H100 PCIe").link) == ("nvlink", "pcie")


def test_cuda_always_reports_less_than_the_data_sheet() -> None:
    for gpu_row in gpus().values():
        assert 0.88 < gpu_row.usable_memory_bytes / (gpu_row.memory_mib * 2**20) < 1.0, gpu_row.name


def test_a_whole_number_of_gib_is_taken_as_the_makers_figure() -> None:
    assert usable_memory_bytes(24) == int(24 * 0.98 * 2**30)
    assert usable_memory_bytes(22.03) == int(22.03 * 2**30)


def test_reserves_follow_the_published_formulas() -> None:
    assert generate_instances.allocatable_cpu_millicores(2) == 1930
    assert generate_instances.allocatable_cpu_millicores(192) == 191450
    # 16384 MiB less 7.5 % overhead less 255 + 11 x 58 less 100.
    assert generate_instances.allocatable_memory_mib(16384, 58, "x86_64") == 15155 - 893 - 100
    assert generate_instances.allocatable_memory_mib(16384, 58, "arm64") < 14162


def test_ephemeral_storage_leaves_room_for_eviction_and_the_system() -> None:
    assert 170 * 1024 < allocatable_ephemeral_mib(200) < 180 * 1024
    assert allocatable_ephemeral_mib(1) == 0


def test_the_catalogue_agrees_with_the_reference_tables() -> None:
    """Karpenter's own list, row by row; network figures of three g7 types differ between EC2's own answers."""
    columns = {
        "vcpu": "vcpu",
        "memory_mib": "memory_mib",
        "gpu_count": "gpu_count",
        "local_nvme_gb": "nvme_gb",
        "ebs_bandwidth_mbps": "ebs_bandwidth_mbps",
        "allocatable_cpu_m": "allocatable_cpu_millicores",
        "allocatable_memory_mib": "allocatable_memory_mib",
        "allocatable_pods": "allocatable_pods",
    }
    compared = 0
    for name in ("aws_gpu_instances.csv", "aws_gpu_allocatable.csv"):
        for row in csv.DictReader((DATA / name).read_text().splitlines()):
            mine = instance_types().get(row["instance_type"])
            if mine is None:
                continue
            for theirs, ours in columns.items():
                if row.get(theirs):
                    # EC2 counts whole GPUs, so a part of one is 0 there.
                    part = ours == "gpu_count" and mine.gpu is not None and row[theirs] == "0"
                    assert getattr(mine, ours) == (1 if part else int(row[theirs])), (mine.name, ours)
                    compared += 1
            price = row.get("on_demand_usd_per_hour_us_east_1")
            if price:
                assert mine.usd_per_hour == float(price), mine.name
    assert compared > 400
