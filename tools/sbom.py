"""Software bills of materials (CycloneDX 1.6, JSON) on standard output: `python -m tools.sbom [--stack dev]`.

Without `--stack`: Python packages of the locks and the Go modules that tools/*/go.mod require. Licences are those of
the installed packages' metadata; of Go modules none is named, since go.mod holds none.
With `--stack`: charts and images.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from advisor.stack_files import planned_without_mirror, settings_of
from planning.versions.images import stack_charts, stack_images

REPO = Path(__file__).resolve().parent.parent
LOCKS = (
    "requirements-dev.lock",
    "requirements-scan.lock",
    "requirements-go.lock",
    "requirements-envoy.lock",
    "local/vllm_cpu/pins.lock",
)

NOT_INSTALLED = "not installed on this system"
LICENCES_HEAD = """# Licences

Python packages of `requirements-dev.lock`, with the licence that each one's own metadata names. Written by
`python -m tools.sbom --licences`, a test keeps it current. Only the packages of `requirements.txt` and what they need
are there when `pulumi up` runs; nothing of them is in this repository.

Go modules (`tools/*/go.mod`) and charts come with their own licence files: `go.mod` and chart indexes name none.
The real programs of the platform are Apache-2.0 (Kubernetes, etcd, KWOK, Prometheus, Alertmanager, Pulumi and its
Kubernetes provider, prometheus-adapter, KEDA). What is kept of others' files as test data has its licence beside it
(`tests/reference/README.md`).

| Package | Version | Licence |
| --- | --- | --- |"""


def licence_of(package: str, version: str | None = None) -> str | None:
    """What the installed package says, None where it is not installed (at that version): an SPDX expression, else
    its licence field in one line, else its classifiers."""
    try:
        said = metadata(package)
    except PackageNotFoundError:
        return None
    if version not in (None, said["Version"].removeprefix("v")):
        return None
    fields = (said.get("License-Expression"), said.get("License"))
    named = next((text for text in fields if text and "\n" not in text and len(text) < 100), None)
    kinds = [text.rpartition(":: ")[2] for text in said.get_all("Classifier") or [] if text.startswith("License ::")]
    return named or ", ".join(kinds) or None


def python_components() -> Iterator[Component]:
    for lock in LOCKS:
        for name, version in re.findall(
            r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", (REPO / lock).read_text(), re.MULTILINE
        ):
            licence = licence_of(name, version)
            yield Component(
                name=name, version=version, purl=PackageURL("pypi", None, name.lower().replace("_", "-"), version),
                licenses=[DisjunctiveLicense(name=licence)] if licence else (),
            )  # fmt: skip


def go_components() -> Iterator[Component]:
    for file in sorted((REPO / "tools").glob("*/go.mod")):
        required = re.sub(r"^replace \(.*?^\)", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
        for module, version in re.findall(r"^(?:require)?\s+(\S+\.\S+/\S+) (v\S+)$", required, re.MULTILINE):
            space, _, name = module.rpartition("/")
            yield Component(name=module, version=version, purl=PackageURL("golang", space, name, version))


def stack_components(stack: str) -> Iterator[Component]:
    """Raises LookupError or ValueError on a stack that is not there or cannot be planned."""
    plan = planned_without_mirror(settings_of(stack), stack)
    for chart in stack_charts(plan):
        where = {"repository_url": chart.repository}
        purl = PackageURL("helm", None, chart.chart, chart.version, where)
        yield Component(type=ComponentType.APPLICATION, name=chart.chart, version=chart.version, purl=purl)
    for use in stack_images(plan):
        name, _, digest = use.image.partition("@")
        repository, _, tag = name.rpartition(":")
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest.removeprefix("sha256:"))] if digest else []
        purl = PackageURL("docker", None, repository, tag)
        yield Component(
            type=ComponentType.CONTAINER,
            name=repository,
            version=tag,
            purl=purl,
            hashes=hashes,
            description=use.used_by,
        )


def bill(stack: str | None) -> str:
    """CycloneDX 1.6 as JSON; each package and version once."""
    components = stack_components(stack) if stack else (*python_components(), *go_components())
    once = {str(component.purl): component for component in components}
    about = Component(type=ComponentType.APPLICATION, name=f"vllm-on-eks{f' stack {stack}' if stack else ''}")
    bom = Bom(components=[once[purl] for purl in sorted(once)])
    bom.metadata.component = about
    bom.register_dependency(about, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def licences() -> str:
    """docs/licences.md: what `make setup` installs, by name, with the licence that its metadata names."""
    pinned = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", (REPO / LOCKS[0]).read_text(), re.MULTILINE)
    rows = [f"| {name} | {version} | {licence_of(name, version) or NOT_INSTALLED} |" for name, version in pinned]
    return "\n".join((LICENCES_HEAD, *rows, ""))


def main(arguments: list[str]) -> int:
    """Prints the bill, or the page of licences."""
    parser = argparse.ArgumentParser(prog="python -m tools.sbom", description=__doc__.splitlines()[0])
    parser.add_argument("--stack", help="dev for Pulumi.dev.yaml: what it installs")
    parser.add_argument("--licences", action="store_true", help="docs/licences.md instead")
    parsed = parser.parse_args(arguments)
    try:
        print(licences() if parsed.licences else bill(parsed.stack), end="" if parsed.licences else "\n")
    except (LookupError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
