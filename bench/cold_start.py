"""Predicted cold starts of one 8B model on g6, stage by stage: `python -m bench.cold_start`.

The guides' path: the cluster-autoscaler buys the node, containerd pulls, each pod downloads from the Hub. The fast one:
Karpenter, parallel pull (fastStart), weights streamed from S3. Sums of the plan's own terms: predictions, nothing of it
was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planning.model import ColdStartTerm
from planning.plan import plan
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
    {"source": f"s3://weights/llama/{REVISION}", "copyOf": MODEL, "cache": {"kind": "stream"}},
)


def terms(path: Path, instance: str = "g6.2xlarge") -> tuple[ColdStartTerm, ...]:
    """Every stage from a pod that fits nowhere to Ready, s."""
    sections = {
        "cluster": {"endpointAccess": "publicAndPrivate", "publicAccessCidrs": ["54.0.0.10/32"]},
        "nodePools": [{"name": "l4", "instanceTypes": [instance], **path.pool}],
        "models": [{"name": "llama", "autoscaling": {"minReplicas": 1, "maxReplicas": 2}, **path.model}],
    }
    model = plan(StackSettings.model_validate(sections), "dev").models[0]
    return (*model.node_start, *model.cold_start)


def main() -> None:
    """Prints a table of both."""
    paths = (GUIDES, FAST)
    terms_by_stack = {path.name: {term.name: term for term in terms(path)} for path in paths}
    names = list(dict.fromkeys(name for stages in terms_by_stack.values() for name in stages))
    print("| stage, s | guides | fast |\n|---|--:|--:|")
    for name in names:
        cells = [_cell(terms_by_stack[path.name].get(name)) for path in paths]
        print(f"| {name} | {' | '.join(cells)} |")
    sums = [
        (sum(term.low_seconds for term in stages.values()), sum(term.high_seconds for term in stages.values()))
        for stages in terms_by_stack.values()
    ]
    print(f"| sum | {' | '.join(f'{low:.0f}–{high:.0f}' for low, high in sums)} |")
    print(f"fast / guides: {sums[1][0] / sums[0][0]:.2f} at best, {sums[1][1] / sums[0][1]:.2f} at worst")


def _cell(term: ColdStartTerm | None) -> str:
    return f"{term.low_seconds:.0f}–{term.high_seconds:.0f}" if term else "–"


if __name__ == "__main__":
    main()
