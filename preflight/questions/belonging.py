"""Whether the stack belongs into this account, and what cannot be the start of one: examples, an unreachable API.

`planning.cluster.account.refusals` decides; AWS says who asks, and which clusters there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from planning.cluster.account import refusals
from planning.model import StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict

PATH = "account"


def _belongs(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    caller = aws.caller["Account"]
    there = aws.pages("eks", "list_clusters", "clusters") if plan.account.on_first_up else []
    refused = refusals(plan.account, caller, tuple(there))
    for finding in refused:
        yield Answer("account", finding.path, Verdict.ERROR, finding.message, (finding.rule,), finding.fix)
    for example in plan.account.examples:
        if example.account == caller:
            own = f"{caller} is an account of examples, and the caller's own"
            yield Answer("account", example.finding.path, Verdict.OK, own, (example.finding.rule,))
    if not refused:
        for finding in plan.account.on_first_up:
            there_already = f"cluster {plan.account.cluster_name} is there"
            yield Answer("account", finding.path, Verdict.OK, there_already, (finding.rule,))
        yield Answer("account", PATH, Verdict.OK, f"the stack belongs to {plan.account.id or 'any account'}")


def _guess(plan: StackPlan) -> str | None:
    account = plan.account
    guesses = (
        f"the credentials are of account {account.id}" if account.id else "",
        f"cluster {account.cluster_name} is there already" if account.on_first_up else "",
        "what stands in examples was replaced" if account.examples else "",
    )
    return ", ".join(guess for guess in guesses if guess) or None


QUESTIONS = (Question("account", PATH, _guess, _belongs),)
