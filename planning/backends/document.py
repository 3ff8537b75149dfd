"""`python -m planning.backends.document` writes docs/backends.md from the tables; a test keeps it current."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from planning.backends.features import FEATURES, OF_THE_PROJECTS
from planning.backends.table import Cell, backends, features, operators, rendered
from planning.versions import pins

DOCUMENT = Path("docs/backends.md")
WORDS = {"yes": "yes", "no": "**no**", "theirs": "the project does", "none": "–"}
HEAD = """# Serving backends

`models[].backend` says what makes a model's server pods, `backend` what does for models that name none. Moving a
model is one word: its address, name, token, cache, network, budget, monitor, alerts and autoscaler stay where the table
does not say otherwise
([how it moves](backends/moving.md)). Why it is built this way: [ADR 22](adr/0022-serving-backends.md). This page is
made by `make document` from `planning/facts/backends.csv`, `operators.csv` and `backend_features.csv`; the plan refuses
by the same tables, and tests hold them against what is rendered.

```yaml
config:
  vllm-on-eks:backend: kserve        # of all models that say nothing else
  vllm-on-eks:models:
    - {name: chat, source: Qwen/Qwen2.5-7B-Instruct, revision: a09a35458c702b33eeacc393d103063234e8bc28}
    - {name: code, backend: deployment, source: ..., revision: ...}
```

One table says what backends call the same things: the pods that serve, the port and the names of vLLM's series
(`backends.csv`); alerts, dashboards and autoscalers read that table and know one name each.

**What was tried.** Backend `deployment` runs on the embedded platform (`make up`). Every other backend is rendered, and
validated against the definitions of its kinds and the values of its charts, of the versions below. KServe's controller
(0.17.0) and KubeRay's operator (1.5.0), the newest that can be built here, run there, too; for llm-d upstream's
endpoint picker (1.4.0) runs in the place of llm-d's; Production Stack's router is simulated there, and stand-ins after
their sources play KubeAI and AIBrix. None of them ran in a cluster ([limits](limits.md)).

"""


def document() -> str:
    """The page."""
    return "\n".join([HEAD + _backends(), _operators(), _ours(), _theirs(), _sources()]) + "\n"


def _backends() -> str:
    rows = ["## Which there are", "", "| backend | project | state | replicas | operators |", "|---|---|---|---|---|"]
    for row in backends().values():
        name = f"`{row.name}`" if row.rendered else f"{row.name} (compared only)"
        title = f"[{row.title}](backends/{row.name}.md)" if row.rendered and row.name != "deployment" else row.title
        scaler = "one autoscaler, ours" if row.scaler == "ours" else "its own autoscaler"
        rows.append(f"| {name} | {title} | {row.state} | {scaler} | {', '.join(row.operators) or '–'} |")
    return "\n".join([*rows, ""])


def _operators() -> str:
    rows = ["## What is installed with them", "", "| operator | charts | settings |", "|---|---|---|"]
    for row in operators().values():
        charts = ", ".join(f"{chart} {pins.CHARTS[chart].version}" for chart in row.charts)
        own = f"`{row.setting}.install`, `{row.setting}.namespace`"
        words = f"`{row.setting}`; in the namespace of its models" if row.beside_models else own
        rows.append(f"| {row.name} | {charts} | {words} |")
    rows += [
        "",
        "An operator is installed once, in a closed namespace of its own unless the row says otherwise, as long as a",
        "model needs it.",
        "`install: false` where the cluster has it.",
        "",
    ]
    return "\n".join(rows)


def _ours() -> str:
    rows = [
        "## What a model can ask for",
        "",
        "A model that asks for what its backend does not do is refused, with the backends that do.",
        "",
        *_table(
            {f"{feature.words} (`{feature.setting}`)": features()[feature.name] for feature in FEATURES}, rendered()
        ),
    ]
    return "\n".join([*rows, ""])


def _theirs() -> str:
    rows = [
        "## What the projects do beyond that",
        "",
        "For the choice between them; no setting of this program reaches these yet.",
        "",
        *_table({words: features()[name] for name, words in OF_THE_PROJECTS.items()}, tuple(backends())),
    ]
    return "\n".join([*rows, ""])


def _table(lines: Mapping[str, Mapping[str, Cell]], names: tuple[str, ...]) -> list[str]:
    rows = ["| feature | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for words, cells in lines.items():
        rows.append(f"| {words} | " + " | ".join(_cell(cells[name]) for name in names) + " |")
    return rows


def _cell(cell: Cell) -> str:
    return f"{WORDS[cell.does]} ({cell.how})" if cell.how else WORDS[cell.does]


def _sources() -> str:
    rows = ["## Sources", "", "| backend | read in | date |", "|---|---|---|"]
    for row in backends().values():
        of_features = {cells[row.name].source: None for cells in features().values() if row.name in cells}
        rows.append(f"| {row.name} | {'; '.join(dict.fromkeys((row.source, *of_features)))} | {row.date} |")
    return "\n".join(rows)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
