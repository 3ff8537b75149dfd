"""How a change of a model's servers reaches its users: all pods in turn, or some of them first, under observation."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from settings.findings import WrongValue
from settings.types import DnsLabel, Section, described, kind_defaults_to


class RollingRollout(Section):
    """New pods replace old ones as fast as they are Ready."""

    kind: Literal["rolling"] = "rolling"


class CanaryStep(Section):
    """So many new pods, observed for so long."""

    weight: int = described("share of the model's pods that are new, %", ge=1, le=99)
    seconds: int = described("observed for so long before the next step, s", default=600, ge=60, le=86_400)


class CanaryRollout(Section):
    """Some new pods first: Argo Rollouts goes on or goes back by what Prometheus measures at them."""

    kind: Literal["canary"]
    steps: tuple[CanaryStep, ...] = described(
        "shares of new pods, in ascending order; after the last one all pods are new",
        default=(CanaryStep(weight=20), CanaryStep(weight=50)),
        min_length=1,
        max_length=10,
    )
    time_to_first_token_seconds: float | None = described(
        "95 of 100 requests to new pods get their first token within, s; default: that of slo",
        default=None,
        ge=0.001,
        le=600,
    )
    time_per_output_token_seconds: float | None = described(
        "and 95 of 100 each further token within, s (1 / tokens per second); default: that of slo",
        default=None,
        ge=0.0001,
        le=60,
    )
    failed_share: float | None = described(
        "share of requests to new pods that may fail; default: ten times what slo.availability leaves, at least 0.01",
        default=None,
        gt=0,
        le=0.5,
    )

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        weights = [step.weight for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise WrongValue(
                f"steps: weights {', '.join(map(str, weights))} do not go up: a later step has more new pods",
                "write each weight larger than the one before",
            )
        return self


Rollout = Annotated[RollingRollout | CanaryRollout, Field(discriminator="kind"), kind_defaults_to("canary")]


class ArgoRollouts(Section):
    """Argo Rollouts' controller, for models with rollout.kind canary."""

    install: bool = described(
        "install it where a model needs it; false: the cluster has its own, of the pinned version or newer",
        default=True,
    )
    namespace: DnsLabel = described("its namespace", default="argo-rollouts")
