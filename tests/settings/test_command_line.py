"""Command lines that hold what a terminal would obey end in words."""

from __future__ import annotations

import pytest

from local.__main__ import main as local
from planning.__main__ import main as planning
from preview.__main__ import main as preview
from preview.render import main as render

HIDDEN = ["\x1b[31m", "\x07", "\u202e", "\n", "\udcff"]


@pytest.mark.parametrize("text", HIDDEN)
@pytest.mark.parametrize(
    ("main", "line"),
    [
        (planning, ["fit", "{}/x", "--instance", "g6.xlarge"]),
        (planning, ["{}"]),
        (preview, ["dev{}"]),
        (preview, ["dev", "--format", "{}"]),
        (preview, ["dev", "--out", "/tmp/{}/x"]),
        (render, ["{}"]),
        (local, ["status{}"]),
        (local, ["logs", "{}"]),
    ],
)
def test_nothing_of_it_is_repeated(main: object, line: list[str], text: str, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        code = main([part.replace("{}", text) for part in line])  # type: ignore[operator]
    except SystemExit as ended:
        code = ended.code
    said = capfd.readouterr()
    assert code == 2
    assert "holds a line break or control character" in said.err
    assert text not in (said.out + said.err).replace("\n", "")
