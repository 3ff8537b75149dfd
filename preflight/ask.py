"""Asks all questions at once, with a deadline, and says what is a guess where AWS cannot be asked."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

from planning.model import StackPlan
from preflight.account import AwsAccount, Unanswered, may_have_credentials
from preflight.model import Answer, PreflightReport, Question, Verdict
from preflight.questions import QUESTIONS

DEADLINE_SECONDS = 9.0
AT_ONCE = 8


def guesses(plan: StackPlan) -> PreflightReport:
    """What the plan takes for true of an account that was not asked."""
    answers = tuple(
        Answer(question.id, question.path, Verdict.GUESS, guess)
        for question in QUESTIONS
        if (guess := question.guess(plan)) is not None
    )
    return PreflightReport(plan.stack, plan.region, asked=False, answers=answers)


def ask(plan: StackPlan, aws: AwsAccount, at_once: int = AT_ONCE, seconds: float = DEADLINE_SECONDS) -> PreflightReport:
    """Every question that the plan has, within `seconds`; what is not answered by then is UNKNOWN.

    Credentials that AWS refuses make one error, not one for each question.
    """
    began = time.monotonic()
    try:
        caller = aws.caller
    except Unanswered as why:
        refusal = Answer(
            "caller", "account", Verdict.ERROR, f"AWS does not know the caller ({why})", fix="renew the credentials"
        )
        return PreflightReport(plan.stack, plan.region, True, (refusal,), seconds=time.monotonic() - began)
    questions = [question for question in QUESTIONS if question.guess(plan) is not None]
    pool = ThreadPoolExecutor(max_workers=at_once)
    running = [(question, pool.submit(_answers, question, plan, aws)) for question in questions]
    wait([future for _, future in running], timeout=max(0.1, seconds - (time.monotonic() - began)))
    answers = tuple(answer for question, future in running for answer in _within(question, future, seconds))
    pool.shutdown(wait=False, cancel_futures=True)
    took = time.monotonic() - began
    return PreflightReport(plan.stack, plan.region, True, answers, caller["Account"], caller["Arn"], took)


def _answers(question: Question, plan: StackPlan, aws: AwsAccount) -> tuple[Answer, ...]:
    answers: list[Answer] = []
    try:
        # One by one: what was answered before the call that failed is told, too.
        for answer in question.ask(plan, aws):
            answers.append(answer)
    except Unanswered as why:
        answers.append(Answer(question.id, question.path, Verdict.UNKNOWN, f"not answered ({why})"))
    return tuple(answers)


def _within(question: Question, future: Future[tuple[Answer, ...]], seconds: float) -> tuple[Answer, ...]:
    if future.done():
        return future.result()
    late = f"not answered within {seconds:g} s"
    return (Answer(question.id, question.path, Verdict.UNKNOWN, late),)


def report_of(plan: StackPlan, aws: AwsAccount | None = None, seconds: float = DEADLINE_SECONDS) -> PreflightReport:
    """Asks with the credentials that there are; an instance's own role among them."""
    aws = aws or AwsAccount(plan.region)
    return ask(plan, aws, seconds=seconds) if aws.has_credentials else guesses(plan)


def report_without_network(plan: StackPlan) -> PreflightReport:
    """The same for a preview that is made to work offline: asks only where credentials lie here."""
    return report_of(plan) if may_have_credentials() else guesses(plan)
