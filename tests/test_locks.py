"""Each Python package is installed at one version whose files have hashes; `make lock` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import REPO

ENGINE = "local/vllm_cpu/pins"
LOCKS = {f"requirements-{name}.lock": f"requirements-{name}.txt" for name in ("dev", "scan", "go", "envoy")}
LOCKS |= {f"{ENGINE}.lock": f"{ENGINE}.txt"}
PYTHONS = ("3.11.0", "3.13.0")


def entries(lock: str) -> list[str]:
    """A lock's requirements, each with its hashes in one line."""
    text = (REPO / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def locked(lock: str) -> list[Requirement]:
    return [Requirement(entry.partition("--hash")[0]) for entry in entries(lock)]


def asked(file: Path) -> Iterator[Requirement]:
    """What people wrote, included files too."""
    for line in file.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            yield from asked(file.parent / text.removeprefix("-r ").strip())
        elif text:
            yield Requirement(text)


def for_python(requirements: list[Requirement], python: str) -> dict[str, str]:
    """Name -> the version that pip takes on Linux; fails where it had to take two."""
    environment = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    versions: dict[str, str] = {}
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in versions, f"two versions of {name} on Python {python}"
            versions[name] = str(requirement.specifier)
    return versions


def test_every_list_of_packages_has_a_lock() -> None:
    lists = {path.name for path in REPO.glob("requirements*.txt")}
    assert lists - {"requirements.txt", "requirements-simulate.txt"} == {
        text for text in LOCKS.values() if "/" not in text
    }
    assert "-r requirements.txt" in (REPO / "requirements-dev.txt").read_text().splitlines()


@pytest.mark.parametrize("lock", sorted(LOCKS))
def test_every_package_has_one_version_and_hashes_of_its_files(lock: str) -> None:
    without = [
        entry.split()[0]
        for entry in entries(lock)
        if not re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[^\s;*]+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+", entry.strip())
    ]
    assert without == []
    assert len(entries(lock)) > 0


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", sorted(LOCKS))
def test_a_lock_holds_what_the_list_asks_for(lock: str, python: str) -> None:
    packages = for_python(locked(lock), python)
    wanted = for_python(list(asked(REPO / LOCKS[lock])), python)
    assert {name: packages.get(name) for name in wanted} == wanted, "make lock was not run"


def test_what_is_installed_needs_nothing_that_the_lock_lacks() -> None:
    """pip would refuse it in a clean clone; here it is seen offline, in the environment that runs the tests."""
    from importlib.metadata import PackageNotFoundError, distribution

    names = {canonicalize_name(each.name) for each in locked("requirements-dev.lock")}
    missing = set()
    for requirement in locked("requirements-dev.lock"):
        try:
            needs = distribution(requirement.name).requires or []
        except PackageNotFoundError:  # for another system
            continue
        for need in map(Requirement, needs):
            applies = need.marker is None or need.marker.evaluate({"extra": ""})
            if applies and canonicalize_name(need.name) not in names:
                missing.add(f"{requirement.name} needs {need.name}")
    assert missing == set()


def test_nothing_is_installed_without_hashes() -> None:
    """Every `pip install` of ours names a lock; in the workflows there is none: they call make."""
    texts = {path: path.read_text() for path in (REPO / "Makefile", *sorted((REPO / "local").rglob("*.py")))}
    installs = {
        str(path.relative_to(REPO)): text
        for path, text in texts.items()
        if re.search(r'pip\b.*install|"install"', text)
    }
    assert set(installs) == {
        "Makefile",
        "local/build/checkov.py",
        "local/build/envoy.py",
        "local/build/go.py",
        "local/vllm_cpu/environment.py",
    }
    assert [name for name, text in installs.items() if "--require-hashes" not in text] == []
    called = [*(REPO / ".github" / "workflows").glob("*.yml"), REPO / ".ci" / "run"]
    assert [path.name for path in called if re.search(r"\bpip3?\b|\buv\b|\bpipx\b", path.read_text())] == []
