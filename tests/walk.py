"""The walk of docs/on-aws.md: its commands, and the table by which the page says what the test runs in another form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPO

PAGE, FRONT = REPO / "docs" / "on-aws.md", REPO / "README.md"
TABLE = "| in the walk | in the test | why |"
# A cell is one code span; a bar inside it is escaped, as in any Markdown table.
ROW = re.compile(r"^\| `(?P<walk>[^`]+)` \| `(?P<test>[^`]+)` \| (?P<why>.+) \|$")


@dataclass(frozen=True)
class Change:
    """What of the walk the test runs as something else."""

    walk: str
    test: str
    why: str


def commands(page: Path, section: str = "") -> list[str]:
    """The commands of a page's bash blocks (of one section's), a continued line as one, without comments."""
    text = page.read_text()
    if section:
        text = text.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [uncommented(line) for line in lines if uncommented(line)]


def uncommented(line: str) -> str:
    """Without a comment that begins the line or stands after a space, and without quoted text in it."""
    return re.sub(r"(^|\s+)#[^\"']*$", "", line).strip()


def changes() -> list[Change]:
    """Rows of the page's table, in its order."""
    rows = PAGE.read_text().split(TABLE, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    matches = [ROW.match(row) for row in rows]
    assert all(matches), f"a row of the table of {PAGE.name} is no code | code | why: {rows}"
    return [Change(*(cell.replace("\\|", "|") for cell in match.groups())) for match in matches if match]


def as_tested(command: str) -> str:
    """The command as the test runs it: every row applied once, none to what another one has written."""
    tests = {change.walk: change.test for change in changes()}
    return re.sub("|".join(map(re.escape, tests)), lambda match: tests[match[0]], command)
