"""`python -m policies.document` writes docs/policies.md from rules and explained findings; a test keeps it current."""

from __future__ import annotations

from pathlib import Path

from policies.rules import RULES
from policies.scanned import CHECKOV_GOAL, KUBE_SCORE_GOAL, explanations

DOCUMENT = Path("docs/policies.md")
HEAD = """# Policies

What must hold whatever the plan says. `python -m preview STACK` judges what the program registers, without credentials;
`pulumi preview --policy-pack policies` and `pulumi up --policy-pack policies` judge the same in the engine, where an
error ends the update. This page is made by `make document` from `policies/rules.py` and
`policies/explained_findings.csv`.

In the engine the rules see what the program asked for, not what a provider made of it: before the first `up` nothing is
known of objects in a cluster that is not there. The embedded platform's language host is an older one that cannot start
packs; `local/bin/pulumi-python` fixes that (one pack at a time).

A stack sets a rule aside with a reason, until a day:

```yaml
config:
  vllm-on-eks:waivers:
    - {rule: image-digest, reason: the mirror makes tags immutable, expires: 2027-03-31}
```

What a waiver covers is still shown. After its day it covers nothing and is an error of its own.

"""


SCANNERS = f"""
## Scanners

`make scan [STACK="dev prod"]`, of all examples `make scan STACK=all`, puts the Kubernetes objects that the program
registers, with at least two replicas, Rollouts, LeaderWorkerSets and InferenceServices as Deployments of their pods,
through checkov (requirements-scan.lock) and kube-score (tools/kube-score). Each model's objects may keep {CHECKOV_GOAL}
failed checks of checkov and {KUBE_SCORE_GOAL} criticals of kube-score, in a namespace that enforces Pod Security
`restricted`; its endpoint picker, and the workers of a group, are counted by themselves, without these goals. What
remains is explained here; a finding that is not ends the command with exit code 1, and an explanation of what no
scanner reports is listed.

"""


def document() -> str:
    """The page."""
    rows = ["| rule | what it wants | why | severity | what to do |", "|---|---|---|---|---|"]
    for rule in RULES:
        wants = " ".join((rule.check.__doc__ or "").split())
        rows.append(f"| `{rule.id}` | {wants} | {rule.why} | {rule.severity} | {rule.fix} |")
    explained = [
        "| scanner | check | objects | why the finding remains | source | thought over |",
        "|---|---|---|---|---|---|",
    ]
    for row in explanations():
        objects = f"`{row.object}`" + (f" of `{row.backend}`" if row.backend else "")
        cells = (row.tool, f"`{row.check}`", objects, row.explanation, row.source, str(row.date))
        explained.append(f"| {' | '.join(cells)} |")
    return HEAD + "\n".join(rows) + "\n" + SCANNERS + "\n".join(explained) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
