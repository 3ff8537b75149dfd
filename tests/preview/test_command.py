"""`python -m preview`: what it says and with which exit code, without secrets, network or anything written."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from preview.__main__ import main
from preview.schema import SCHEMA_FILE, schema
from tests.conftest import REPO
from tests.preview.checkout import sections, write

TODAY = date(2026, 12, 1)
PREFIX = "vllm-on-eks"
CANARY = "hf_canaryCANARYcanaryCANARY0123"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with our program and a stack file `try` that a test changes."""
    for name in ("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml"):
        (tmp_path / name).write_text((REPO / name).read_text())
    return tmp_path


def report(root: Path, stack: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    out = root / "report.json"
    code = main([stack, "--format", "json", "--out", str(out), *arguments], root=root, today=TODAY)
    return code, json.loads(out.read_text())


@pytest.fixture(scope="module")
def prod() -> dict[str, Any]:
    import io
    from contextlib import redirect_stdout

    with redirect_stdout(io.StringIO()) as output:
        assert main(["prod", "--format", "json"], today=TODAY) == 0
    document: dict[str, Any] = json.loads(output.getvalue())
    return document


def test_the_committed_schema_is_current_and_a_report_follows_it(prod: dict[str, Any]) -> None:
    assert json.loads((REPO / SCHEMA_FILE).read_text()) == schema(), "run: make document"
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(prod)


def test_one_line_says_models_gpus_and_cost(prod: dict[str, Any]) -> None:
    assert prod["headline"].startswith("prod: 2 models (qwen, llama) on 2–4 × L4, 4–8 × A10G, $")
    cost = prod["cost"]
    assert 0 < cost["usd_per_hour_min"] <= cost["usd_per_hour_max"]
    assert cost["usd_per_month_min"] == pytest.approx(730 * cost["usd_per_hour_min"], abs=0.01)


def test_the_report_has_what_a_reviewer_asks_for(prod: dict[str, Any]) -> None:
    assert [model["name"] for model in prod["models"]] == ["qwen", "llama"]
    assert all(model["fit"]["fits"] for model in prod["models"])
    for model in prod["models"]:
        cold = model["cold_start_seconds"]
        assert cold["high"] == pytest.approx(sum(term["high_seconds"] for term in cold["terms"]), abs=0.1)
        new_node = cold["on_new_node"]
        node_seconds = sum(term["high_seconds"] for term in new_node["terms"])
        assert new_node["high"] == pytest.approx(cold["high"] + node_seconds, abs=0.1)
    assert {chart["chart"] for chart in prod["charts"]} == {
        "cluster-autoscaler",
        "gpu-operator",
        "kube-prometheus-stack",
        "prometheus-adapter",
    }
    assert any(image.startswith("vllm/vllm-openai:v") for image in prod["images"])
    gpus = next(quota for quota in prod["quotas"] if quota["code"] == "L-DB2E81BA")
    assert gpus["needed"] == 4 * 16 + 2 * 48, "vCPU of the largest type that each group may be given"
    a10g = next(pool for pool in prod["nodes"] if pool["pool"] == "a10g")
    assert (a10g["at_fewest"]["nodes"], a10g["at_most"]["nodes"]) == (1, 2)


def test_secrets_that_nobody_set_are_told_with_the_command_and_stood_in_for(prod: dict[str, Any]) -> None:
    findings = [finding for finding in prod["findings"] if finding["rule"] == "secret-missing"]
    assert {each["severity"] for each in findings} == {"info"}
    assert "pulumi config set --secret vllm-on-eks:hfToken --stack prod" in findings[1]["fix"]
    tokens = [resource for resource in prod["resources"] if resource["type"] == "kubernetes:core/v1:Secret"]
    assert len(tokens) == 2
    assert all(token["inputs"]["stringData"] == "[secret]" for token in tokens)


def test_fail_on_warning_ends_with_one(root: Path) -> None:
    code, document = report(root, "dev", "--fail-on", "warning")
    assert code == 1
    assert {finding["severity"] for finding in document["findings"]} >= {"warning"}


def test_encrypted_secrets_need_no_passphrase(root: Path) -> None:
    config = sections(root, "dev")
    write(root, "dev", {**config, f"{PREFIX}:grafanaPassword": {"secure": "v1:abc:def"}})
    code, document = report(root, "dev")
    assert code == 0
    assert [finding for finding in document["findings"] if finding["rule"] == "secret-missing"] == []


def test_a_left_over_secret_is_a_warning_with_the_command_that_removes_it(root: Path) -> None:
    config = sections(root, "dev")
    write(root, "dev", {**config, f"{PREFIX}:oldToken": {"secure": "v1:abc:def"}})
    code, document = report(root, "dev")
    assert code == 0
    (told,) = [finding for finding in document["findings"] if finding["rule"] == "unused-secret"]
    assert (told["severity"], told["path"]) == ("warning", f"{PREFIX}:oldToken")
    assert told["fix"] == f"run: pulumi config rm {PREFIX}:oldToken --stack dev"


def test_mistakes_end_with_two_and_all_are_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = sections(root, "dev")
    config[f"{PREFIX}:nodePools"][0] |= {"maxNode": 2, "instanceTypes": ["g6.2xlarg"]}
    write(root, "dev", config)
    code, document = report(root, "dev")
    assert code == 2
    paths = {finding["path"] for finding in document["findings"]}
    assert {"nodePools[0].maxNode", "nodePools[0].instanceTypes[0]"} <= paths
    assert document["resources"] == []
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert "did you mean maxNodes?" in capsys.readouterr().err


def test_a_mistake_is_told_before_any_sdk_is_imported(root: Path) -> None:
    (root / "Pulumi.dev.yaml").write_text("config:\n  vllm-on-eks:modles: []\n")
    code = (
        "import sys; from pathlib import Path; from preview.__main__ import main\n"
        f"code = main(['dev'], root=Path({str(root)!r}))\n"
        "print(code, sorted({'pulumi', 'pulumi_aws', 'rich', 'jinja2', 'grpc'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["2", "[]\n"]
    assert "did you mean models?" in done.stderr


def test_a_credential_in_the_open_is_an_error_and_is_in_no_format(root: Path) -> None:
    config = sections(root, "dev")
    config[f"{PREFIX}:models"][0]["servedName"] = CANARY
    write(root, "dev", config)
    for name in ("json", "markdown", "html", "text"):
        out = root / f"report.{name}"
        assert main(["dev", "--format", name, "--out", str(out)], root=root, today=TODAY) in (1, 2)
        text = out.read_text()
        assert "canary" not in text.lower(), name
        assert "holds what looks like a Hugging Face token" in text


def test_a_plain_secret_is_refused_and_not_repeated(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, "dev", {**sections(root, "dev"), f"{PREFIX}:grafanaPassword": "canary-password"})
    code, document = report(root, "dev")
    assert code == 2
    assert "plain text" in str(document["findings"])
    assert "canary" not in json.dumps(document) + capsys.readouterr().err


def waived(root: Path, expires: str) -> tuple[int, dict[str, Any]]:
    waiver = {"rule": "tags", "reason": "tagged by the account's default tags", "expires": expires}
    write(root, "dev", {**sections(root, "dev"), f"{PREFIX}:waivers": [waiver]})
    return report(root, "dev")


def test_a_waiver_holds_until_its_day_and_is_an_error_after_it(root: Path) -> None:
    code, document = waived(root, "2026-12-01")
    assert (code, [finding for finding in document["findings"] if finding["rule"] == "waiver"]) == (0, [])
    code, document = waived(root, "2026-11-30")
    findings = [finding for finding in document["findings"] if finding["rule"] == "waiver"]
    assert code == 1
    assert findings[0]["path"] == "waivers[0].expires"
    assert "expired on 2026-11-30" in findings[0]["message"]


def test_an_existing_cluster_is_previewed_without_asking_aws(root: Path) -> None:
    config = sections(root, "dev") | {
        f"{PREFIX}:cluster": {"kind": "existing", "name": "main"},
        f"{PREFIX}:network": {
            "kind": "existing",
            "vpcId": "vpc-0123",
            "privateSubnetIds": ["subnet-0aaa", "subnet-0bbb"],
        },
    }
    write(root, "dev", config)
    code, document = report(root, "dev")
    assert code == 0
    assert not [resource for resource in document["resources"] if resource["type"] == "aws:eks/cluster:Cluster"]
    group = next(resource for resource in document["resources"] if resource["type"] == "aws:eks/nodeGroup:NodeGroup")
    assert "[unknown]" in json.dumps(group["inputs"])


def test_a_stack_without_a_file_and_an_out_without_a_folder_are_wrong_input(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prd"], root=root) == 2
    assert "stacks: dev" in capsys.readouterr().err
    assert main(["dev", "--out", str(root / "no" / "where")], root=root) == 2
    assert "no such folder" in capsys.readouterr().err


def test_the_images_of_a_stack_are_listed_with_what_copies_them(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "--images", "--mirror", "registry.example.com/m"], root=root, today=TODAY) == 0
    text = capsys.readouterr().out
    assert "crane copy docker.io/vllm/vllm-openai:v0.33.0 registry.example.com/m/vllm/vllm-openai:v0.33.0" in text
    assert "hf download Qwen/Qwen2.5-7B-Instruct --revision a09a35458c702b33eeacc393d103063234e8bc28" in text
    assert "amazon-k8s-cni-init  (add-on vpc-cni)" in text
    assert main(["dev", "--images", "--format", "json"], root=root, today=TODAY) == 0
    assert json.loads(capsys.readouterr().out)["mirror"] is None
