"""`python -m preview.scan STACK ...`: the Kubernetes objects of stacks through checkov and kube-score (`make scan`).

The objects come from the real program under the recorder. Every finding is shown with our explanation; one without
makes exit code 1, and so does a model with more findings than the goals allow or a namespace that is not `restricted`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from planning.prepare import Prepared, prepare
from policies.scanned import ScanFailed, ScanFinding, checkov_findings, explanations, kube_score_findings
from preview.scan_objects import ScannedStack, scanned_stack
from preview.scan_table import show
from settings.command_line import Parser
from settings.last_resort import guarded
from settings.printable import lines
from settings.stack_file import StackFileError

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES, ALL = "examples", "all"
FINE, FOUND, WRONG_INPUT = 0, 1, 2


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser("python -m preview.scan", description=__doc__)
    parser.add_argument(
        "stacks",
        nargs="+",
        metavar="STACK",
        help=f"name of a stack file, dev for Pulumi.dev.yaml, here or in {EXAMPLES}/; {ALL}: each of {EXAMPLES}/",
    )
    parser.add_argument("--checkov", default="checkov", metavar="PROGRAM")
    parser.add_argument("--kube-score", default="kube-score", metavar="PROGRAM")
    return parser.parse_args(argv)


@guarded("python -m preview.scan")
def main(argv: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Exit code: 0 fine, 1 unexplained findings or a goal missed, 2 wrong input or a scanner that did not scan."""
    asked = arguments(argv)
    for program in (asked.checkov, asked.kube_score):
        if shutil.which(program) is None:
            print(f"error: there is no {program}; `make scan` installs both scanners", file=sys.stderr)
            return WRONG_INPUT
    try:
        stacks = [_rendered(root, name) for name in stack_names(root, asked.stacks)]
        findings = _scanned(stacks, asked.checkov, asked.kube_score)
    except (StackFileError, ScanFailed) as failure:
        print(f"error: {lines(str(failure))}", file=sys.stderr)
        return WRONG_INPUT
    return FINE if show(stacks, findings, explanations()) else FOUND


def stack_names(root: Path, asked: Sequence[str]) -> list[str]:
    """Each once; `all` are the examples."""
    examples = sorted(file.name.split(".")[1] for file in (root / EXAMPLES).glob("Pulumi.*.yaml"))
    return list(dict.fromkeys(name for word in asked for name in (examples if word == ALL else [word])))


def prepared_stack(root: Path, stack: str) -> Prepared:
    """An example is read as its reader has it: beside Pulumi.yaml."""
    file = f"Pulumi.{stack}.yaml"
    if (root / file).exists() or not (root / EXAMPLES / file).exists():
        return prepare(root, stack)
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        for source in (root / "Pulumi.yaml", root / EXAMPLES / file):
            shutil.copy(source, folder)
        return prepare(Path(folder), stack)


def _rendered(root: Path, stack: str) -> ScannedStack:
    prepared = prepared_stack(root, stack)
    if prepared.plan is None:
        raise StackFileError(f"{stack} cannot work; `python -m preview {stack}` says why")
    from preview.recorder import ProgramFailed, record_program  # the SDKs take seconds

    file = prepared.file
    try:
        recording = record_program(root, file.project, stack, prepared.config, prepared.secret_keys)
    except ProgramFailed as failure:
        if failure.__cause__ is not None:
            raise  # unexpected: a bug
        raise StackFileError(f"{stack}: {failure}") from failure
    return scanned_stack(stack, prepared.plan, recording.resources)


def _scanned(stacks: Sequence[ScannedStack], checkov: str, kube_score: str) -> dict[str, list[ScanFinding]]:
    """Findings by stack: one run of checkov, which is slow to start; kube-score takes one Kubernetes version a run."""
    with tempfile.TemporaryDirectory(prefix="scan-") as folder:
        files = {stack.name: Path(folder) / f"{stack.name}.yaml" for stack in stacks}
        for stack in stacks:
            files[stack.name].write_text(yaml.safe_dump_all(stack.objects, sort_keys=False), encoding="utf-8")
        options = ["--framework", "kubernetes", "--output", "json", "--compact", "--quiet", "--skip-download"]
        report = _said([checkov, "--directory", folder, *options])
        findings = {}
        for stack in stacks:
            file = files[stack.name]
            options = ["--kubernetes-version", f"v{stack.kubernetes_version}", "--output-format", "json"]
            scored = kube_score_findings(_said([kube_score, "score", *options, str(file)]))
            findings[stack.name] = [stack.placed(each) for each in (*checkov_findings(report, file.name), *scored)]
    return findings


def _said(command: list[str]) -> str:
    """Standard output; a scanner's exit code says that it found something, its report says what."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        raise ScanFailed(f"{Path(command[0]).name} made no report: {done.stderr.strip()[-300:] or '(nothing)'}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
