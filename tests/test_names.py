"""Names are computed before anything is registered, and the computed ones are what the program then registers."""

from __future__ import annotations

from typing import Any

import pytest

from planning.names import Registered, registered
from settings.read import read
from tests.engine import Engine
from tests.planning.stacks import errors, model, planned, pool, refusal
from tests.program import run_program

REVISION = "a09a35458c702b33eeacc393d103063234e8bc28"
VOLUME = {"kind": "persistentVolume", "storageClass": "efs"}


def asked(marker: str) -> dict[str, Any]:
    """A stack whose names all begin with a word that stands nowhere else, with every kind of model."""
    common = {"source": "Qwen/Qwen2.5-7B-Instruct", "revision": REVISION, "pool": f"{marker}-p"}
    kinds: list[dict[str, Any]] = [
        {},
        {"cache": VOLUME, "tokenSecret": {"kind": "pulumiConfig"}},
        {"autoscaling": {"kind": "keda", "maxReplicas": 2}, "namespace": f"{marker}-other"},
        {"autoscaling": {"kind": "none"}, "chatTemplate": "{{ messages }}"},
        {"cache": {"kind": "efs"}, "compileCache": "efs"},
        {"nodes": 2, "pipelineParallel": 2, "pool": f"{marker}-z"},
        {"backend": "kserve"},
        {"backend": "production-stack"},
        {"backend": "ray"},
        {"backend": "llm-d"},
        {"backend": "kubeai", "cache": VOLUME},
        {"backend": "aibrix"},
        {"tokenSecret": {"kind": "secretsManager", "name": "prod/huggingface"}},
        {"source": f"s3://{marker}-b/x", "revision": None, "copyOf": "Qwen/Qwen2.5-7B-Instruct"},
        {"source": f"s3://{marker}-b/x", "revision": None, "copyOf": "Qwen/Qwen2.5-7B-Instruct", "cache": VOLUME},
    ]
    return {
        "cluster": {"storageClasses": ["efs"]},
        "nodePools": [
            {"name": f"{marker}-p", "instanceTypes": ["g6.2xlarge"], "minNodes": 15, "maxNodes": 15},
            {
                "name": f"{marker}-z",
                "instanceTypes": ["g6.2xlarge"],
                "zones": ["us-east-1a"],
                "minNodes": 2,
                "maxNodes": 6,
            },
            {
                "name": f"{marker}-k",
                "kind": "karpenter",
                "instanceTypes": ["g6.2xlarge"],
                "amiReleaseVersion": "1.35.4-20260505",
                "spareNodes": 1,
            },
        ],
        "tenants": [
            {
                "name": f"{marker}-t",
                "namespace": f"{marker}-ns",
                "groups": [f"{marker}-g"],
                "apiKeys": f"{marker}-keys",
            }
        ],
        "gateway": {
            "kind": "gatewayApi",
            "host": "llm.example.com",
            "certificate": {"kind": "secret", "name": "tls"},
            "authentication": {"kind": "apiKeys", "secret": "keys"},
        },
        "llmD": {"gateway": {"name": "inference", "namespace": "gateways", "controller": "agentgateway"}},
        "systemNodes": {"minNodes": 5, "maxNodes": 5},
        "models": [
            {
                **common,
                "servedName": f"{marker}-{index}",
                "namespace": f"{marker}-ns",
                "name": f"{marker}-{index}",
                **kind,
            }
            for index, kind in enumerate(kinds)
        ],
    }


@pytest.fixture(scope="module")
def ran() -> tuple[Engine, tuple[Registered, ...]]:
    sections = asked("zqx")
    loaded = read(sections, "dev")
    assert loaded.settings is not None, loaded.problems
    secrets = {"grafanaPassword": "canary-1", "hfToken": "canary-2"}
    return run_program(sections, "dev", secrets=secrets), registered(loaded.settings)


def _component(parent: str) -> str:
    return parent.split("::")[-2].rsplit(":", 1)[-1]


def test_whatever_is_called_after_the_stack_file_has_its_row(ran: tuple[Engine, tuple[Registered, ...]]) -> None:
    engine, computed = ran
    urns = {each.urn for each in computed}
    objects = {each.object for each in computed}
    types = {each.urn[1] for each in computed if each.urn and not each.urn[1].startswith("vllm-on-eks")}
    seen = 0
    for made in engine.registrations:
        name, where = ((made.inputs.get("metadata") or {}).get(key) for key in ("name", "namespace"))
        ours = made.type.startswith("vllm-on-eks:")
        component = made.type.rsplit(":", 1)[-1] if ours else _component(made.parent)
        called_after = "zqx" in made.name or (made.type in types and "zqx" in str(where))
        # A download that models share is called after what it brings, with a hash of it.
        if not called_after or component == "SharedWeights":
            continue
        seen += 1
        assert (component, made.type, made.name) in urns, f"planning/facts/registered_names.csv lacks {made.name}"
        if name is not None:
            assert (made.type, where or "", name) in objects, f"planning/facts/registered_names.csv lacks {name}"
    assert seen > 40


def test_every_row_is_something_that_the_program_registers(ran: tuple[Engine, tuple[Registered, ...]]) -> None:
    engine, computed = ran
    made = {(registration.type, registration.name) for registration in engine.registrations}
    optional = ("-hf-token", "-hpa", "-demand", "-alerts")
    missing = {each.urn[1:] for each in computed if each.urn} - made
    assert [name for _, name in missing if not name.endswith(optional)] == []
    for suffix in optional:
        assert any(name.endswith(suffix) for _, name in made)


@pytest.mark.parametrize(
    ("models", "path", "both"),
    [
        ([{"name": "default-deny"}], "models[0].name", ("NetworkPolicy default-deny", "models[0].namespace")),
        ([{"name": "default"}], "models[0].name", ("ServiceAccount default", "models[0].namespace")),
        (
            [{"name": "x", "cache": VOLUME}, {"name": "x-download", "cache": VOLUME}],
            "models[1].name",
            ("NetworkPolicy x-download", "models[0].name x"),
        ),
        (
            [{"name": "x-download"}, {"name": "x", "cache": VOLUME}],
            "models[1].name",
            ("NetworkPolicy x-download", "models[0].name x-download"),
        ),
        (
            [{"name": "keda-hpa-x"}, {"name": "x", "autoscaling": {"kind": "keda", "maxReplicas": 2}}],
            "models[0].name",
            ("HorizontalPodAutoscaler keda-hpa-x", "models[1].name x"),
        ),
    ],
)
def test_names_that_meet_are_refused_with_both_origins(models: Any, path: str, both: tuple[str, ...]) -> None:
    told = errors(refusal(models=[model(**each) for each in models], nodePools=[pool(minNodes=3)]))
    for words in both:
        assert words in told[path]


def test_one_name_in_two_namespaces_is_refused_with_both_origins() -> None:
    documents = [model(), model(namespace="other")]
    problems = [str(problem) for problem in read({"nodePools": [pool()], "models": documents}, "dev").problems]
    assert "'chat' (models[0], models[1])" in problems[0]


def test_names_that_only_look_alike_are_free() -> None:
    names = ("x", "x-deployment", "x-service", "x-cache", "x-hf-token", "x-pdb", "x-demand", "x-alerts", "x-download")
    sections = {"models": [model(name=name) for name in names], "nodePools": [pool(minNodes=9, maxNodes=9)]}
    assert len(planned(**sections).models) == len(names)


def test_volumes_of_two_namespaces_never_meet() -> None:
    """They are of no namespace: `-` between the two names would make one of team, a-llm and of team-a, llm."""
    of_both = [
        model(name=name, namespace=namespace, cache={"kind": "efs"}, compileCache="efs")
        for namespace, name in (("team", "a-llm"), ("team-a", "llm"))
    ]
    settings = read({"models": of_both, "nodePools": [pool(minNodes=2, maxNodes=2)]}, "dev").settings
    assert settings is not None
    volumes = [each.object for each in registered(settings) if each.urn and each.urn[1].endswith(":PersistentVolume")]
    assert len(volumes) == len(set(volumes)) == 4
    assert {each[1] for each in volumes if each} == {""}
