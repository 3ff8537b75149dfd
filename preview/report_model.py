"""The report part by part, as the JSON format has it. docs/preview.schema.json is generated from these types.

Keys that are not named here may come later; those that are named stay. `None` is what is not known, or does not apply.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from preview.report_parts import Cost, ModelPart, Money, PoolNodesPart, said

Severity = Literal["error", "warning", "info"]
Action = Literal["created", "changed", "replaced", "deleted"]
# In this order; a test holds it against the dependencies of the stacks that are shipped.
Phase = Literal["account", "control plane", "add-ons", "nodes", "add-ons on nodes", "cluster", "models", "afterwards"]
How = Literal["in place", "rolls", "replaced", "created", "deleted"]


class FindingPart(TypedDict):
    """`settings.findings.Finding` as JSON."""

    path: Annotated[str, said("in the stack file, or a resource")]
    rule: str
    severity: Severity
    message: str
    fix: Annotated[str, said("what to do; may be empty")]


class Gpus(TypedDict):
    """GPUs of one name at fewest and most nodes."""

    gpu: str
    min: int
    max: int


class Against(TypedDict):
    """The revision that is compared with."""

    revision: str
    commit: str | None
    problem: Annotated[str | None, said("why the changes are not known")]
    cost: Money | None


class ChangedField(TypedDict):
    """One input that differs."""

    path: str
    before: Any
    after: Any


class Change(TypedDict):
    """What `up` would do to a resource of the other revision."""

    action: Action
    urn: str
    type: str
    name: str
    fields: list[ChangedField]
    reasons: Annotated[list[str], said("why it is replaced")]


class Away(TypedDict):
    """A model that nothing serves while its one replica moves."""

    model: str
    low_seconds: int
    high_seconds: int


class Step(TypedDict):
    """One step of the update: those of a phase go on at the same time where they do not wait for each other."""

    phase: Phase
    what: str
    how: Annotated[How, said("rolls: one after another, by budgets")]
    urns: list[str]
    low_seconds: Annotated[int | None, said("at fewest nodes and replicas; null: seconds, or not known")]
    high_seconds: Annotated[int | None, said("at most of them, on a bad day")]
    words: list[str]
    away: list[Away]


class Update(TypedDict):
    """The steps in order, and how long the longest way through them takes."""

    steps: list[Step]
    low_seconds: int
    high_seconds: int


class QuotaPart(TypedDict):
    """A service quota that the stack needs."""

    code: str
    service: str
    name: str
    unit: str
    needed: int
    account_default: int | None
    used_by: list[str]


class Chart(TypedDict):
    """A Helm chart."""

    chart: str
    version: str
    repository: str | None
    definitions: NotRequired[Annotated[str | None, said("how its definitions (CRDs) move with another version")]]


class ResourcePart(TypedDict):
    """One registration."""

    urn: str
    type: Annotated[str, said("Pulumi's type token, e.g. aws:eks/cluster:Cluster")]
    name: Annotated[str, said("logical name")]
    parent: Annotated[str, said("URN of the parent")]
    inputs: dict[str, Any]
    provider: NotRequired[Annotated[str, said("URN of the explicit provider")]]
    protect: NotRequired[bool]
    deleteBeforeReplace: NotRequired[bool]
    read: NotRequired[Annotated[bool, said("read, not made")]]
    ignoreChanges: NotRequired[list[str]]
    replaceOnChanges: NotRequired[list[str]]
    aliases: NotRequired[list[str]]
    dependencies: NotRequired[list[str]]
    propertyDependencies: NotRequired[dict[str, list[str]]]


@with_config(title="Preview of a vllm-on-eks stack")
class Report(TypedDict):
    """python -m preview STACK --format json. [secret] stands for secret values, [unknown] for those not known
    before up. Without a plan (exit code 2) only stack and findings say something."""

    schema_version: Literal[1]
    stack: str
    region: str | None
    headline: Annotated[str, said("models, GPUs and cost in one line")]
    against: Against | None
    gpus: list[Gpus]
    models: list[ModelPart]
    cost: Cost
    findings: list[FindingPart]
    changes: list[Change]
    rollout: Annotated[Update | None, said("how the changes go on; null: there is nothing to compare with")]
    nodes: list[PoolNodesPart]
    quotas: list[QuotaPart]
    images: Annotated[list[str], said("images that our own pods name; charts bring more")]
    charts: list[Chart]
    resource_counts: dict[str, int]
    resources: list[ResourcePart]
    outputs: Annotated[dict[str, Any], said("what the program exports")]


REPORT: Final = TypeAdapter(Report)
