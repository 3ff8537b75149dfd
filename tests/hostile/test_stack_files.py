"""Every hostile stack file of the corpus ends in a plan or in words, as the verdict beside it says."""

from __future__ import annotations

import pytest

from planning.decide import decide
from planning.model import Finding, PlanRefused, Severity
from settings.read import loaded_from
from tests.hostile.corpus import PARTS, Case, as_texts, stack_files

CASES = list(stack_files())
FEWEST = 500


def said_of(case: Case) -> tuple[bool, tuple[Finding, ...]]:
    """Whether it was accepted, and what was said. Anything but a plan and a refusal is raised."""
    loaded = loaded_from({**as_texts(case.sections), "grafanaPassword": ""}, {"grafanaPassword"}, "dev")
    try:
        return True, decide(loaded).findings
    except PlanRefused as refusal:
        return False, refusal.findings


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_its_verdict_holds(case: Case) -> None:
    accepted, findings = said_of(case)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    told = "\n".join(f"{finding.path}: {finding.text}" for finding in findings)
    assert accepted == (case.refused is None), told or "accepted, and nothing said"
    if case.refused is None:
        assert {finding.rule for finding in findings} >= set(case.warns), told
    else:
        path, words = case.refused
        assert any(error.path.startswith(path) and words in error.text for error in errors), told
    _said_well(findings)


def _said_well(findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        text = f"{finding.path}: {finding.text}"
        assert text.isprintable(), "what a terminal obeys is in a message"
        assert len(text) < 2000, "nobody reads that"
        assert "Traceback" not in text
        assert "Value error" not in text, "pydantic's words are not ours"
        assert "should match pattern" not in text
        for credential in PARTS.values():
            assert credential not in text


def test_the_corpus_is_as_large_as_it_is_said_to_be() -> None:
    assert len(CASES) >= FEWEST
    assert len({case.name for case in CASES}) == len(CASES)
