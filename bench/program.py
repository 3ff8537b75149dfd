"""What is measured, each as a process of its own:

python -m bench.program evaluate STACK     the real __main__.py under mocks
python -m bench.program bare STACK         the same registrations, inputs ready-made, nothing else
python -m bench.program models N           the program with N models
python -m bench.program plan N             settings and plan alone, N models
"""

from __future__ import annotations

import importlib
import json
import re
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
    """Sections of a stack with that many models, fifty to a pool and ten namespaces."""
    sections = sections_of("local")
    model = {**sections["models"][0], "autoscaling": {"minReplicas": 1, "maxReplicas": 1}}
    pool = {**sections["nodePools"][0], "minNodes": 50, "maxNodes": 100}
    pools = [{**pool, "name": f"pool{index}"} for index in range((count + 49) // 50)]
    models = [
        {**model, "name": f"m{index}", "namespace": f"team-{index % 10}", "pool": f"pool{index // 50}"}
        for index in range(count)
    ]
    return {**sections, "nodePools": pools, "models": models}


def bare(stack: str) -> None:
    """Registers what the program registered, through the same SDK classes, parents and inputs, and decides nothing."""
    import pulumi

    recorded = json.loads((RECORDED.with_suffix(f".{stack}.json")).read_text(encoding="utf-8"))

    def build() -> None:
        made: dict[str, pulumi.Resource] = {}
        for one in recorded:
            options = pulumi.ResourceOptions(parent=made.get(one["parent"]))
            if one["custom"]:
                made[one["urn"]] = _sdk_class(one["type"])(one["name"], **_keywords(one), opts=options)
            else:
                made[one["urn"]] = pulumi.ComponentResource(one["type"], one["name"], opts=options)

    record(build, stack=stack)


def _sdk_class(token: str) -> Any:
    """`aws:ec2/vpc:Vpc` is pulumi_aws.ec2.Vpc, `kubernetes:apps/v1:Deployment` pulumi_kubernetes.apps.v1.Deployment."""
    import pulumi_kubernetes

    package, module, name = token.split(":")
    if package == "pulumi":
        return importlib.import_module(f"pulumi_{name}").Provider
    if module.startswith("monitoring.coreos.com"):
        return pulumi_kubernetes.apiextensions.CustomResource
    folder = module.split("/")[0] if package == "aws" else _kubernetes_module(module)
    return getattr(importlib.import_module(f"pulumi_{package}.{folder}"), name)


def _kubernetes_module(module: str) -> str:
    group, version = module.split("/")
    return f"{group.removesuffix('.k8s.io').split('.')[0]}.{version}"


def _keywords(one: dict[str, Any]) -> dict[str, Any]:
    keywords = {re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower(): value for key, value in one["inputs"].items()}
    if one["type"].startswith("kubernetes:") and "monitoring.coreos.com" not in one["type"]:
        keywords = {key: value for key, value in keywords.items() if key not in ("api_version", "kind")}
    return keywords


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
        "custom": registration.custom,
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
