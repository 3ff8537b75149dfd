"""Makes planning/facts/vllm.csv: which flags, metrics and quantization methods each vLLM version has.

Reads unpacked vLLM source trees, never the network. Get one with pip, whose build step fails without torch after it
has unpacked the source, which is all we need:

    TMPDIR=/tmp/vllm pip download --no-clean --no-deps --no-build-isolation --no-binary :all: vllm==0.33.0

then `python tools/vllm_facts.py 0.32.0=/path/to/tree 0.33.0=/path/to/tree > planning/facts/vllm.csv`. Versions must be
given without gaps: `first` and `last` are the first and last of those read that have the name.
"""

from __future__ import annotations

import ast
import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

Fact = tuple[str, str]

FLAG_FILES = ("vllm/engine/arg_utils.py", "vllm/entrypoints/cli/serve.py", "vllm/entrypoints/**/cli_args.py")
# Connectors and other plug-ins have metrics of their own, which a plain server never shows.
METRIC_FILES = ("vllm/v1/metrics/loggers.py", "vllm/v1/spec_decode/metrics.py")
NAMED_CHOICES = {
    "QuantizationMethods": ("vllm/model_executor/layers/quantization/__init__.py", "quantization"),
    "CacheDType": ("vllm/config/cache.py", "kv-cache-dtype"),
}
DOCKERFILE = "docker/Dockerfile"


def _strings(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value


def _flags(tree: ast.Module) -> Iterator[Fact]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            names = [a.value for a in node.args if isinstance(a, ast.Constant) and str(a.value).startswith("-")]
            long = next((str(name) for name in names if str(name).startswith("--")), None)
            for name in names:
                yield ("flag" if name == long or long is None else f"alias of {long}", str(name))
        # FrontendArgs' fields become flags in a loop over the dataclass.
        if isinstance(node, ast.ClassDef) and node.name.endswith("FrontendArgs"):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield ("flag", "--" + field.target.id.replace("_", "-"))


def _metrics(tree: ast.Module) -> Iterator[Fact]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        kind = next((k for k in ("gauge", "counter", "histogram") if k in ast.unparse(node.func)), "metric")
        for keyword in node.keywords:
            text = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg == "name" and isinstance(text, str) and text.startswith("vllm:"):
                yield (kind, text)


def _choices(tree: ast.Module, name: str, kind: str) -> Iterator[Fact]:
    for node in tree.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if any(getattr(target, "id", "") == name for target in targets) and getattr(node, "value", None):
            for text in _strings(node.value):  # type: ignore[attr-defined]
                yield (kind, text)


def _image(dockerfile: str) -> Iterator[Fact]:
    """CUDA version and compute capabilities of the official image."""
    for version in re.findall(r"^ARG CUDA_VERSION=(\S+)", dockerfile, re.M)[:1]:
        yield ("cuda", version)
    for listed in re.findall(r"^ARG torch_cuda_arch_list='([^']+)'", dockerfile, re.M)[-1:]:
        for capability in listed.split():
            yield ("compute-capability", capability.removesuffix("+PTX"))


def facts(root: Path) -> set[Fact]:
    """Every (kind, name) a source tree defines."""
    facts: set[Fact] = set()
    for pattern in FLAG_FILES:
        for path in root.glob(pattern):
            facts |= set(_flags(ast.parse(path.read_text(encoding="utf-8"))))
    for pattern in METRIC_FILES:
        for path in root.glob(pattern):
            facts |= set(_metrics(ast.parse(path.read_text(encoding="utf-8"))))
    for name, (pattern, kind) in NAMED_CHOICES.items():
        for path in root.glob(pattern):
            facts |= set(_choices(ast.parse(path.read_text(encoding="utf-8")), name, kind))
    if (root / DOCKERFILE).exists():
        facts |= set(_image((root / DOCKERFILE).read_text(encoding="utf-8")))
    if not any(kind == "flag" for kind, _ in facts):
        raise SystemExit(f"{root}: no vLLM source tree")
    return facts


def main(arguments: list[str]) -> None:
    """Prints the table for `version=folder` arguments, oldest first."""
    by_version = {version: facts(Path(folder)) for version, folder in (a.split("=", 1) for a in arguments)}
    versions = list(by_version)
    print("# Made by tools/vllm_facts.py; do not edit. First and last of the releases read that have the name.")
    print(f"# Read: source distributions of vLLM on PyPI, {versions[0]} to {versions[-1]}, first of each minor.")
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    write(("kind", "name", "first", "last"))
    for kind, name in sorted(set().union(*by_version.values())):
        having = [version for version in versions if (kind, name) in by_version[version]]
        write((kind, name, having[0], having[-1]))


if __name__ == "__main__":
    main(sys.argv[1:])
