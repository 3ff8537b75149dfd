"""What is served beside a model: arguments, downloads, memory, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planning.memory.companions import SLOT_RANKS
from planning.model import ServedModel, Severity
from tests.planning.stacks import LLAMA, QWEN, errors, model, planned, pool, refusal, rules

ONE, TWO = "1" * 40, "2" * 40
ROOMY = [pool(instanceTypes=["g6e.4xlarge"], diskGib=300)]
SMALL = {"source": "meta-llama/Llama-3.2-1B-Instruct", "revision": TWO, "numSpeculativeTokens": 5}
GATED: dict[str, Any] = {"source": LLAMA, "tokenSecret": {"kind": "pulumiConfig"}}


def adapter(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "source": f"org/{name}", "revision": ONE, **changes}


def served(**changes: Any) -> ServedModel:
    return planned(nodePools=ROOMY, models=[model(**changes)]).models[0]


def value(args: tuple[str, ...], flag: str) -> str:
    (value,) = [arg.partition("=")[2] for arg in args if arg.partition("=")[0] == flag]
    return value


def test_adapters_are_named_by_the_path_of_their_pinned_snapshot() -> None:
    args = served(loraAdapters=[adapter("sql", rank=24), adapter("mail", rank=8)]).args
    place = args.index("--lora-modules")
    assert "--enable-lora" in args
    assert args[place + 1 : place + 3] == (
        f"sql=/cache/hub/models--org--sql/snapshots/{ONE}",
        f"mail=/cache/hub/models--org--mail/snapshots/{ONE}",
    )
    assert value(args, "--max-lora-rank") == "32"
    assert value(args, "--max-loras") == "2"
    assert value(args, "--max-cpu-loras") == "2"


def test_many_adapters_share_slots_and_stay_in_the_pods_memory() -> None:
    args = served(loraAdapters=[adapter(f"a{index}") for index in range(20)]).args
    assert (value(args, "--max-loras"), value(args, "--max-cpu-loras")) == ("8", "20")


def test_slots_of_the_users_own_count_in_memory_and_are_said_once() -> None:
    few = served(loraAdapters=[adapter("sql", rank=64)], extraArgs=["--max-loras=1"])
    many = served(loraAdapters=[adapter("sql", rank=64)], extraArgs=["--max-loras=16", "--max-cpu-loras=16"])
    assert (value(many.args, "--max-loras"), value(many.args, "--max-cpu-loras")) == ("16", "16")
    assert few.memory is not None
    assert many.memory is not None
    assert many.memory.weights_bytes_per_gpu > few.memory.weights_bytes_per_gpu
    assert many.memory.kv_cache_tokens < few.memory.kv_cache_tokens


@pytest.mark.parametrize(("rank", "slot"), [(1, "1"), (2, "8"), (33, "64"), (257, "320"), (512, "512")])
def test_a_rank_takes_the_next_slot_that_vllm_has(rank: int, slot: str) -> None:
    assert (
        value(served(loraAdapters=[adapter("x", rank=rank)], gpuMemoryUtilization=0.95).args, "--max-lora-rank") == slot
    )
    assert int(slot) in SLOT_RANKS


def test_a_draft_model_is_a_path_and_a_number_of_tokens() -> None:
    document = json.loads(value(served(**GATED, draftModel=SMALL).args, "--speculative-config"))
    assert document == {
        "method": "draft_model",
        "model": f"/cache/hub/models--meta-llama--Llama-3.2-1B-Instruct/snapshots/{TWO}",
        "num_speculative_tokens": 5,
    }


def test_the_pinned_download_brings_adapters_and_draft_and_each_repository_once() -> None:
    served_model = served(
        **GATED, draftModel=SMALL, loraAdapters=[adapter("a", source="org/x"), adapter("b", source="org/x")]
    )
    assert [(repository.repository, repository.revision) for repository in served_model.repositories[1:]] == [
        ("org/x", ONE),
        (SMALL["source"], TWO),
    ]
    assert served_model.repositories[1].weights[0] == "adapter_model.safetensors"
    assert served_model.repositories[2].index == served_model.repositories[0].index


def test_a_draft_takes_weights_and_its_part_of_the_cache_and_of_the_disk() -> None:
    alone, drafted = served(**GATED), served(**GATED, draftModel=SMALL)
    assert alone.memory is not None
    assert drafted.memory is not None
    more = drafted.memory.weights_bytes_per_gpu - alone.memory.weights_bytes_per_gpu
    assert more == pytest.approx(2.47e9, rel=0.05)  # 1.24e9 parameters, 16 bit
    # Llama 3.1 8B keeps 131,072 bytes a token (32 layers × 8 heads × 128), the 1B draft 32,768 (16 × 8 × 64).
    per_token = drafted.memory.kv_cache_bytes_per_gpu / drafted.memory.kv_cache_tokens
    assert per_token == pytest.approx(131_072 + 32_768, rel=0.01)
    assert drafted.cache.size_gib > alone.cache.size_gib
    assert drafted.download_timeout_seconds >= alone.download_timeout_seconds


@pytest.mark.parametrize("method", ["eagle", "eagle3", "medusa", "mlp_speculator"])
def test_heads_are_as_large_as_a_layer_and_not_as_their_name(method: str) -> None:
    heads = {"source": "org/EAGLE3-LLaMA3.1-Instruct-8B", "revision": TWO, "numSpeculativeTokens": 3, "method": method}
    alone, drafted = served(**GATED), served(**GATED, draftModel=heads)
    assert alone.memory is not None
    assert drafted.memory is not None
    more = drafted.memory.weights_bytes_per_gpu - alone.memory.weights_bytes_per_gpu
    assert 1e9 < more < 4e9
    assert json.loads(value(drafted.args, "--speculative-config"))["method"] == method


def test_an_unknown_draft_is_sized_by_its_name_and_may_be_described() -> None:
    unknown = {"source": "org/draft-1B", "revision": TWO, "numSpeculativeTokens": 3}
    plan = planned(nodePools=ROOMY, models=[model(draftModel=unknown)])
    assert ("unknown-model", "models[0].draftModel.source") in {
        (finding.rule, finding.path) for finding in plan.findings
    }
    alone, memory = served().memory, plan.models[0].memory
    assert alone is not None
    assert memory is not None
    assert memory.weights_bytes_per_gpu - alone.weights_bytes_per_gpu == 2 * 10**9


def test_a_gated_draft_needs_the_token_too() -> None:
    refused = errors(refusal(nodePools=ROOMY, models=[model(draftModel=SMALL)]))
    assert "meta-llama/Llama-3.2-1B-Instruct is gated" in refused["models[0].tokenSecret"]
    assert "models[0].draftModel.source" in refused  # and its vocabulary is not Qwen's


def test_a_template_is_a_file_of_its_own_and_the_repositorys_is_used_without() -> None:
    served_model = served(chatTemplate="{{ messages }}")
    assert value(served_model.args, "--chat-template") == "/etc/vllm/chat-template/template.jinja"
    assert served_model.chat_template == "{{ messages }}"
    assert not [arg for arg in served().args if arg.startswith(("--chat-template", "--lora", "--speculative"))]


def test_what_names_such_files_by_hand_is_refused_with_the_setting() -> None:
    asked = {
        "--chat-template=/x/tool.jinja": "chatTemplate",
        "--lora-modules=sql=org/sql": "loraAdapters",
        "--enable-lora": "loraAdapters",
        "--max-lora-rank=64": "loraAdapters[].rank",
        '--default-mm-loras={"image": "org/x"}': "loraAdapters",
        '--speculative-config={"model": "org/draft"}': "draftModel",
        "--spec-model=org/draft": "draftModel",
    }
    for argument, setting in asked.items():
        assert f"write {setting}" in str(errors(refusal(models=[model(extraArgs=[argument])]))) or (
            f"as {setting}" in str(errors(refusal(models=[model(extraArgs=[argument])])))
        ), argument


def test_a_draft_is_doubted_where_it_cannot_save_anything() -> None:
    plan = planned(nodePools=ROOMY, models=[model(draftModel={**SMALL, "source": QWEN})])
    assert "draft-size" in rules(plan.findings, Severity.WARNING)
