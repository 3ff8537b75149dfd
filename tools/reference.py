"""Writes tests/reference: what the tests compare us with, condensed to data.

    python -m tools.reference charts FOLDER     FOLDER/<chart>/{Chart,values}.yaml, as `helm pull --untar` leaves them
    python -m tools.reference crds FILE...      CustomResourceDefinitions as YAML, from a release of their project

Charts become their default values (with those of sub-charts below the sub-chart's name) and the schemas they bring;
definitions become their schemas. Comments and descriptions are dropped: what is kept are keys, types and defaults.
Of large definitions some parts are left out (LEFT_OUT): a field in them is refused like one that does not exist.
Where each file comes from, and its licence: tests/reference/README.md, to be changed with the files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

# What is not written here: by definition, the properties of an object at a path.
_FRAMEWORKS = ("huggingface", "lightgbm", "model", "onnx", "paddle", "pmml", "pytorch", "sklearn", "tensorflow")
LEFT_OUT = {
    "serving.kserve.io/v1beta1/InferenceService": {
        (): ("status",),
        ("spec",): ("canary", "explainer", "transformer"),
        ("spec", "predictor"): (*_FRAMEWORKS, "triton", "xgboost", "workerSpec"),
    },
    "gateway.envoyproxy.io/v1alpha1/EnvoyProxy": {
        (): ("status",),
        ("spec",): ("telemetry", "geoIP", "dynamicModules"),
        ("spec", "provider", "kubernetes"): ("envoyDaemonSet", "envoyHpa"),
    },
    "argoproj.io/v1alpha1/Application": {
        (): ("operation", "status"),
        ("spec",): ("sourceHydrator", "sources"),
    },
    "argoproj.io/v1alpha1/Rollout": {
        (): ("status",),
        ("spec", "strategy"): ("blueGreen",),
        ("spec", "strategy", "canary"): ("trafficRouting",),
        ("spec", "template", "spec"): ("ephemeralContainers",),
    },
    "gateway.envoyproxy.io/v1alpha1/EnvoyExtensionPolicy": {("spec",): ("extProc", "wasm")},
    "leaderworkerset.x-k8s.io/v1/LeaderWorkerSet": {
        (): ("status",),
        ("spec", "leaderWorkerTemplate"): ("subGroupPolicy",),
        ("spec", "leaderWorkerTemplate", "leaderTemplate", "spec"): ("ephemeralContainers",),
        ("spec", "leaderWorkerTemplate", "workerTemplate", "spec"): ("ephemeralContainers",),
    },
    "ray.io/v1/RayService": {
        (): ("status",),
        ("spec",): ("serveService",),
        ("spec", "rayClusterConfig"): ("historyServerOptions", "networkPolicy"),
        ("spec", "rayClusterConfig", "headGroupSpec"): ("headService", "ingressOptions"),
        ("spec", "rayClusterConfig", "headGroupSpec", "template", "spec"): ("ephemeralContainers", "initContainers"),
    },
}

REFERENCE = Path(__file__).parent.parent / "tests" / "reference"


def without_descriptions(schema: Any) -> Any:
    """A JSON schema without its prose; a property that is called `description` stays."""
    if isinstance(schema, list):
        return [without_descriptions(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: without_descriptions(value)
        for key, value in schema.items()
        if not (key == "description" and isinstance(value, str))
    }


def condensed_chart(folder: Path) -> dict[str, Any]:
    """Default values and schemas of a chart; `subCharts` holds the same of the charts inside it."""
    sub_charts = sorted(path.parent for path in folder.glob("charts/*/values.yaml"))
    sub_charts += sorted(path.parent for path in folder.glob("*/values.yaml"))
    condensed: dict[str, Any] = {"values": yaml.safe_load((folder / "values.yaml").read_text(encoding="utf-8")) or {}}
    schema = folder / "values.schema.json"
    if schema.exists():
        condensed["schema"] = without_descriptions(json.loads(schema.read_text(encoding="utf-8")))
    if sub_charts:
        condensed["subCharts"] = {path.name: condensed_chart(path) for path in sub_charts}
    return condensed


def condensed_definitions(file: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    """`group/version/Kind` -> openAPI schema of every version in a file of definitions."""
    for definition in yaml.load_all(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
        if not definition:
            continue
        spec = definition["spec"]
        for version in spec["versions"]:
            schema = without_descriptions(version["schema"]["openAPIV3Schema"])
            key = f"{spec['group']}/{version['name']}/{spec['names']['kind']}"
            yield key, _cut(schema, LEFT_OUT.get(key, {}))


def _cut(schema: dict[str, Any], parts: Mapping[tuple[str, ...], tuple[str, ...]]) -> dict[str, Any]:
    for path, names in parts.items():
        part = schema
        for step in path:
            part = part["properties"][step]
        for name in names:
            del part["properties"][name]
    return schema


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, sort_keys=True, separators=(",", ":"), default=str) + "\n", encoding="utf-8")
    print(f"{path.relative_to(REFERENCE.parent.parent)}: {path.stat().st_size:,} bytes")


def main(arguments: list[str]) -> int:
    """Exit status: 0, or 2 when the arguments say nothing that can be condensed."""
    match arguments:
        case ["charts", folder]:
            for values in sorted(Path(folder).glob("*/values.yaml")):
                _write(REFERENCE / "charts" / f"{values.parent.name}.json", condensed_chart(values.parent))
        case ["crds", *files] if files:
            for file in files:
                for key, schema in condensed_definitions(Path(file)):
                    _write(REFERENCE / "crds" / f"{key}.json", schema)
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
