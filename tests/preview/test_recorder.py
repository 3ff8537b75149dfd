"""The recorder registers what another engine in the SDK's place registers; the real engine's turn is in tests/e2e."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from preview.recorder import ProgramFailed, Recording, record_program
from tests.conftest import REPO
from tests.engine import Engine, redacted
from tests.engine_answers import ACCOUNT
from tests.program import needed_canaries, run_program, sections_of

PROJECT = "vllm-on-eks"


def recorded(stack: str) -> Recording:
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in sections_of(stack).items()}
    secrets = {f"{PROJECT}:{key}": value for key, value in needed_canaries(stack).items()}
    config = {f"{PROJECT}:{key}": text for key, text in texts.items()} | secrets
    return record_program(REPO, PROJECT, stack, config, frozenset(secrets))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_recorder_and_the_tests_engine_see_the_same_program(stack: str) -> None:
    recording = recorded(stack)
    secrets = needed_canaries(stack)
    engine = run_program(sections_of(stack), stack, secrets=secrets, engine=Engine(preview=True))
    # Who runs the program is asked of AWS, and no cloud is asked in a preview without credentials.
    caller = f"arn:aws:iam::{ACCOUNT}:role/deployer"
    told = {(r.type, r.name, r.parent_name): json.dumps(redacted(r.inputs)) for r in engine.registrations}
    other = {key: json.loads(text.replace(caller, "[unknown]")) for key, text in told.items()}
    for (kind, _, _), inputs in other.items():
        if kind == "aws:eks/addon:Addon":
            inputs["addonVersion"] = "[unknown]"  # asked of AWS, too
    ours = {(r["type"], r["name"], r["parent"].rsplit("::", 1)[-1]): r["inputs"] for r in recording.resources}
    assert ours == other
    text = json.dumps(recording.resources) + json.dumps(recording.outputs)
    for canary in secrets.values():
        assert canary not in text
    assert text.count("[secret]") >= len(secrets)


def program(folder: Path, text: str) -> Recording:
    (folder / "__main__.py").write_text(text)
    return record_program(folder, "p", "s", {"p:token": "canary"}, frozenset({"p:token"}))


def test_a_urn_is_made_as_the_engine_makes_it(tmp_path: Path) -> None:
    text = """
import pulumi

class Box(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("x:index:Box", name, None, opts)

inner = Box("inner", pulumi.ResourceOptions(parent=Box("outer")))
Box("leaf", pulumi.ResourceOptions(parent=inner, aliases=[pulumi.Alias(name="twig")]))
"""
    resources = {resource["name"]: resource for resource in program(tmp_path, text).resources}
    assert resources["outer"]["urn"] == "urn:pulumi:s::p::x:index:Box::outer"
    assert resources["leaf"]["urn"] == "urn:pulumi:s::p::x:index:Box$x:index:Box$x:index:Box::leaf"
    assert resources["leaf"]["aliases"] == ["urn:pulumi:s::p::x:index:Box$x:index:Box$x:index:Box::twig"]


def test_nothing_is_asked_of_a_cloud_and_what_it_would_say_stays_unknown(tmp_path: Path) -> None:
    text = """
import pulumi
import pulumi_aws as aws
provider = aws.Provider("aws", region="eu-west-1")
found = aws.ec2.get_subnet_output(id="subnet-1", opts=pulumi.InvokeOptions(provider=provider))
pulumi.export("zone", found.availability_zone)
"""
    assert program(tmp_path, text).outputs == {"zone": "[unknown]"}


def test_a_secret_is_a_word_wherever_it_goes(tmp_path: Path) -> None:
    text = """
import pulumi
token = pulumi.Config("p").require_secret("token")
pulumi.export("plain", token.apply(lambda text: f"Bearer {text}"))
pulumi.export("nested", {"deep": [token]})
"""
    outputs = program(tmp_path, text).outputs
    assert outputs["plain"] == "[secret]"
    assert "canary" not in json.dumps(outputs)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import pulumi\nraise pulumi.RunError('the reason')", "the reason"),
        ("raise ValueError('a bug')", "ValueError: a bug"),
        ("import pulumi\nfor _ in range(2): pulumi.ComponentResource('x:index:Y', 'twice')", "registered twice"),
    ],
)
def test_a_program_that_fails_says_why_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ProgramFailed, match=words):
        program(tmp_path, text)


def test_what_a_program_prints_is_not_in_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(tmp_path, "print('hello')")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "hello" in shown.err


def test_one_run_leaves_nothing_for_the_next(tmp_path: Path) -> None:
    def names(text: str) -> list[Any]:
        return [resource["name"] for resource in program(tmp_path, text).resources]

    component = "import pulumi\npulumi.ComponentResource('x:index:Y', '{}')"
    assert names(component.format("a")) == ["a"]
    assert names(component.format("b")) == ["b"]
    assert pulumi.runtime.config.CONFIG.get().get("p:token") is None
