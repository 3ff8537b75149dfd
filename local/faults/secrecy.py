"""D5: canaries in place of the secrets, looked for in everything that the platform and Pulumi leave behind."""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psutil

from local.faults.ground import Ground
from local.faults.holds import must
from local.faults.scenario import Scenario

TOKEN_KEY = "vllm-on-eks:hfToken"
TOKEN_SECRET = ("models", "qwen-hf-token")


class Arguments:
    """Looks at the arguments of every process of this machine, several times a second, while it is open."""

    def __init__(self, canary: str) -> None:
        self.found: set[str] = set()
        self.looks = 0
        self._canary, self._ended = canary, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Arguments:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            self.looks += 1
            for process in psutil.process_iter():
                try:
                    if any(self._canary in part for part in process.cmdline()):
                        self.found.add(f"arguments of {process.name()}")
                except psutil.Error:
                    continue


def files_with(folder: Path, canary: str) -> Iterator[str]:
    """Files that hold the canary, plain or in base64; not etcd's, where a Secret is as readable as in any cluster."""
    forms = (canary.encode(), base64.b64encode(canary.encode()).rstrip(b"=")[:-2])
    for path in sorted(folder.rglob("*")):
        if "etcd" in path.relative_to(folder).parts[:1] or path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        if any(form in content for form in forms):
            yield str(path.relative_to(folder))


def helm_values_with(ground: Ground, canary: str) -> Iterator[str]:
    """Helm's records in the cluster whose chart values or manifests hold the canary."""
    core = ground.api("CoreV1Api")
    secrets = core.list_secret_for_all_namespaces(field_selector="type=helm.sh/release.v1").items
    must(bool(secrets), "no release is there: nothing was looked at")
    for secret in secrets:
        record = gzip.decompress(base64.b64decode(base64.b64decode(secret.data["release"])))
        if canary.encode() in record:
            yield f"Helm record {secret.metadata.name}"


def canaries(ground: Ground, random: Random) -> str:
    """A made-up Hugging Face token, through update, refresh, preview, export, a kill and a destroy."""
    canary = f"hf_canary{random.getrandbits(96):024x}"
    ground.to("one")
    with Arguments(canary) as arguments:
        ground.stack.set_secret(TOKEN_KEY, canary)
        ground.state = None
        killed = ground.begin("up")
        killed.wait_for_step("kubernetes:")
        killed.kill()
        ground.go_on_to("one")
        secret = ground.api("CoreV1Api").read_namespaced_secret(TOKEN_SECRET[1], TOKEN_SECRET[0])
        there = {base64.b64decode(value).decode() for value in secret.data.values()}
        must(there == {canary}, "the canary never reached its Secret: nothing was looked for")
        asked = (
            ("preview", "--diff", "--json"),
            ("stack", "export"),
            ("stack", "output", "--json"),
            ("refresh", "--yes"),
        )
        said = [ground.pulumi(*name)[1] for name in asked]
        with ground.command("status") as status:
            said.append(status.communicate(timeout=60)[0])
    leaks = [*arguments.found, *files_with(ground.paths.state, canary), *files_with(ground.logs, canary)]
    leaks += helm_values_with(ground, canary)
    leaks += [f"output {number}" for number, text in enumerate(said) if canary in text]
    must(not leaks, f"the canary is readable in {leaks}")
    must(arguments.looks > 20, f"processes were looked at only {arguments.looks} times")
    files = sum(1 for path in ground.paths.state.rglob("*") if path.is_file())
    return f"in none of {files} files, {len(said)} outputs, Helm's records, {arguments.looks} looks at all arguments"


SECRECY = (
    Scenario(
        "canaries", "a secret is in no state, log, report, output, Helm value or process argument", canaries, "D5"
    ),
)
