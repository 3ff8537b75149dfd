"""Predicted cold starts of one 8B model on g6, stage by stage: `python -m bench.cold_start`.

The guides' path: the cluster-autoscaler buys the node, containerd pulls, each pod downloads from the Hub. The fast one:
Karpenter, parallel pull (fastStart), weights streamed from S3, what torch.compile made kept on EFS; and the same on a
spare node (nodePools[].spareNodes), which has pulled the image. Sums of the plan's own terms: predictions, nothing of
it was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planning.model import ColdStartTerm
from planning.plan import plan
from planning.serving.cold_start import on_spare_node
from settings.stack import StackSettings

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
REVISION = "0e9e39f249a16976918f6564b8830bc894c89659"
AMI = "1.35.4-20260505"


@dataclass(frozen=True)
class Path:
    """A way to a first answer: its pool's and its model's settings."""

    name: str
    pool: dict[str, Any]
    model: dict[str, Any]


GUIDES = Path(
    "guides",
    {"instanceStore": "unused", "minNodes": 1, "maxNodes": 2},
    {"source": MODEL, "revision": REVISION, "tokenSecret": {"kind": "pulumiConfig"}},
)
FAST = Path(
    "fast",
    {"kind": "karpenter", "amiReleaseVersion": AMI, "fastStart": True},
    {
        "source": f"s3://weights/llama/{REVISION}",
        "copyOf": MODEL,
        "cache": {"kind": "stream"},
        "compileCache": "efs",
    },
)
SPARE = Path("fast, spare node", {**FAST.pool, "spareNodes": 1}, FAST.model)
PATHS = (GUIDES, FAST, SPARE)


def terms(path: Path, instance: str = "g6.2xlarge") -> tuple[ColdStartTerm, ...]:
    """Every stage from a pod that fits nowhere to Ready, s."""
    sections = {
        "cluster": {"endpointAccess": "publicAndPrivate", "publicAccessCidrs": ["54.0.0.10/32"]},
        "nodePools": [{"name": "l4", "instanceTypes": [instance], **path.pool}],
        "models": [{"name": "llama", "autoscaling": {"minReplicas": 1, "maxReplicas": 2}, **path.model}],
    }
    planned = plan(StackSettings.model_validate(sections), "dev")
    model = planned.models[0]
    if planned.gpu_pools[0].spare_nodes:
        return on_spare_node(model.cold_start)
    return (*model.node_start, *model.cold_start)


def sums(path: Path) -> tuple[float, float]:
    """At best and at worst, s."""
    stages = terms(path)
    return sum(term.low_seconds for term in stages), sum(term.high_seconds for term in stages)


def main() -> None:
    """Prints a table of all."""
    by_path = {path.name: {term.name: term for term in terms(path)} for path in PATHS}
    names = list(dict.fromkeys(name for stages in by_path.values() for name in stages))
    print(f"| stage, s | {' | '.join(by_path)} |\n|---|{'--:|' * len(PATHS)}")
    for name in names:
        print(f"| {name} | {' | '.join(_cell(by_path[path.name].get(name)) for path in PATHS)} |")
    print(f"| sum | {' | '.join(f'{low:.0f}–{high:.0f}' for low, high in map(sums, PATHS))} |")
    low, high = sums(GUIDES)
    for path in PATHS[1:]:
        best, worst = sums(path)
        print(f"{path.name} / guides: {best / low:.2f} at best, {worst / high:.2f} at worst")


def _cell(term: ColdStartTerm | None) -> str:
    return f"{term.low_seconds:.0f}–{term.high_seconds:.0f}" if term else "–"


if __name__ == "__main__":
    main()
