"""What is asked together, what is left unanswered, and what nobody is asked."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.aws_endpoint.contract.account import NEW_ACCOUNT_QUOTAS, OLDER
from planning.model import PlanRefused
from preflight import ask as asking
from preflight import program
from preflight.__main__ import main
from preflight.account import AwsAccount, Unanswered, may_have_credentials
from preflight.model import PreflightReport, Question, Verdict
from tests.conftest import REPO
from tests.preflight.accounts import account, asked, own, planned, said
from tests.program import needed_canaries, run_program


def test_everything_that_is_wrong_with_an_account_is_told_at_once_and_nothing_is_registered() -> None:
    with account(zones=OLDER, quotas=NEW_ACCOUNT_QUOTAS) as aws:
        plan = planned(own("prod"), "prod")
        report = asked(plan, aws)
        with pytest.raises(PlanRefused) as refused:
            program.with_answers(plan, report)
    text = str(refused.value)
    assert text.startswith("the stack file cannot work: ")
    assert "error    network.zones: us-east-1a is use1-az3" in text
    assert "error    account: quota L-DB2E81BA" in text
    assert "error    account: quota L-1216C47A" in text


def test_a_call_that_is_not_allowed_leaves_its_question_open_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    original = AwsAccount.call

    def denied(self: Any, service: str, operation: str, *rest: Any, **given: Any) -> Any:
        if service == "service-quotas":
            raise Unanswered("service-quotas:GetServiceQuota: AccessDeniedException")
        return original(self, service, operation, *rest, **given)

    monkeypatch.setattr(AwsAccount, "call", denied)
    with account() as aws:
        plan = planned(own("dev"))
        report = asked(plan, aws)
        assert said(report) == {
            "account": ["not answered (service-quotas:GetServiceQuota: AccessDeniedException)"],
        }
        kept = program.with_answers(plan, report).findings
    assert [each.text for each in kept if each.rule == "account-quotas"] == said(report)["account"]


def test_a_call_that_hangs_is_open_at_the_deadline_and_the_others_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    def hangs(*_: Any) -> list[Any]:
        never.wait(30)
        return []

    slow = Question("slow", "network", lambda plan: "it is quick", hangs)
    monkeypatch.setattr(
        asking, "QUESTIONS", (slow, *(question for question in asking.QUESTIONS if question.id == "caller"))
    )
    with account() as aws:
        report = asking.ask(planned(own("dev")), aws, at_once=2, seconds=3)
    never.set()
    assert [(answer.question, answer.verdict) for answer in report.answers] == [
        ("slow", Verdict.UNKNOWN),
        ("caller", Verdict.OK),
    ]


def test_credentials_that_aws_refuses_are_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def expired(self: Any, service: str, operation: str, **_: Any) -> Any:
        raise Unanswered("sts:GetCallerIdentity: ExpiredToken")

    monkeypatch.setattr(AwsAccount, "call", expired)
    with account() as aws:
        report = asked(planned(own("dev")), aws)
    assert [each.text for each in report.of(Verdict.ERROR)] == [
        "AWS does not know the caller (sts:GetCallerIdentity: ExpiredToken); renew the credentials"
    ]


def test_without_credentials_every_guess_is_marked_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev"], root=REPO) == 0
    out = capsys.readouterr().out
    assert "AWS was not asked: there are no credentials" in out
    assert "guess    network.zones: the account has us-east-1a, us-east-1b, and EKS takes them" in out
    assert "guess    account: the account's quotas allow 16 vCPU of L-1216C47A, 16 vCPU of L-DB2E81BA" in out


def test_json_has_the_same_keys_asked_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "--json"], root=REPO) == 0
    guessed = json.loads(capsys.readouterr().out)
    with account() as aws:
        told = asked(planned(own("dev")), aws).as_json()
    assert list(guessed) == list(told) == ["stack", "region", "asked", "account", "caller", "answers"]
    assert (guessed["asked"], told["asked"]) == (False, True)
    assert told["caller"] == "arn:aws:sts::123456789012:assumed-role/platform/local"
    assert {key for each in (*guessed["answers"], *told["answers"]) for key in each} == {
        *("question", "path", "verdict", "message", "fix"),
    }


def test_a_stack_file_that_cannot_work_is_not_asked_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: vllm-on-eks\nruntime: python\n")
    (tmp_path / "Pulumi.x.yaml").write_text("config:\n  vllm-on-eks:models: [{name: a, source: b}]\n")
    assert main(["x"], root=tmp_path) == 2
    assert main(["y"], root=tmp_path) == 2
    err = capsys.readouterr().err
    assert "models[0].source" in err
    assert "there is no stack file Pulumi.y.yaml" in err


def test_under_a_recorder_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "report_of", lambda plan: pytest.fail("asked"))
    assert run_program(own("dev"), "dev", secrets=needed_canaries("dev")).all("Cluster")


def test_behind_a_real_engine_the_program_asks_before_it_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(plan: Any) -> PreflightReport:
        with account(quotas=NEW_ACCOUNT_QUOTAS) as aws:
            return asked(plan, aws)

    monkeypatch.setattr(program, "get_monitor", object)
    monkeypatch.setattr(program, "report_of", refuses)
    with pytest.raises(Exception, match="quota L-DB2E81BA"):
        run_program(own("dev"), "dev", secrets=needed_canaries("dev"))


def test_credentials_are_looked_for_without_the_network(tmp_path: Path) -> None:
    nowhere = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "c"), "AWS_CONFIG_FILE": str(tmp_path / "d")}
    assert not may_have_credentials(nowhere)
    assert may_have_credentials({**nowhere, "AWS_PROFILE": "x"})
    (tmp_path / "c").touch()
    assert may_have_credentials(nowhere)


def test_answers_of_aws_take_the_place_of_what_the_plan_did_not_know() -> None:
    with account() as aws:
        plan = planned(own("dev"))
        report = asked(plan, aws)
    answered = replace(report, answers=tuple(replace(answer, settles=("x",)) for answer in report.answers))
    marked = replace(
        plan, findings=tuple(replace(finding, rule="x", path="network.zones") for finding in plan.findings[:1])
    )
    assert marked.findings
    assert program.with_answers(marked, answered).findings == ()
