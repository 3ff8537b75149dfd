"""`python -m bench.foresight [memory] [throughput] [scaling] [tuning] [causes] [misjudged] [classes] [fitting]`.

The tables of docs/figures.md. Without names all but `tuning`, `causes`, `misjudged` and `fitting`. Memory and
throughput print what their tests hold, both parts.
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
PARTS = (*TESTS, "scaling", *ON_DEMAND)


def main(sections: list[str]) -> int:
    """Answers 0; 2 for a name that is none."""
    unknown = [name for name in sections if name not in PARTS]
    if unknown:
        print(f"no table {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    chosen = sections or [name for name in PARTS if name not in ON_DEMAND]
    code = 0
    for name in chosen:
        if name in TESTS:
            command = [sys.executable, "-m", "pytest", "-q", "-s", "--no-header", TESTS[name]]
            code = max(code, subprocess.run(command, check=False).returncode)
        elif name == "fitting":
            fitting.main()
        elif name == "misjudged":
            misjudged.main()
        elif name == "causes":
            scaling.causes()
        else:
            scaling.main("scoring" if name == "scaling" else name)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
