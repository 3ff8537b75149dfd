"""One resource while an operation works on it: its row of the table, what the program said, what AWS said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.providers.aws.cloud import Cloud
from local.providers.aws.table import Row

_TEMPLATE_PART = re.compile(r"\$([A-Za-z]\w*)")
_BRACES = re.compile(r"\{(\w+)\}")


@dataclass
class LiveResource:
    """`inputs` and `state` are plain (no secrets, no unknown values). `live` is the read operation's last answer."""

    row: Row
    cloud: Cloud
    inputs: dict[str, Any]
    state: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    live: Any = None
    timeout_seconds: float = 0
    """Of the operation under way, where the program says one."""

    @property
    def region(self) -> str:
        return str(self.inputs.get("region") or self.state.get("region") or self.cloud.region)

    def call(self, operation: str, params: Mapping[str, Any], service: str | None = None) -> Any:
        return self.cloud.call(service or self.row.service, operation, dict(params), self.region)

    def value(self, name: str) -> Any:
        """A property by name, or id, region, account, partition; None where nothing is known."""
        if name == "id":
            return self.id or None
        if name == "region":
            return self.region
        if name == "account":
            return self.cloud.identity["Account"]
        if name == "partition":
            return self.cloud.partition
        for source in (self.inputs, self.state):
            if source.get(name) is not None:
                return source[name]
        return self.row.defaults.get(name)

    def fill(self, template: Any) -> Any:
        """The template with its "$name" parts replaced; parts without a value are left out."""
        if isinstance(template, Mapping):
            filled = {key: self.fill(item) for key, item in template.items()}
            return {key: item for key, item in filled.items() if item is not None}
        if isinstance(template, list | tuple):
            return [item for item in (self.fill(part) for part in template) if item is not None]
        if not isinstance(template, str) or "$" not in template:
            return template
        match = _TEMPLATE_PART.fullmatch(template)
        if match:
            return self.value(match[1])
        return _TEMPLATE_PART.sub(lambda part: str(self.value(part[1]) or ""), template)

    def text(self, template: str) -> str:
        """The template with its {braces} replaced."""
        return _BRACES.sub(lambda part: str(self.value(part[1]) or ""), template)


def named_in(template: Any) -> set[str]:
    """Names of all "$name" parts of a template."""
    if isinstance(template, Mapping):
        return {name for item in template.values() for name in named_in(item)}
    if isinstance(template, list | tuple):
        return {name for item in template for name in named_in(item)}
    return set(_TEMPLATE_PART.findall(template)) if isinstance(template, str) else set()


def parse_template(template: str, text: str) -> dict[str, str] | None:
    """The values that `{name}`s of the template have in `text`, or None where it does not fit."""
    pattern = "".join(
        f"(?P<{part[1:-1]}>.*?)" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{\w+\})", template)
        if part
    )
    match = re.fullmatch(pattern, text)
    return {key: value for key, value in match.groupdict().items() if value} if match else None
