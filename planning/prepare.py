"""Stack file → settings → plan, before any SDK is imported: a mistake is told in well under a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from planning.decide import decide
from planning.model import Finding, PlanRefused, StackPicture, StackPlan
from planning.picture import picture
from settings.charts import charts_of
from settings.foreign import with_foreign
from settings.read import PROJECT, Loaded, SecretNeed, loaded_from, secret_needs
from settings.stack_file import StackFile, read_stack_file


@dataclass(frozen=True)
class Prepared:
    """What a stack file asks for. `plan` None: it cannot work, `findings` say why.

    `config` is what the program is given: secrets, set or not, are stand-ins; `secret_keys` mark them.
    """

    root: Path
    file: StackFile
    loaded: Loaded
    plan: StackPlan | None
    findings: tuple[Finding, ...]
    missing_secrets: tuple[SecretNeed, ...]
    config: Mapping[str, str] = field(repr=False)
    secret_keys: frozenset[str]

    @cached_property
    def picture(self) -> StackPicture:
        """What is shown beside the plan; only of a stack that has one."""
        assert self.plan is not None, "there is no plan to show"
        assert self.loaded.settings is not None, "a plan comes from settings"
        return picture(self.plan, self.loaded.settings)

    @cached_property
    def unmirrored(self) -> StackPlan:
        """The plan without mirror and chart source: names as their own registries know them; of a stack that has one.

        Raises PlanRefused where it is the mirror that makes the stack work.
        """
        settings = self.loaded.settings
        assert settings is not None, "a plan comes from settings"
        plain = settings.registry.model_copy(update={"mirror": None, "charts": None, "pull_through": None})
        return decide(replace(self.loaded, settings=settings.model_copy(update={"registry": plain}), charts=None))


def prepare(root: Path, stack: str, today: str | None = None) -> Prepared:
    """Reads and plans; raises StackFileError when there is nothing to read. `today`: ISO; None: our tables' day."""
    file = read_stack_file(root, stack)
    ours, encrypted = file.ours(), file.ours_encrypted()
    loaded = loaded_from(ours, encrypted, stack, file.written)
    needs = secret_needs(loaded.settings) if loaded.settings else ()
    missing = tuple(need for need in needs if need.key not in ours)
    if missing:
        absent = {need.key for need in missing}
        loaded = loaded_from(ours | dict.fromkeys(absent, ""), encrypted | absent, stack, file.written)
    secrets = file.encrypted | {f"{file.project}:{need.key}" for need in missing}
    stand_ins = {key: f"stand-in for {key}" for key in secrets}
    loaded = with_foreign(loaded, file.texts, stack)
    loaded = replace(loaded, charts=charts_of(loaded.settings, root), today=today)
    plan, findings = _decided(loaded)
    return Prepared(root, file, loaded, plan, findings, missing, {**file.texts, **stand_ins}, frozenset(secrets))


def _decided(loaded: Loaded) -> tuple[StackPlan | None, tuple[Finding, ...]]:
    try:
        plan = decide(loaded)
    except PlanRefused as refusal:
        return None, refusal.findings
    return plan, plan.findings


def secret_command(need: SecretNeed, stack: str) -> str:
    """What sets a secret."""
    return f"pulumi config set --secret {PROJECT}:{need.key} --stack {stack}"
