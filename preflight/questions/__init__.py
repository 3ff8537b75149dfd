"""The questions, in the order in which they are told."""

from __future__ import annotations

from preflight.model import Question
from preflight.questions import (
    belonging,
    cluster,
    files,
    identity,
    inside,
    places,
    pull_through,
    quotas,
    reservations,
    secrets,
    taken,
    upgrade,
    versions,
    ways_in,
    weights,
)

QUESTIONS: tuple[Question, ...] = (
    *belonging.QUESTIONS,
    *identity.QUESTIONS,
    *secrets.QUESTIONS,
    *pull_through.QUESTIONS,
    *weights.QUESTIONS,
    *files.QUESTIONS,
    *ways_in.QUESTIONS,
    *places.QUESTIONS,
    *reservations.QUESTIONS,
    *quotas.QUESTIONS,
    *versions.QUESTIONS,
    *cluster.QUESTIONS,
    *upgrade.QUESTIONS,
    *inside.QUESTIONS,
    *taken.QUESTIONS,
)
