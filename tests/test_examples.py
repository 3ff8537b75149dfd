"""Every stack file in examples/ is one that works: by the schema, the plan, the program and the policies."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from planning.cluster.controller_fields import ABSENT, IGNORED, UNREGISTERED, controller_fields, ignored_fields
from planning.decide import decide
from planning.model import StackPlan
from planning.versions.definitions import definitions_of
from policies.judge import judge
from policies.rule import Circumstances, Resource
from policies.scanned import ScanFinding, explained, explanations
from preview.scan_pods import as_deployments
from settings.backends import Backend
from settings.document import stack_file_schema
from settings.findings import Severity
from settings.read import read
from tests.conftest import REPO
from tests.e2e.example_table import TABLE, Example, example_table
from tests.engine import Engine
from tests.program import CANARIES, example, run_program, sections_of

EXAMPLES = sorted(file.name.split(".")[1] for file in (REPO / "examples").glob("Pulumi.*.yaml"))
SHIPPED = ("dev", "prod")


def test_every_backend_has_an_example() -> None:
    assert {each.value for each in Backend} - {"deployment"} <= set(EXAMPLES)


def test_every_example_is_brought_up_changed_and_taken_down_by_the_end_to_end_tests() -> None:
    rows = [row.name for row in example_table()]
    missing = sorted(set(EXAMPLES) - set(rows))
    assert missing == [], (
        f"a row of {TABLE.relative_to(REPO)} for each: example, changed (path of one setting that may move while it "
        "serves), value, updates (names of the resources that `python -m preview --against` then tells)"
    )
    assert sorted(rows) == EXAMPLES, "a row without its example"


@pytest.mark.parametrize("row", example_table(), ids=lambda row: row.name)
def test_what_the_end_to_end_tests_change_of_an_example_is_a_plan_too_and_another_one(row: Example) -> None:
    changed = {**row.config(changed=True)}
    plans = [
        decide(read({key.removeprefix("vllm-on-eks:"): value for key, value in config.items()}, row.name))
        for config in (row.config(), changed)
    ]
    assert plans[0] != plans[1]
    assert row.updates


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_an_editor_accepts(name: str) -> None:
    text = (REPO / "examples" / f"Pulumi.{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../docs/stack.schema.json\n")
    jsonschema.Draft202012Validator(stack_file_schema()).validate(yaml.safe_load(text))


def _sections(name: str) -> dict[str, Any]:
    return sections_of(name) if name in SHIPPED else example(name)


@cache
def _plan(name: str) -> StackPlan:
    return decide(read({**_sections(name)}, name))


@cache
def ran(name: str) -> Engine:
    """The record of an example, or of a stack file that we ship."""
    plan = _plan(name)
    secrets = {"grafanaPassword": CANARIES["grafanaPassword"]}
    if any(model.token and model.token.config_key for model in plan.models):
        secrets["hfToken"] = CANARIES["hfToken"]
    return run_program(_sections(name), name, secrets=secrets)


def _at(inputs: Any, path: str) -> Any:
    for part in path.split("."):
        inputs = inputs.get(part) if isinstance(inputs, dict) else None
    return inputs


@pytest.mark.parametrize("name", [*SHIPPED, *EXAMPLES])
def test_what_a_controller_owns_is_left_to_it(name: str) -> None:
    """The table of fields, held against everything that a stack registers: a refresh then has nothing to tell."""
    for field in controller_fields():
        kind = field.type.removeprefix("kubernetes:")
        registrations = [
            made
            for made in ran(name).registrations
            if (made.type.startswith("kubernetes:") and made.type.rsplit(":", 1)[-1] == kind) or made.type == field.type
        ]
        if field.how == UNREGISTERED:
            assert registrations == [], f"{field.type} is {field.owner}'s"
        for made in registrations:
            if field.how == ABSENT:
                assert _at(made.plain_inputs, field.field) is None, f"{made.name} sends {field.field}, {field.owner}'s"
            if field.how == IGNORED and field.field not in made.ignore_changes:
                assert field.holds_while, f"{made.name} does not leave {field.field} to {field.owner}"
                assert _at(made.plain_inputs, field.field) is not None, "a field that is ours is sent"


@pytest.mark.parametrize("name", [*SHIPPED, *EXAMPLES])
def test_a_policy_without_pods_that_we_render_is_explained_to_the_scanners(name: str) -> None:
    """As kube-score's networkpolicy-targets-pod, without it: a new policy of a chart's pods needs its row."""
    objects = [
        each
        for made in ran(name).registrations
        if made.type.startswith("kubernetes:") and made.type != "kubernetes:helm.sh/v3:Release"
        for each in as_deployments(made.plain_inputs)
    ]
    pods = [each["spec"]["template"]["metadata"]["labels"] for each in objects if each["kind"] in ("Deployment", "Job")]
    table = [row for row in explanations() if row.check == "networkpolicy-targets-pod"]
    backends = {str(model.backend) for model in _plan(name).models}
    for policy in (each for each in objects if each["kind"] == "NetworkPolicy"):
        selected = (policy["spec"].get("podSelector") or {}).get("matchLabels") or {}
        if not selected or any(selected.items() <= labels.items() for labels in pods):
            continue
        found = [
            ScanFinding(
                f"NetworkPolicy/{policy['metadata']['name']}", "kube-score", table[0].check, "", "", backend=backend
            )
            for backend in ("", *backends)
        ]
        assert any(explained(each, table) for each in found), policy["metadata"]["name"]


@pytest.mark.parametrize("name", [*SHIPPED, *EXAMPLES])
def test_the_platforms_charts_take_the_values_of_every_release(name: str) -> None:
    """Helm refuses others at `up`; tests/local/charts holds the values of each component alone against them."""
    releases = [made for made in ran(name).registrations if made.type == "kubernetes:helm.sh/v3:Release"]
    assert len(releases) > 1
    for made in releases:
        brought = definitions_of(made.plain_inputs["chart"])
        assert brought is not None, made.plain_inputs["chart"]
        schema = REPO / "local" / "charts" / brought.chart / "values.schema.json"
        if schema.exists():  # else the vendor's own chart, out of its module
            jsonschema.validate(made.plain_inputs.get("values") or {}, json.loads(schema.read_text(encoding="utf-8")))


# AWS keeps no tags on these, and bills none of them.
UNTAGGED = {
    *("aws:cloudwatch/eventTarget:EventTarget", "aws:ec2/route:Route", "aws:kms/alias:Alias"),
    *("aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:sqs/queuePolicy:QueuePolicy"),
    *("aws:sns/topicPolicy:TopicPolicy", "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"),
    *("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "aws:iam/rolePolicy:RolePolicy"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    *("aws:acm/certificateValidation:CertificateValidation", "aws:route53/record:Record"),
    *("aws:efs/backupPolicy:BackupPolicy", "aws:efs/fileSystemPolicy:FileSystemPolicy"),
    "aws:efs/mountTarget:MountTarget",
}


def _billed_by_others(name: str) -> Iterator[tuple[str, Any]]:
    """What makes AWS resources in the stack's name, and the tags that it is told to put on them."""
    for made in ran(name).registrations:
        inputs, kind = made.plain_inputs, made.type.rsplit(":", 1)[-1]
        if kind == "LaunchTemplate":
            yield from (
                (f"{made.name} {specification['resourceType']}", specification["tags"])
                for specification in inputs["tagSpecifications"]
            )
            assert {specification["resourceType"] for specification in inputs["tagSpecifications"]} == {
                "instance",
                "volume",
            }
        elif kind == "EC2NodeClass":
            yield made.name, inputs["spec"]["tags"]
        elif kind == "Addon" and inputs["addonName"] == "aws-ebs-csi-driver":
            yield made.name, json.loads(inputs["configurationValues"])["controller"]["extraVolumeTags"]
        elif kind == "Gateway" and made.type.startswith("kubernetes:"):
            annotations = inputs["spec"]["infrastructure"]["annotations"]
            message = annotations["service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags"]
            yield made.name, dict(each.split("=", 1) for each in message.split(","))


@pytest.mark.parametrize("name", [*SHIPPED, *EXAMPLES])
def test_everything_that_bills_carries_the_tag_by_which_budget_and_bill_tell_the_stack(name: str) -> None:
    own = [
        registration
        for registration in ran(name).registrations
        if registration.type.startswith("aws:") and registration.custom and not registration.read
    ]
    without = {each.type for each in own if (each.plain_inputs.get("tags") or {}).get("stack") != name}
    assert without <= UNTAGGED
    assert not any(each.plain_inputs.get("tags") for each in own if each.type in UNTAGGED)
    billed = dict(_billed_by_others(name))
    assert billed, "nodes at least"
    assert {where for where, tags in billed.items() if tags.get("stack") != name} == set()


def test_only_the_table_says_what_is_ignored() -> None:
    wrong = []
    for path in sorted((REPO / "components").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "ignore_changes":
                from_table = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "controller_owned"
                wrong += [] if from_table else [f"{path.relative_to(REPO)}:{node.value.lineno}"]
    assert wrong == []
    assert all(field.source and field.owner for field in controller_fields())
    with pytest.raises(LookupError, match=r"no controller owns a field of aws:ec2/vpc:Vpc"):
        ignored_fields("aws:ec2/vpc:Vpc")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_planned_run_and_judged(name: str) -> None:
    engine, plan = ran(name), decide(read({**example(name)}, name))
    if name in {each.value for each in Backend}:
        assert {model.backend for model in plan.models} >= {name}
    resources = [
        Resource(registration.type, registration.name, registration.urn, registration.inputs)
        for registration in engine.registrations
    ]
    judgements = judge(resources, Circumstances(production=False, secrets_marked=False), today=date(2026, 11, 27))
    assert [judgement for judgement in judgements if judgement.finding.severity is Severity.ERROR] == []
