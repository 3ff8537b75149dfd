"""What the rules learn from the live engine: how long its steps take beside what was planned. Values of the plan."""

from __future__ import annotations

from dataclasses import dataclass

STEPS_SERIES = "vllm:iteration_tokens_total_count"
AT_WORK_RULE = "vllm_on_eks:at_work:engines"
PLANNED_WORK_RULE = "vllm_on_eks:planned_work:engines"
STEP_TIME_RULE = "vllm_on_eks:step_time:ratio"
LEARNED_RULE = "vllm_on_eks:learned_load:ratio"


@dataclass(frozen=True)
class StepTimes:
    """Planned seconds that what vLLM counts takes of an engine's time; they add up over steps."""

    step: float
    """Of every step that puts out a token: host work and the reading of the weights."""
    output_token: float
    """For each of its answers: host work and the reading of what it holds of the cache."""
    prompt_token: float
    """What a prompt adds to the steps it is computed in, ÷ its tokens."""

    def work(self, step_rate: float, prompt_rate: float, output_rate: float) -> float:
        """Engines that these rates per second keep at work, by the plan."""
        return self.step * step_rate + self.output_token * output_rate + self.prompt_token * prompt_rate


@dataclass(frozen=True)
class Learning:
    """How a replica's load follows from its engine's step times.

    While a request runs an engine steps without a pause, so the time in which one ran is what all its steps took. Held
    against the planned time of the same steps and tokens it is the step time, measured ÷ planned, whatever the load.
    """

    times: StepTimes
    window_seconds: int
    """Both are summed over it."""
    least_seconds: int
    """What must have been recorded of the window; before, the plan's load stands."""
    least_work_seconds: int
    """And of engines at work in it, summed over them."""
    tolerance: float
    """A ratio so near to 1 is 1: the sums of the plan are no nearer, and what lies beyond counts from there."""
    slower_power: float
    """The load that a replica carries within its SLO falls with this power of the step time."""
    quicker_power: float
    """And rises with this one."""
    least: float
    """No load counts as less than this × itself: no replica is trusted with more than 1 ÷ this × its plan."""
    most: float
    """And none as more."""

    def factor(self, step_time_ratio: float) -> float:
        """By which a load counts when steps take that many times as long as planned."""
        slower = max(1.0, step_time_ratio / (1 + self.tolerance)) ** self.slower_power
        quicker = min(1.0, step_time_ratio * (1 + self.tolerance)) ** self.quicker_power
        return float(min(self.most, max(self.least, slower * quicker)))

    def is_enough(self, samples: int, at_work: float, scrape_seconds: int) -> bool:
        """Whether so many recorded values, one a scrape, and their sum of engines at work say anything."""
        return samples >= self.least_seconds // scrape_seconds and at_work >= self.least_work_seconds // scrape_seconds

    def rules(self, running: str, rates: tuple[str, str, str], matchers: str, scrape_seconds: int) -> dict[str, str]:
        """The recording rules as PromQL, in the order of evaluation.

        `running`: the model's requests running, by engine; `rates`: of its prompt tokens, output tokens and steps;
        `matchers` (with braces, or empty): of what was recorded for it.
        """
        prompts, outputs, steps = rates
        window = f"{matchers}[{self.window_seconds}s]"
        at_work = f"max(sum_over_time({AT_WORK_RULE}{window}))"
        recorded = f"max(count_over_time({AT_WORK_RULE}{window}))"
        ratio = f"max({STEP_TIME_RULE}{matchers})"
        slower = f"clamp_min({ratio} / {1 + self.tolerance:g}, 1) ^ {self.slower_power:g}"
        quicker = f"clamp_max({ratio} * {1 + self.tolerance:g}, 1) ^ {self.quicker_power:g}"
        return {
            AT_WORK_RULE: f"sum({running} > bool 0)",
            PLANNED_WORK_RULE: f"{self.times.step:.6g} * {steps} + {self.times.output_token:.6g} * {outputs} + "
            f"{self.times.prompt_token:.6g} * {prompts}",
            STEP_TIME_RULE: f"{at_work} / max(sum_over_time({PLANNED_WORK_RULE}{window})) and "
            f"{recorded} >= {self.least_seconds // scrape_seconds} and "
            f"{at_work} >= {self.least_work_seconds // scrape_seconds}",
            LEARNED_RULE: f"clamp({slower} * {quicker}, {self.least:g}, {self.most:g})",
        }
