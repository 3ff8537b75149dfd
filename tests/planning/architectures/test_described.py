"""The architecture that a stack file describes counts like one of the table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from planning.architectures.described import architecture_of, check_architecture
from planning.architectures.table import architecture, architectures
from planning.findings import Findings
from planning.model import PlanRefused, Severity
from planning.plan import plan
from settings.models import Model
from tests.planning.stacks import QWEN, REVISION, errors, model, planned, refusal, rules, stack

# What Qwen/Qwen2.5-7B-Instruct has on its page, as far as it matters.
CONFIG = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "max_position_embeddings": 32768,
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "sliding_window": 131072,
    "use_sliding_window": False,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "vocab_size": 152064,
}
SHAPE = {
    "layers": 28,
    "hiddenSize": 3584,
    "attentionHeads": 28,
    "kvHeads": 4,
    "intermediateSize": 18944,
    "vocabSize": 152064,
}
OWN = "acme/Own-Model"


def own(**architecture: Any) -> dict[str, Any]:
    return model(source=OWN, architecture=architecture)


def asked(**architecture: Any) -> Model:
    return Model.model_validate({"name": "own", "source": OWN, "revision": REVISION, "architecture": architecture})


def test_a_pasted_config_is_planned_like_the_same_model_of_the_table() -> None:
    own_plan, known = planned(models=[own(config=CONFIG)]), planned()
    assert own_plan.models[0].memory == known.models[0].memory
    assert own_plan.models[0].throughput == known.models[0].throughput
    assert own_plan.models[0].cold_start == known.models[0].cold_start
    assert "unknown-model" not in rules(own_plan.findings, Severity.WARNING)


def test_the_config_may_be_pasted_as_the_json_it_is() -> None:
    assert planned(models=[own(config=json.loads(json.dumps(CONFIG)))]).models[0].memory is not None


def test_figures_one_by_one_give_the_same_to_within_its_biases() -> None:
    architecture_read, known = architecture_of(asked(**SHAPE)), architecture(QWEN)
    assert architecture_read is not None
    assert abs(architecture_read.parameters / known.parameters - 1) < 0.001
    assert architecture_read.attention == known.attention
    assert planned(models=[own(**SHAPE)]).models[0].memory is not None


def test_without_description_an_unknown_model_says_what_to_write() -> None:
    unknown = planned(models=[model(source=OWN)])
    message = next(finding.text for finding in unknown.findings if finding.rule == "unknown-model")
    assert "write architecture: {config: <its config.json>}" in message
    assert unknown.models[0].memory is None


def test_a_described_model_that_does_not_fit_is_refused_like_a_known_one() -> None:
    large = {**SHAPE, "layers": 80, "hiddenSize": 8192, "attentionHeads": 64, "kvHeads": 8, "intermediateSize": 29568}
    message = errors(refusal(models=[own(**large)]))["models[0].source"]
    assert f"{OWN} does not fit 1 × l4" in message
    heads = errors(refusal(models=[own(**{**SHAPE, "maxPositions": 4096})]))
    assert "more than the 4096 positions" in heads["models[0].maxModelLen"]


def test_the_stack_file_wins_over_the_table_with_a_warning() -> None:
    half = {**CONFIG, "num_hidden_layers": 14}
    ours = planned(models=[model(architecture={"config": half})])
    assert "architecture-known" in rules(ours.findings, Severity.WARNING)
    known = planned()
    assert "architecture-known" not in rules(known.findings, Severity.WARNING)
    assert ours.models[0].memory is not None
    assert known.models[0].memory is not None
    assert ours.models[0].memory.weights_bytes_per_gpu < 0.7 * known.models[0].memory.weights_bytes_per_gpu


def test_a_config_that_lacks_a_figure_names_it() -> None:
    lacking = {key: value for key, value in CONFIG.items() if key != "num_hidden_layers"}
    message = errors(refusal(models=[own(config=lacking)]))["models[0].architecture.config"]
    assert "no positive integer num_hidden_layers" in message
    assert "paste the whole config.json" in message


def test_a_stated_number_of_parameters_counts_and_a_wrong_one_is_refused() -> None:
    bare = architecture_of(asked(**SHAPE))
    more = architecture_of(asked(**SHAPE, parameters=8_000_000_000))
    assert bare is not None
    assert more is not None
    assert bare.parameters < more.parameters == 8_000_000_000
    message = errors(refusal(models=[own(**SHAPE, parameters=70_000_000_000)]))["models[0].architecture.parameters"]
    assert message.startswith("70.00 billion, but the shape has 7.62 billion")


def test_windows_latents_and_experts_reach_the_memory_model() -> None:
    window = architecture_of(asked(**SHAPE, slidingWindow={"layers": 20, "tokens": 4096}))
    assert window is not None
    assert [(each.layers, each.window) for each in window.attention] == [(8, None), (20, 4096)]
    latent = {"kvLoraRank": 512, "ropeDim": 64, "nopeDim": 128, "valueDim": 128, "queryLoraRank": 1536}
    experts = {"experts": 64, "perToken": 6, "intermediateSize": 1408, "sharedIntermediateSize": 2816, "denseLayers": 1}
    mixed = architecture_of(asked(**SHAPE, latentAttention=latent, experts=experts))
    assert mixed is not None
    assert mixed.attention[0].head_dim == 576
    assert mixed.latent is not None
    assert mixed.experts is not None
    assert (mixed.experts.layers, mixed.dense_mlp_layers) == (27, 1)
    assert mixed.active_parameters < mixed.parameters / 3


def test_a_quantized_repository_is_described_by_its_config_or_by_a_word() -> None:
    stated = {**CONFIG, "quantization_config": {"quant_method": "awq", "bits": 4}}
    by_config, by_word = architecture_of(asked(config=stated)), architecture_of(asked(**SHAPE, quantization="awq"))
    assert by_config is not None
    assert by_word is not None
    assert by_config.native_quantization == by_word.native_quantization == "awq"


@pytest.mark.parametrize("model_id", list(architectures())[::9])
def test_a_model_of_the_table_is_never_asked_to_be_described(model_id: str) -> None:
    findings = Findings()
    known = Model.model_validate({"name": "own", "source": model_id, "revision": REVISION})
    assert check_architecture(known, "models[0]", findings) == architecture(model_id)
    assert findings.all() == ()


_VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(-5, 10**6) | some.floats(allow_nan=True) | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
_MORE_KEYS = ("rope_parameters", "layer_types", "quantization_config", "vision_config", "text_config", "kv_lora_rank",
              "num_experts", "full_attention_interval", "hybrid_override_pattern", "head_dim")  # fmt: skip


@given(some.dictionaries(some.sampled_from([*CONFIG, *_MORE_KEYS]), _VALUES, max_size=4))
def test_any_value_in_a_config_is_either_planned_with_or_told_never_a_traceback(changes: dict[str, Any]) -> None:
    described = own(config={**CONFIG, **changes})
    try:
        findings = plan(stack(models=[described]), "dev").findings
    except PlanRefused as refused:
        findings = refused.findings
    readable = architecture_of(asked(config={**CONFIG, **changes})) is not None
    assert readable != any(finding.rule == "architecture-config" for finding in findings)
