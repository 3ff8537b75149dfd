"""`python -m tests.fuzz --count N --seed S`: stack files made by chance; exit code 1 where one hurts."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.mutations import stack_file
from tests.fuzz.target import is_sampled, target

SHOWN_SHARE = 0.02
TOLD_EVERY = 1_000


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 1: failures, written to --out with stack file and traceback."""
    asked = _arguments(argv)
    print(
        f"{asked.count} stack files from number {asked.start} on, seed {asked.seed}; once more with: "
        f"python -m tests.fuzz --count {asked.count} --seed {asked.seed} --start {asked.start}",
        flush=True,
    )
    verdicts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    began = time.monotonic()
    with target() as running:
        for index in range(asked.start, asked.start + asked.count):
            text = stack_file(asked.seed, index)
            ended = running.run(text, show=is_sampled(asked.seed, index, asked.shown))
            verdicts[ended.verdict] += 1
            if ended.failure is not None:
                kinds[_kept(asked.out, f"{asked.seed}-{index}", text, ended.failure)] += 1
            done = index - asked.start + 1
            if done % TOLD_EVERY == 0 or done == asked.count:
                rate = done / (time.monotonic() - began)
                told = ", ".join(f"{name} {number}" for name, number in sorted(verdicts.items()))
                print(f"{done} cases, {rate:.0f} per second: {told}", flush=True)
    for kind, number in kinds.most_common():
        print(f"{number} × {kind}")
    if kinds:
        print(f"stack files and tracebacks: {asked.out}; make the smallest of each kind a file of tests/fuzz/corpus")
    return 1 if kinds else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--shown", type=float, default=SHOWN_SHARE, help="share that goes on to program and formats")
    parser.add_argument("--out", type=Path, default=Path(".local-reports/fuzz"), help="folder for failures")
    return parser.parse_args(argv)


def _kept(folder: Path, name: str, text: str, failure: str) -> str:
    """Writes a failure down; its kind is the last line of the traceback and where it was raised."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    (folder / f"{name}.txt").write_text(failure, encoding="utf-8", errors="backslashreplace")
    where = [line.strip() for line in failure.splitlines() if line.strip().startswith("File ")]
    return f"{failure.strip().splitlines()[-1][:200]} ({where[-1] if where else 'nowhere'})"


if __name__ == "__main__":
    sys.exit(main())
