"""Stack files on the platform: the checkout's, with secrets that never get into the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.host.errors import PlatformError
from local.host.paths import Paths
from local.stacks.stack_files import (
    EXAMPLES,
    UNROUTED_ADDRESS,
    charts_folder,
    merge,
    project_folder,
    secret_keys,
    stack_file,
    tool_needs,
    write_project,
    write_stack_file,
)
from tests.conftest import REPO
from tests.local.places import paths_in

SECURE = {"secure": "v1:abc"}


def keys(**settings: Any) -> set[str]:
    return secret_keys({f"p:{name}": value for name, value in settings.items()}, "p")


def test_the_grafana_password_is_needed_while_grafana_is_on() -> None:
    assert keys() == {"p:grafanaPassword"}
    assert keys(monitoring={"grafana": {"passwordKey": "other"}}) == {"p:other"}
    assert keys(monitoring={"enabled": False}) == set()
    assert keys(monitoring={"grafana": {"enabled": False}}) == set()


def test_a_token_is_needed_for_each_model_that_takes_it_from_pulumi() -> None:
    model = {"source": "A/b", "revision": "0" * 40}
    models = [
        {**model, "name": "a", "tokenSecret": {"kind": "pulumiConfig"}},
        {**model, "name": "b", "tokenSecret": {"kind": "pulumiConfig", "key": "otherToken"}},
        {**model, "name": "c", "tokenSecret": {"kind": "kubernetesSecret", "name": "hf"}},
        {**model, "name": "d"},
    ]
    assert keys(models=models, monitoring={"enabled": False}) == {"p:hfToken", "p:otherToken"}


def test_a_token_whose_kind_is_left_out_is_pulumis_as_in_the_settings() -> None:
    model = {"source": "A/b", "revision": "0" * 40, "name": "a", "tokenSecret": {"key": "mine"}}
    assert keys(models=[model], monitoring={"enabled": False}) == {"p:mine"}


def test_a_file_that_cannot_be_read_asks_for_nothing() -> None:
    assert keys(models=[{"name": "a"}]) == set()


def test_the_stack_files_of_this_repository_need_these_secrets() -> None:
    needed = {}
    for stack in ("local", "dev", "prod"):
        config = yaml.safe_load((REPO / f"Pulumi.{stack}.yaml").read_text())["config"]
        needed[stack] = secret_keys(config, "vllm-on-eks")
    assert needed["prod"] == {"vllm-on-eks:grafanaPassword", "vllm-on-eks:hfToken"}
    assert needed["local"] == {"vllm-on-eks:grafanaPassword"}


def test_secrets_of_the_platform_stay_and_those_of_a_real_stack_do_not_come_in() -> None:
    real = {"encryptionsalt": "real", "secretsprovider": "awskms://key",
            "config": {"p:region": "eu-west-1", "p:hfToken": {"secure": "real"}}}  # fmt: skip
    here = {"encryptionsalt": "ours", "config": {"p:hfToken": SECURE, "p:old": 1}}
    assert merge(real, here) == {"encryptionsalt": "ours", "config": {"p:region": "eu-west-1", "p:hfToken": SECURE}}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = paths_in(tmp_path).repo
    (folder / "Pulumi.yaml").write_text(
        "name: p\nruntime: {name: python, options: {virtualenv: .venv}}\ndescription: d\n"
    )
    (folder / "Pulumi.dev.yaml").write_text("# why\nconfig:\n  p:region: eu-west-1\n")
    return folder


def test_the_project_runs_the_checkouts_program_with_stack_files_of_its_own(checkout: Path, tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    write_project(paths)
    project = yaml.safe_load((project_folder(paths) / "Pulumi.yaml").read_text())
    assert project == {
        "name": "p", "runtime": "python", "description": "d", "main": str(checkout), "stackConfigDir": "../stacks",
    }  # fmt: skip


def test_an_edited_stack_file_is_taken_over_and_the_checkout_is_not_touched(checkout: Path, tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    before = {path.name: path.read_text() for path in checkout.iterdir()}
    assert write_stack_file(paths, "dev") == {"p:grafanaPassword"}
    assert {path.name: path.read_text() for path in checkout.iterdir()} == before
    target = stack_file(paths, "dev")
    content = yaml.safe_load(target.read_text())
    content["config"]["p:grafanaPassword"] = SECURE
    target.write_text(yaml.safe_dump(content))
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  p:region: eu-west-2\n")
    assert write_stack_file(paths, "dev") == set()
    config = yaml.safe_load(target.read_text())["config"]
    assert (config["p:region"], config["p:grafanaPassword"]) == ("eu-west-2", SECURE)


@pytest.mark.parametrize(
    ("written", "used"),
    [
        (None, {"charts": "FOLDER"}),
        ({"mirror": "mirror.example"}, {"mirror": "mirror.example", "charts": "FOLDER"}),
        ({"charts": "oci://registry.example"}, {"charts": "oci://registry.example"}),
        ("wrong", "wrong"),
    ],
)
def test_charts_come_from_the_platforms_folder_unless_the_stack_file_names_another(
    checkout: Path, tmp_path: Path, written: Any, used: Any
) -> None:
    paths = paths_in(tmp_path)
    config = {} if written is None else {"p:registry": written}
    (checkout / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
    write_stack_file(paths, "dev")
    registry = yaml.safe_load(stack_file(paths, "dev").read_text())["config"]["p:registry"]
    expected = (
        {**used, "charts": used["charts"].replace("FOLDER", str(charts_folder(paths)))} if written != "wrong" else used
    )
    assert registry == expected


def test_a_stack_without_a_file_names_those_that_have_one(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"no stack file Pulumi\.prd\.yaml; stacks: dev"):
        write_stack_file(paths_in(tmp_path), "prd")


REMOTE = {"kind": "secretsManager", "name": "prod/hf"}
TRACED = {"kind": "collector", "endpoint": "http://tempo.observability.svc:4317"}
SERVED = {"models": [{"name": "qwen", "source": "Qwen/Qwen2.5-7B-Instruct", "revision": "0" * 40}]}
KARPENTERS = {
    "name": "l4",
    "kind": "karpenter",
    "instanceTypes": ["g6.2xlarge"],
    "amiReleaseVersion": "1.35.4-20260505",
}


@pytest.mark.parametrize(
    ("settings", "needs"),
    [
        ({}, ("platform", "monitoring")),
        ({"monitoring": {"enabled": False}, "models": []}, ("platform",)),
        ({"autoscaling": {"kind": "hpa"}}, ("platform", "monitoring")),
        ({"autoscaling": {"kind": "keda", "maxReplicas": 2}}, ("platform", "monitoring", "keda")),
        ({"tokenSecret": REMOTE}, ("platform", "monitoring", "external-secrets")),
        ({"tokenSecret": REMOTE, "externalSecrets": {"install": False}}, ("platform", "monitoring")),
        ({"backend": "kserve", **SERVED}, ("platform", "monitoring", "kserve")),
        ({"backend": "kserve", "kserve": {"install": False}, **SERVED}, ("platform", "monitoring")),
        ({"rollout": {"kind": "canary"}}, ("platform", "monitoring", "rollouts")),
        ({"nodes": 2, "pipelineParallel": 2}, ("platform", "monitoring", "lws")),
        ({"tracing": TRACED}, ("platform", "monitoring", "collector")),
        ({"tracing": {**TRACED, "install": False}}, ("platform", "monitoring")),
        ({"backend": "ray", **SERVED}, ("platform", "monitoring", "kuberay")),
        ({"backend": "llm-d", **SERVED}, ("platform", "monitoring", "llm-d")),
        ({"nodePools": [KARPENTERS]}, ("platform", "monitoring", "karpenter")),
        ({"nodePools": [KARPENTERS], "monitoring": {"enabled": False}, "models": []}, ("platform", "karpenter")),
    ],
    ids=[
        "default",
        "no monitoring",
        "hpa",
        "keda",
        "secrets",
        "own secrets",
        "kserve",
        "own kserve",
        "canary",
        "several nodes",
        "traces",
        "own collector",
        "ray",
        "llm-d",
        "karpenter",
        "karpenter alone",
    ],
)
def test_a_stack_needs_the_tools_of_what_it_installs(
    tmp_path: Path, settings: dict[str, Any], needs: tuple[str, ...]
) -> None:
    """The builds of KEDA and Karpenter are the heaviest: another stack never waits for them."""
    where = paths_in(tmp_path)
    paths = Paths(REPO, where.state, where.tools, where.cache)
    model = {"name": "qwen", "source": "Qwen/Qwen2.5-7B-Instruct", "revision": "0" * 40}
    of_model = {
        key: settings[key]
        for key in ("autoscaling", "tokenSecret", "rollout", "nodes", "pipelineParallel")
        if key in settings
    }
    if of_model:
        rest = {key: value for key, value in settings.items() if key not in of_model}
        settings = {**rest, "models": [{**model, **of_model}]}
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(yaml.safe_dump({"config": {f"vllm-on-eks:{key}": value for key, value in settings.items()}}))
    assert tool_needs(paths, "x", file) == needs
    assert tool_needs(paths, "x", tmp_path / "absent.yaml") == ("platform",)  # `up` says why it cannot be read


def test_our_own_examples_are_replaced_by_the_platforms_address_and_others_are_left_for_up_to_refuse(
    checkout: Path, tmp_path: Path
) -> None:
    paths = paths_in(tmp_path)
    shipped = (REPO / "Pulumi.dev.yaml").read_text()
    values = {}
    for stack in ("dev", "own"):
        (checkout / f"Pulumi.{stack}.yaml").write_text(shipped)
        write_stack_file(paths, stack)
        config = yaml.safe_load(stack_file(paths, stack).read_text())["config"]
        values[stack] = config["vllm-on-eks:cluster"]["publicAccessCidrs"]
    assert values == {"dev": [UNROUTED_ADDRESS], "own": ["203.0.113.10/32"]}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_what_is_replaced_stands_in_the_file_that_we_ship(stack: str) -> None:
    shipped = (REPO / f"Pulumi.{stack}.yaml").read_text()
    assert all(example in shipped for example in EXAMPLES[stack])
