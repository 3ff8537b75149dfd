"""Golden of what the plan says to stacks that the server, its files, its volumes or its GPUs could not serve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planning.model import Finding, PlanRefused, Severity
from planning.plan import plan
from tests.golden import assert_matches
from tests.planning.stacks import LLAMA, QWEN, REVISION, model, pool, stack

GOLDENS = Path(__file__).parent / "goldens"
EIGHT = [pool(instanceTypes=["g6.48xlarge"], diskGib=800)]
H100 = [pool(name="h", instanceTypes=["p5.48xlarge"], diskGib=1200)]

SMALL = {"source": "Qwen/Qwen2.5-0.5B-Instruct", "revision": "b" * 40, "numSpeculativeTokens": 4}


def lora(name: str, **changes: Any) -> dict[str, Any]:
    """An adapter of some repository."""
    return {"name": name, "source": "org/adapter", "revision": "c" * 40, **changes}


def one(pools: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A stack of one model, on one g6.xlarge where no pools are given."""
    return {"models": [model(**changes)], **({"nodePools": pools} if pools else {})}


CASES: dict[str, dict[str, Any]] = {
    "heads": one(EIGHT, tensorParallel=8),
    "key-value heads": one(EIGHT, source="microsoft/phi-4", tensorParallel=4),
    "AWQ groups": one(EIGHT, source="Qwen/Qwen2.5-14B-Instruct-AWQ", tensorParallel=8),
    "FP8 blocks of shared experts": one(H100, source="Qwen/Qwen3.6-35B-A3B-FP8", tensorParallel=8),
    "FP8 blocks of experts in an older image": one(
        H100, source="MiniMaxAI/MiniMax-M2", tensorParallel=8, image={"tag": "v0.25.0"}
    ),
    "groups of somebody's build, an estimate": one(EIGHT, source="someone/Qwen2.5-14B-AWQ", tensorParallel=8),
    "bitsandbytes after 0.27": one(source="unsloth/Qwen2.5-7B-Instruct-bnb-4bit"),
    "a method that is too new": one(
        source="x/y-7b",
        image={"tag": "v0.18.0"},
        architecture={
            "config": {
                "num_hidden_layers": 4, "hidden_size": 512, "num_attention_heads": 8, "vocab_size": 1000,
                "quantization_config": {"quant_method": "mxfp8"},
            }
        },
    ),
    "a method that no vLLM has": one(
        source="x/y-7b",
        architecture={
            "config": {
                "num_hidden_layers": 4, "hidden_size": 512, "num_attention_heads": 8, "vocab_size": 1000,
                "quantization_config": {"quant_method": "hqq"},
            }
        },
    ),
    "GGUF": one(source="bartowski/Qwen2.5-7B-Instruct-GGUF"),
    "a load format that reads somebody else's files": one(extraArgs=["--load-format=sharded_state"]),
    "a load format that nobody knows": one(extraArgs=["--load-format=safetensor"]),
    "random weights": one(extraArgs=["--load-format=dummy"]),
    "a template's file": one(extraArgs=["--chat-template=/templates/tool.jinja"]),
    "an adapter by its repository": one(extraArgs=["--enable-lora", "--lora-modules=sql=org/llama-sql-lora"]),
    "a draft model": one(extraArgs=['--speculative-config={"model": "org/draft", "num_speculative_tokens": 5}']),
    "a draft model, in parts": one(extraArgs=["--speculative-config.model=org/draft"]),
    "a draft model, the short way": one(extraArgs=["--spec-model=org/draft"]),
    "an adapter's rank": one(extraArgs=["--max-lora-rank=64"]),
    "adapters for pictures": one(extraArgs=['--default-mm-loras={"image": "org/lora"}']),
    "an adapter called as its model, and another twice": one(
        servedName="chat",
        loraAdapters=[lora("chat"), lora("sql"), lora("sql", source="org/other"), lora("self", source=QWEN)],
    ),
    "an adapter called as another model": {
        "models": [model(loraAdapters=[lora("two")]), model(name="two", servedName="two")]
    },
    "slots that are no number": one(loraAdapters=[lora("sql")], extraArgs=["--max-loras=many"]),
    "adapters that fill the GPU": one(loraAdapters=[lora("sql", rank=128)], extraArgs=["--max-loras=16"]),
    "fewer adapters in memory than in a batch": one(
        loraAdapters=[lora("sql")], extraArgs=["--max-loras=4", "--max-cpu-loras=2"]
    ),
    "a template, twice": one(chatTemplate="{{ messages }}", extraArgs=["--chat-template={{ messages }}"]),
    "drafts, twice": one(draftModel=SMALL, extraArgs=['--speculative-config={"method": "ngram"}', "--spec-tokens=3"]),
    "a draft model that is the model": one(draftModel={**SMALL, "source": QWEN, "revision": REVISION}),
    "a draft model of another vocabulary": one(draftModel={**SMALL, "source": "meta-llama/Llama-3.2-1B-Instruct"}),
    "a draft model that does not cut": one(EIGHT, source=LLAMA, tensorParallel=8, tokenSecret={}, draftModel={
        **SMALL, "source": "Qwen/Qwen2.5-0.5B-Instruct"}),
    "a draft model in a format of another program": one(draftModel={**SMALL, "source": "x/draft-0.5B-GGUF"}),
    "a draft model that fills the GPU": one(draftModel={**SMALL, "source": "Qwen/Qwen2.5-3B-Instruct"}),
    "drafting heads that leave too few tokens": one(
        maxModelLen=32768, gpuMemoryUtilization=0.82, draftModel={**SMALL, "method": "eagle3"},
    ),
    "somebody else's config.json": one(extraArgs=["--hf-config-path=org/other"]),
    "somebody else's generation config": one(extraArgs=["--generation-config=org/other"]),
    "code of another revision": one(extraArgs=["--trust-remote-code", "--code-revision=main"]),
    "a plug-in's file": one(extraArgs=["--tool-parser-plugin=/plugins/parser.py"]),
    "a file of log settings": one(extraArgs=["--log-config-file=/etc/log.json"]),
    "code that no official image has": one(extraArgs=["--middleware=mine.Auth"]),
    "buckets of one's own": one(extraArgs=['--custom-histogram-buckets={"time_to_first_token_seconds": [1, 2]}']),
    "Ray": one(extraArgs=["--distributed-executor-backend=ray"]),
    "a storage class that nobody makes": one(cache={"kind": "persistentVolume", "storageClass": "efs-sc"}),
    "a storage class of Prometheus that nobody makes": {**one(), "monitoring": {"storageClass": "fast"}},
    "EBS on several nodes": one(cache={"kind": "persistentVolume", "storageClass": "gp3"}),
    "more replicas than the node of the volume holds": one(
        cache={"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"},
        autoscaling={"maxReplicas": 3},
    ),
    "system nodes that never hold Prometheus": {**one(), "systemNodes": {"instanceTypes": ["t3.small"]}},
    "system nodes with too few addresses": {
        **one(),
        "systemNodes": {"instanceTypes": ["t3.medium"], "minNodes": 1, "maxNodes": 1},
    },
    "MPS without feature discovery": {
        **one([pool(gpuSharing={"kind": "mps", "replicas": 2})], maxModelLen=2048, source="Qwen/Qwen2.5-1.5B-Instruct"),
        "gpuOperator": {"gpuFeatureDiscovery": False},
    },
    "MIG without feature discovery": {
        **one(
            [pool(instanceTypes=["p4d.24xlarge"], diskGib=600, gpuSharing={"kind": "mig", "profile": "3g.20gb"})],
            maxModelLen=2048,
        ),
        "gpuOperator": {"gpuFeatureDiscovery": False},
    },
    "a private API that nobody reaches": {**one(), "cluster": {"endpointAccess": "private"}},
    "a private API in a network with a runner, without a door": {
        **one(),
        "cluster": {"endpointAccess": "private"},
        "network": {"kind": "existing", "vpcId": "vpc-0abc1234", "privateSubnetIds": ["subnet-0aa1", "subnet-0bb2"]},
    },
    "variables that the stack relies on": one(env={
        "HF_TOKEN": "x", "HF_ENDPOINT": "https://hub.example.com", "HF_HUB_OFFLINE": "0", "VLLM_PORT": "9000",
        "PROMETHEUS_MULTIPROC_DIR": "/tmp", "CUDA_VISIBLE_DEVICES": "0", "LD_PRELOAD": "/x.so", "VLLM_PLUGINS": "mine",
    }),
    "a credential in plain text": one(env={"VLLM_API_KEY": "sesame"}),
    "a variable twice": one(env={"A": "1"}, secretEnv={"A": {"name": "keys", "key": "a"}}),
    "MLX": one(source="mlx-community/Qwen2.5-7B-Instruct-4bit"),
}  # fmt: skip


EXISTING = {
    "cluster": {"kind": "existing", "name": "shared"},
    "network": {"kind": "existing", "vpcId": "vpc-0abc1234", "privateSubnetIds": ["subnet-0aa11111", "subnet-0bb2222"]},
}
WARNED: dict[str, dict[str, Any]] = {
    "another's cluster": {
        **one(
            cache={"kind": "persistentVolume", "storageClass": "efs-sc"}, autoscaling={"kind": "keda", "maxReplicas": 1}
        ),
        **EXISTING,
    },
    "CUDA 13 on an AMI from before driver 580": {
        **one([pool(amiReleaseVersion="1.33.0-20250519")]),
        "cluster": {"version": "1.33", "endpointAccess": "publicAndPrivate", "publicAccessCidrs": ["198.51.100.7/32"]},
    },
}


def findings(sections: dict[str, Any]) -> tuple[Finding, ...]:
    try:
        return plan(stack(**sections), "dev").findings
    except PlanRefused as refused:
        return refused.findings


def said(sections: dict[str, Any]) -> list[str]:
    """Errors and warnings as lines, without the digest that no stack here names."""
    kept = [finding for finding in findings(sections) if finding.rule != "image-digest"]
    return [f"  {each.severity.value:8} {each.path} [{each.rule}]: {each.text}" for each in kept]


def test_what_the_plan_says_of_each_is_recorded() -> None:
    text = "\n".join(line for name, sections in {**CASES, **WARNED}.items() for line in (name, *said(sections)))
    assert_matches(GOLDENS / "refusals-serving.txt", text + "\n")


@pytest.mark.parametrize("name", CASES)
def test_each_is_refused_before_anything_is_bought(name: str) -> None:
    assert any(finding.severity is Severity.ERROR for finding in findings(CASES[name]))


@pytest.mark.parametrize("name", WARNED)
def test_what_may_work_is_a_warning(name: str) -> None:
    assert {finding.severity for finding in findings(WARNED[name])} == {Severity.WARNING}


def test_an_older_cuda_or_a_newer_release_is_not_warned_of() -> None:
    for changes, tag in (("1.33.0-20251201", "v0.33.0"), ("1.33.0-20250519", "v0.33.0-cu129")):
        sections = {**WARNED["CUDA 13 on an AMI from before driver 580"]}
        said = findings({**sections, **one([pool(amiReleaseVersion=changes)], image={"tag": tag})})
        assert "ami-cuda" not in {each.rule for each in said}


def test_an_estimate_can_be_waived_and_logic_cannot() -> None:
    why = {"quantizationLayout": "its config.json says 32"}
    habit = one(EIGHT, source="someone/Qwen2.5-14B-AWQ", tensorParallel=8, acceptedRisks=why)
    known = one(EIGHT, source="Qwen/Qwen2.5-14B-Instruct-AWQ", tensorParallel=8, acceptedRisks=why)
    assert "tensor-parallel-groups" in {
        finding.rule for finding in findings(habit) if finding.severity is Severity.WARNING
    }
    assert "tensor-parallel-groups" in {
        finding.rule for finding in findings(known) if finding.severity is Severity.ERROR
    }


@pytest.mark.parametrize(
    "argument",
    [
        '--speculative-config={"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 4}',
        "--generation-config=vllm",
        "--distributed-executor-backend=mp",
        "--scheduler-cls=vllm.v1.core.sched.scheduler.Scheduler",
    ],
)
def test_arguments_that_name_nothing_outside_the_pod_are_not_spoken_of(argument: str) -> None:
    assert said(one(extraArgs=[argument])) == []


def test_a_template_may_be_written_as_text() -> None:
    assert all("error" not in line for line in said(one(extraArgs=["--chat-template={{ messages }}"])))


def test_files_and_code_may_be_in_an_image_of_ones_own() -> None:
    own = {"repository": "registry.example/vllm", "tag": "v0.33.0"}
    said = findings(one(image=own, extraArgs=["--log-config-file=/etc/log.json", "--middleware=mine.Auth"]))
    assert {each.severity for each in said if each.path.startswith("models[0].extraArgs")} == {Severity.WARNING}


def test_an_image_of_ones_own_may_hold_the_plug_in() -> None:
    own = {"repository": "registry.example/vllm", "tag": "v0.33.0"}
    said = findings(one(source="unsloth/Qwen2.5-7B-Instruct-bnb-4bit", image=own))
    assert {each.severity for each in said if each.rule == "stored-version"} == {Severity.WARNING}
