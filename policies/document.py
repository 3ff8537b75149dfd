"""`python -m policies.document` writes docs/policies.md from the table of rules; a test keeps it current."""

from __future__ import annotations

from pathlib import Path

from policies.rules import RULES

DOCUMENT = Path("docs/policies.md")
HEAD = """# Policies

What must hold whatever the plan says. `python -m preview STACK` judges what the program registers, without credentials;
`pulumi preview --policy-pack policies` and `pulumi up --policy-pack policies` judge the same in the engine, where an
error ends the update. This page is made from `policies/rules.py` by `make document`.

A stack sets a rule aside with a reason, until a day:

```yaml
config:
  vllm-on-eks:waivers:
    - {rule: image-digest, reason: the mirror makes tags immutable, expires: 2027-03-31}
```

What a waiver covers is still shown. After its day it covers nothing and is an error of its own.

"""


def document() -> str:
    """The page."""
    rows = ["| rule | what it wants | why | severity | what to do |", "|---|---|---|---|---|"]
    for rule in RULES:
        wants = " ".join((rule.check.__doc__ or "").split())
        rows.append(f"| `{rule.id}` | {wants} | {rule.why} | {rule.severity} | {rule.fix} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
