"""What AWS says stands in the preview beside what the plan says; without credentials the guesses do, in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.aws_endpoint.contract.account import NEW_ACCOUNT_QUOTAS, OLDER
from preview import __main__ as command
from preview.findings import of_account
from tests.conftest import REPO
from tests.preflight.accounts import account, asked, own, planned


def test_without_credentials_a_preview_says_what_it_guessed(tmp_path: Path) -> None:
    out = tmp_path / "dev.json"
    command.main(["dev", "--format", "json", "--out", str(out)], root=REPO)
    (guess,) = [finding for finding in json.loads(out.read_text())["findings"] if finding["rule"] == "guess"]
    assert guess["severity"] == "info"
    assert "us-east-1a, us-east-1b, and EKS takes them" in guess["message"]
    assert guess["fix"] == "run: python -m preflight dev"


def test_with_an_account_its_errors_are_findings_with_a_fix() -> None:
    with account(zones=OLDER, quotas=NEW_ACCOUNT_QUOTAS) as aws:
        findings = of_account(asked(planned(own("dev")), aws))
    zones = next(finding for finding in findings if finding.rule == "account-zones")
    assert (zones.severity, zones.path) == ("error", "network.zones")
    assert zones.fix == "write zones: [us-east-1b, us-east-1c]"
    assert findings[-1].message.endswith("answers of account 123456789012 agree with the plan")
    assert "guess" not in {finding.rule for finding in findings}


def test_offline_asks_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setattr("preflight.ask.report_of", lambda *_: pytest.fail("asked"))
    assert command.main(["dev", "--offline", "--format", "json", "--out", str(tmp_path / "x.json")], root=REPO) in (
        0,
        1,
    )
