"""docs/on-aws.md followed word by word, as somebody with an empty home in an empty account (the contract endpoint).

What is run in another form than the page says is in the page's own table (tests/walk.py reads it).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.commands.completion import services
from local.commands.platform import NEW_ACCOUNT
from local.host.paths import platform_paths
from local.stacks.environment import REMOVED, link_providers, platform_environment
from local.stacks.stack_files import charts_folder
from tests.conftest import REPO
from tests.e2e.conftest import Platform
from tests.e2e.inventory import Inventory
from tests.walk import PAGE, as_tested, commands

pytestmark = pytest.mark.e2e

TYPED = f"typed-{secrets.token_hex(8)}"
COMMAND_SECONDS = 900


@dataclass(frozen=True)
class Said:
    """A command of the page with what it ended with and printed."""

    command: str
    code: int
    text: str


@dataclass
class Newcomer:
    """A shell per command, in a fresh clone, with the platform's AWS and nothing else of this machine's."""

    platform: Platform
    clone: Path
    home: Path
    said: dict[str, Said] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The account and the programs of the platform; login, state, passphrase and kubeconfig are own ones."""
        paths = self.platform.paths
        urls = {service["name"]: str(service["url"]).rstrip("/") for service in services(paths)}
        own = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "KUBECONFIG")
        inherited = {k: v for k, v in os.environ.items() if k not in REMOVED}
        given = {k: v for k, v in platform_environment(paths, self.platform.ports).items() if k not in own}
        return inherited | given | {
            "HOME": str(self.home), "PULUMI_HOME": str(self.home / ".pulumi"), "PULUMI_CONFIG_PASSPHRASE": "walk",
            "BACKEND": f"file://{self.home}?metadata=skip", "CHARTS": str(charts_folder(paths)), "TYPED": TYPED,
            "MODEL": urls.get("qwen", "not-up-yet"),
        }  # fmt: skip

    def run(self, command: str, asked: str | None = None) -> Said:
        """`command` as bash runs it; kept under the page's words."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], cwd=self.clone, env=self.environment(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            timeout=COMMAND_SECONDS,
        )  # fmt: skip
        run = Said(command, done.returncode, done.stdout)
        self.said[asked or command] = run
        return run

    def found(self, start: str) -> Said:
        """What the command of the page said that begins so."""
        return next(said for asked, said in self.said.items() if asked.startswith(start))


def named_commands(said: Said) -> list[str]:
    """The `aws` commands that a report of the preflight tells its reader to run."""
    return (
        re.findall(r"\baws [a-z0-9-]+ (?:request|delete)-[^;\n]*", said.text) if "-m preflight" in said.command else []
    )


def fresh_clone(folder: Path) -> Path:
    """What git has of this checkout (and would have after `git add`), and a `.venv` whose Python is the platform's."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPO, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (REPO / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, folder / name)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    # The language host of the module proxy starts no policy packs by itself (local/bin/pulumi-python says why).
    python.write_text(f'#!/bin/sh\nexec "{REPO}/local/bin/pulumi-python" "$@"\n')
    python.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One of its own, whose account is a new one, beside that of the other tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VLLM_ON_EKS_LOCAL_DIR", str(tmp_path_factory.mktemp("new") / "local"))
        patched.setenv(NEW_ACCOUNT, "1")
        running = Platform(platform_paths())
        try:
            running.run("start")
            yield running
        finally:
            print(running.run("down", check=False))


@pytest.fixture(scope="module")
def before(platform: Platform) -> Inventory:
    """Cluster and account before the walk."""
    return Inventory.settled(platform)


@pytest.fixture(scope="module")
def walked(platform: Platform, before: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    """All commands of the page, up to the first that fails."""
    folder = tmp_path_factory.mktemp("walk")
    home = folder / "home"
    (home / ".pulumi").mkdir(parents=True)
    link_providers(platform.paths)
    (home / ".pulumi" / "plugins").symlink_to(platform.paths.state / "pulumi-home" / "plugins")
    newcomer = Newcomer(platform, fresh_clone(folder / "vllm-on-eks"), home)
    for command in commands(PAGE):
        said = newcomer.run(as_tested(command), command)
        print(f"$ {said.command}\n{said.text}\n-> {said.code}", flush=True)
        if said.code and "-m preflight" not in command:
            break
        for named in named_commands(said):
            newcomer.run(named)
        if said.code:
            newcomer.run(command, f"again: {command}")
    yield newcomer
    if newcomer.run("pulumi stack --stack dev --show-urns | grep -c urn:").text.strip() not in ("", "0"):
        newcomer.run("pulumi destroy --yes --stack dev")


def test_every_command_of_the_page_works(walked: Newcomer) -> None:
    assert [asked for asked in walked.said if asked in commands(PAGE)] == commands(PAGE), list(walked.said.values())[-1]
    wrong = [said for asked, said in walked.said.items() if said.code and not asked.startswith(".venv")]
    assert wrong == []
    assert "Traceback" not in "".join(said.text for said in walked.said.values())


def test_a_new_account_lacks_quotas_and_the_commands_of_the_preflight_ask_for_them(walked: Newcomer) -> None:
    first = walked.found(".venv/bin/python -m preflight dev")
    assert first.code == 1
    lacking = re.findall(r"^  error +account: quota (\S+) ", first.text, re.MULTILINE)
    assert lacking, first.text
    assert len(named_commands(first)) >= len(lacking)
    again = walked.found("again: .venv/bin/python -m preflight dev")
    assert again.code == 0
    assert "error" not in again.text
    assert "warning" not in again.text


def test_the_model_answers_the_question_of_the_page(walked: Newcomer) -> None:
    answer = walked.found("curl").text
    assert json.loads(answer[answer.index("{") :])["choices"][0]["message"]["content"]


def test_what_was_typed_is_in_no_file_and_no_output(walked: Newcomer) -> None:
    assert TYPED not in "".join(said.text for said in walked.said.values())
    for folder in (walked.clone, walked.home):
        completed = subprocess.run(["grep", "-rlF", TYPED, str(folder)], capture_output=True, text=True, check=False)
        assert completed.stdout == ""


def test_what_left_names_is_removed_by_its_own_commands_and_then_nothing_is_left(
    walked: Newcomer, before: Inventory
) -> None:
    first = walked.found(".venv/bin/python -m preflight dev --left")
    assert bool(named_commands(first)) == bool(first.code), first
    last = walked.run(first.command, "last")
    assert last.code == 0, last
    before.assert_nothing_more(walked.platform)
