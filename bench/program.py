"""What is measured, each as a process of its own:

python -m bench.program evaluate STACK     the real __main__.py under mocks
python -m bench.program bare STACK         the same registrations, inputs ready-made, nothing else
python -m bench.program models N           the program with N models
python -m bench.program plan N             settings and plan alone, N models
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from planning.decide import decide
from settings.read import read
from tests.engine import Engine, Registration, record
from tests.program import needed_canaries, run_program, sections_of

RECORDED = Path(tempfile.gettempdir()) / "vllm-on-eks-bench-registrations.json"


def evaluate(stack: str) -> Engine:
    """Runs the program for a stack file of ours."""
    return run_program(sections_of(stack), stack, secrets=needed_canaries(stack))


def many_models(count: int) -> dict[str, Any]:
    """Sections of a stack with that many models in one pool."""
    sections = sections_of("local")
    model = {**sections["models"][0], "autoscaling": {"minReplicas": 1, "maxReplicas": 1}}
    pool = {**sections["nodePools"][0], "minNodes": min(count, 450), "maxNodes": 450}
    models = [{**model, "name": f"m{index}", "namespace": f"team-{index % 10}"} for index in range(count)]
    return {**sections, "nodePools": [pool], "models": models}


def bare(stack: str) -> None:
    """Registers what the program registered, with the same engine, types, parents and plain inputs."""
    import pulumi

    wanted = json.loads((RECORDED.with_suffix(f".{stack}.json")).read_text(encoding="utf-8"))

    def build() -> None:
        made: dict[str, pulumi.Resource] = {}
        for one in wanted:
            options = pulumi.ResourceOptions(parent=made.get(one["parent"]))
            make = pulumi.CustomResource if one["custom"] else pulumi.ComponentResource
            made[one["urn"]] = make(one["type"], one["name"], one["inputs"], opts=options)

    record(build, stack=stack)


def keep(stack: str) -> None:
    """Records once what `bare` registers, parents before children."""
    registrations = sorted(evaluate(stack).registrations, key=lambda r: r.urn.count("$"))
    RECORDED.with_suffix(f".{stack}.json").write_text(json.dumps([_kept(r) for r in registrations], default=str))


def _kept(registration: Registration) -> dict[str, Any]:
    return {
        "type": registration.type,
        "name": registration.name,
        "urn": registration.urn,
        "parent": registration.parent,
        "custom": registration.custom and not registration.type.startswith("pulumi:providers:"),
        "inputs": registration.plain_inputs if registration.custom else {},
    }


def main(verb: str, argument: str) -> None:
    """One measurement."""
    if verb == "evaluate":
        evaluate(argument)
    elif verb == "bare":
        bare(argument)
    elif verb == "keep":
        keep(argument)
    elif verb == "models":
        run_program(many_models(int(argument)), secrets={"grafanaPassword": "bench"})
    elif verb == "plan":
        decide(read(many_models(int(argument)), "bench"))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
