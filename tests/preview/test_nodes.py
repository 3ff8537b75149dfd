"""What the report says of nodes: shares, where a node's size goes, what is stranded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from planning.nodes.growth import node_start
from planning.picture import picture
from planning.serving.cold_start import seconds
from preview import facts
from preview.formats import rendered
from preview.words import fit_line, node_line, spare_line
from settings.stack import StackSettings
from tests.planning.stacks import model, planned, pool, stack
from tests.preview.sample import document

SMALL = "Qwen/Qwen2.5-3B-Instruct"
SHARED = pool(instanceTypes=["g6.2xlarge"], gpuSharing={"kind": "mps", "replicas": 2})
REPO = Path(__file__).parents[2]


def nodes_of(**sections: Any) -> list[Any]:
    plan = planned(**sections)
    return facts.nodes(plan, picture(plan, stack(**sections)))


def pool_of(**sections: Any) -> dict[str, Any]:
    return nodes_of(**sections)[0]


def test_a_pool_of_karpenters_says_every_way_to_buy_its_nodes_and_what_the_fewest_replicas_need() -> None:
    asked = {
        "name": "l4",
        "kind": "karpenter",
        "instanceTypes": ["g6.xlarge", "g6.2xlarge"],
        "capacityTypes": ["onDemand", "spot"],
        "amiReleaseVersion": "1.35.4-20260505",
    }
    pool_part = pool_of(nodePools=[asked])
    assert pool_part["capacity"] == "karpenter: spot, onDemand"
    assert (pool_part["min_nodes"], pool_part["max_nodes"]) == (1, 3)
    of_one = {**asked, "kind": "managed", "instanceTypes": ["g6.xlarge"], "zones": ["us-east-1b"]}
    del of_one["capacityTypes"]
    one = {"kind": "reservation", "id": "cr-0123456789abcdef0"}
    assert pool_of(nodePools=[{**of_one, "capacity": one}])["capacity"] == "reservation cr-0123456789abcdef0"
    managed = pool_of()
    assert managed["capacity"] == "onDemand"


def test_spare_nodes_are_said_with_their_price_and_what_a_new_replica_gains() -> None:
    sections = {"nodePools": [pool(spareNodes=2, maxNodes=4)], "models": [model()]}
    part = pool_of(**sections)
    served = planned(**sections)
    assert (part["min_nodes"], part["spare"]["nodes"]) == (3, 2)
    per_node = (served.cost.pools[0].min_usd_per_hour or 0) / 3
    assert part["spare"]["usd_per_month"] == pytest.approx(2 * 730 * per_node)
    there = [term for term in served.models[0].cold_start if term.name != "pull image"]
    assert part["spare"]["seconds"] == list(seconds(tuple(there)))
    bought = seconds((*node_start(), *served.models[0].cold_start))
    assert part["spare"]["without_seconds"] == list(bought)
    assert spare_line(part) == (
        f"2 spare nodes: ${2 * 730 * per_node:,.0f} a month; a new replica in {sum(t.low_seconds for t in there):.0f}–"
        f"{sum(t.high_seconds for t in there):.0f} s, on a node that has to come in {bought[0]:.0f}–{bought[1]:.0f} s"
    )
    report = document()
    report["nodes"][0]["spare"] = part["spare"]
    for form in ("text", "markdown", "html"):
        assert "2 spare nodes: $" in rendered(report, form), form
    assert spare_line(pool_of(nodePools=[pool()])) == ""
    assert spare_line(pool_of(nodePools=[pool(spareNodes=1)], models=[])).startswith("1 spare node: $")


def test_what_stands_beside_a_server_takes_its_room_of_the_node_too() -> None:
    kept = model(compileCache="efs", resources={"cpu": "2", "memory": "8Gi"})
    alone, beside = (
        picture(planned(models=[each]), stack(models=[each])).models[0].room
        for each in ({**kept, "compileCache": "pod"}, kept)
    )
    assert (beside.cpu_millicores - alone.cpu_millicores, beside.memory_mib - alone.memory_mib) == (20, 128)


def test_two_pods_of_one_gpu_lie_on_one_node_and_one_gpu_is_counted() -> None:
    two = [model(source=SMALL, autoscaling={"minReplicas": 2, "maxReplicas": 2})]
    pool_part = pool_of(nodePools=[SHARED], models=two)
    assert (pool_part["gpus_per_node"], pool_part["advertised_per_node"], pool_part["sharing"]) == (1, 2, "1/2 by mps")
    assert pool_part["at_most"]["nodes"] == 1
    assert pool_part["at_most"]["left"][0]["gpus"] == 0
    assert facts.gpus(planned(nodePools=[SHARED], models=two)) == {"l4": (1, 3)}


def test_a_models_bar_is_of_its_part_of_the_gpu() -> None:
    sections: dict[str, Any] = {"nodePools": [SHARED], "models": [model(source=SMALL)]}
    plan = planned("dev", **sections)
    settings = StackSettings.model_validate(sections)
    (model_part,) = facts.models(plan, settings, picture(plan, settings))
    assert 11.0 < model_part["fit"]["gpu_memory_gib"] < 11.1
    assert model_part["fit"]["fits"] is True
    assert "1 × L4 (1/2 by mps)" in fit_line(model_part)


def test_whole_gpus_are_called_by_their_name_alone() -> None:
    sections: dict[str, Any] = {"nodePools": [pool()], "models": [model()]}
    plan = planned("dev", **sections)
    settings = StackSettings.model_validate(sections)
    (model_part,) = facts.models(plan, settings, picture(plan, settings))
    assert model_part["gpu_share"] is None
    assert "1 × L4:" in fit_line(model_part)


def test_a_nodes_line_adds_up_to_its_size_and_names_what_is_stranded() -> None:
    pool_part = pool_of()
    told = node_line(pool_part)
    assert told.startswith("of 4.0 CPU, 16.0 GiB memory, 232 GiB disk of a g6.xlarge, kubelet and system keep 0.1 CPU")
    assert "images about 24 GiB of disk" in told
    assert "stranded on all nodes at most replicas: 0 GPUs" in told
    idle = pool_of(nodePools=[pool(instanceTypes=["g6.12xlarge"], diskGib=400)], models=[model(source=SMALL)])
    assert "stranded" not in node_line(idle), "another pod would fit"


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_every_format_tells_shares_and_what_is_stranded(name: str) -> None:
    report = document()
    for pool_ in report["nodes"]:
        pool_["sharing"] = "1/2 by timeSlicing"
    text = " ".join(rendered(report, name).replace("&nbsp;", " ").split())
    assert "1/2 by timeSlicing" in text
    assert "stranded" in text
    assert "0 GPU shares" in text


def test_the_nodes_of_a_report_fit_the_published_schema() -> None:
    schema = json.loads((REPO / "docs/preview.schema.json").read_text(encoding="utf-8"))
    nodes = {"$schema": schema["$schema"], "$defs": schema.get("$defs", {}), **schema["properties"]["nodes"]}
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"nodePools": [SHARED], "models": [model(source=SMALL)]},
        {"models": []},
        {"nodePools": [pool(spareNodes=1)]},
    )
    for sections in kinds:
        jsonschema.validate(json.loads(json.dumps(nodes_of(**sections))), nodes)
