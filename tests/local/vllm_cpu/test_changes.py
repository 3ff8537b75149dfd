"""What is changed of a rendered server for a CPU, and that nothing else is."""

from __future__ import annotations

from pathlib import Path

from components.serving.manifests.deployment import deployment
from local.vllm_cpu import changes
from local.vllm_cpu.server import user_of
from local.vllm_cpu.weights import is_small, kind_of, revision_of
from tests.components.plans import MODEL

SPEC = deployment(MODEL, "priority")["spec"]["template"]["spec"]
SERVER = SPEC["containers"][0]
CHANGED = {change.name for change in changes.FLAGS}


def test_every_other_argument_stays_as_rendered_and_in_its_place() -> None:
    made = changes.arguments(SERVER["args"], 9000)
    kept = [argument for argument in SERVER["args"] if argument.partition("=")[0] not in CHANGED]
    assert [a for a in made if a.partition("=")[0] not in CHANGED] == kept
    assert made[-2:] == ["--host=127.0.0.1", "--port=9000"] or {"--host=127.0.0.1", "--port=9000"} <= set(made)


def test_what_a_cpu_forbids_is_changed_where_it_is_written_and_only_there() -> None:
    assert "--tensor-parallel-size=1" in changes.arguments(["m", "--tensor-parallel-size", "4"], 1)
    assert "4" not in changes.arguments(["m", "--tensor-parallel-size", "4"], 1)
    assert changes.arguments(["m", "--quantization=fp8"], 1) == ["m", "--host=127.0.0.1", "--port=1"]
    assert all(change.why for change in (*changes.FLAGS, *changes.ENVIRONMENT))


def test_what_belongs_to_the_real_weights_goes_with_all_its_words_and_nothing_beside_it() -> None:
    rendered = [
        *("m", "--enable-lora", "--max-loras=2", "--lora-modules", "a=/cache/x", "b=/cache/y"),
        *(
            '--speculative-config={"model": "/cache/z"}',
            "--chat-template=/etc/vllm/x.jinja",
            "--enforce-eager",
            "--seed",
            "-1",
        ),
    ]
    kept = ["m", "--max-loras=2", "--enforce-eager", "--seed", "-1"]
    assert changes.arguments(rendered, 1) == [*kept, "--host=127.0.0.1", "--port=1"]


def test_rendered_variables_stay_and_mounted_folders_lie_below_the_root() -> None:
    made = changes.environment(SERVER, Path("/x"))
    assert made["HF_HUB_OFFLINE"] == "1"
    assert made["HF_HUB_CACHE"].startswith("/x/cache")
    assert made["HOME"] == "/x/tmp"
    assert set(made) == {e["name"] for e in SERVER["env"]} | {change.name for change in changes.ENVIRONMENT}
    with_names = changes.environment(SERVER, Path("/x"), 19402)
    assert with_names == {**made, "grpc_proxy": "http://127.0.0.1:19402"}, "spans go to a Service by its name"
    assert changes.below("/cachet/a", ["/cache"], Path("/x")) == "/cachet/a"


def test_user_revision_and_kind_come_from_what_is_rendered() -> None:
    assert user_of(SPEC, SERVER) == 10001
    assert revision_of(SERVER) == MODEL.revision
    assert kind_of("Qwen/Qwen2.5-7B-Instruct") == ("qwen2", "Qwen2ForCausalLM")
    assert kind_of("meta-llama/Llama-3.1-8B-Instruct") == ("llama", "LlamaForCausalLM")
    assert not is_small("Qwen/Qwen2.5-7B-Instruct")
    assert not is_small("nobody/knows")
