"""`python -m bench.foresight [memory] [throughput] [scaling] [tuning] [causes] [misjudged] [classes] [fitting]`.

The tables of docs/figures.md. Without names all but `tuning`, `causes`, `misjudged` and `fitting`. Memory and
throughput print what their tests hold, both parts. `scaling=LETTERS`, `tuning=` and `causes=`: the workloads whose name
has these letters.
"""

from __future__ import annotations

import subprocess
import sys

from bench.foresight import fitting, misjudged, scaling

TESTS = {
    "memory": "tests/planning/test_memory_samples.py",
    "throughput": "tests/planning/test_throughput_samples.py",
    "classes": "tests/planning/architectures/test_classes.py",
}
ON_DEMAND = ("tuning", "causes", "misjudged", "fitting")
BY_WORKLOAD = ("scaling", "tuning", "causes")
PARTS = (*TESTS, "scaling", *ON_DEMAND)


def main(sections: list[str]) -> int:
    """Answers 0; 2 for a name that is none."""
    asked = [(name, letters) for name, _, letters in (section.partition("=") for section in sections)]
    unknown = [name for name, letters in asked if name not in PARTS or (letters and name not in BY_WORKLOAD)]
    if unknown:
        print(f"no table {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    code = 0
    for name, letters in asked or [(name, "") for name in PARTS if name not in ON_DEMAND]:
        if name in TESTS:
            command = [sys.executable, "-m", "pytest", "-q", "-s", "--no-header", TESTS[name]]
            code = max(code, subprocess.run(command, check=False).returncode)
        elif name == "fitting":
            fitting.main()
        elif name == "misjudged":
            misjudged.main()
        elif name == "causes":
            scaling.causes(only=letters)
        else:
            scaling.main("scoring" if name == "scaling" else name, letters)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
