"""An exception that nobody meant ends in one line, a private file with the traceback, and exit code 3."""

from __future__ import annotations

import re
import runpy
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from preview.formats import rendered
from preview.recorder import record_program
from settings.last_resort import last_resort, told
from settings.stack_file import read_stack_file
from tests.conftest import REPO
from tests.preview.sample import document
from tests.settings.test_secrets import SECRETS

TOKEN = SECRETS["a GitHub token"]
FAULTS = (RuntimeError, KeyError, IndexError, AssertionError, MemoryError, RecursionError, ZeroDivisionError)


def _run(module: str, *words: str) -> Callable[[pytest.MonkeyPatch], None]:
    def run(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.argv", [module, *words])
        runpy.run_module(module, run_name="__main__", alter_sys=False)

    return run


def _program(_: pytest.MonkeyPatch) -> None:
    file = read_stack_file(REPO, "dev")
    config = {**file.texts, **dict.fromkeys(file.encrypted, "x")}
    record_program(REPO, file.project, "dev", config, file.encrypted)


# Entry → what is broken, how it is started, what it was reading.
ENTRIES: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None], str]] = {
    "preview": ("planning.prepare.prepare", _run("preview", "dev"), "python -m preview dev"),
    "preview, its program": ("planning.decide.decide", _program, "Pulumi.dev.yaml"),
    "preview.render": ("preview.formats.rendered", _run("preview.render", "{report}"), "report.json"),
    "preview.scan": ("shutil.which", _run("preview.scan", "dev"), "python -m preview.scan dev"),
    "planning": ("advisor.images.add_to", _run("planning", "images", "dev"), "python -m planning images dev"),
    "local": ("local.commands.status.status", _run("local", "status"), "python -m local status"),
    "policies": ("policies.pack.make_pack", _run("policies"), "the policy pack"),
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_fault_in_an_entry_is_one_line_and_a_file(
    entry: str,
    fault: type[Exception],
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    broken, run, reading = ENTRIES[entry]
    if entry == "preview.render":
        (temporary / "report.json").write_text(rendered(document(), "json"))
        run = _run("preview.render", str(temporary / "report.json"), "--format", "html")

    def raises(*_: object, **__: object) -> None:
        raise fault(f"injected {TOKEN}")

    monkeypatch.setattr(broken, raises)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch)
    said = capfd.readouterr()
    assert ended.value.code == 3
    (line,) = said.err.splitlines()
    assert line.startswith(f"internal error, please report: {fault.__name__} while reading ")
    assert reading in line
    (kept,) = temporary.glob("vllm-on-eks-error-*")
    assert str(kept) in line
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "Traceback" in kept.read_text()
    assert "injected" in kept.read_text()
    assert "Traceback" not in said.err + said.out
    assert TOKEN not in kept.read_text() + said.err + said.out


@pytest.mark.parametrize("passing", [SystemExit, KeyboardInterrupt])
def test_who_ends_a_program_on_purpose_is_let_through(passing: type[BaseException], temporary: Path) -> None:
    with pytest.raises(passing), last_resort("x"):
        raise passing
    assert list(temporary.iterdir()) == []


def test_what_was_read_shows_neither_credentials_nor_escapes() -> None:
    line = told(ValueError(), f"python -m x {TOKEN} \x1b[31m")
    assert TOKEN not in line
    assert re.search(r"\\x1b\[31m", line)
    assert line.isprintable()


def test_a_full_disk_is_no_second_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: str) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    assert told(ValueError(), "x").endswith("its traceback could not be written (OSError)")
