"""What torch.compile made, kept on the file system: the program that brings and keeps it, and who may write it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.serving import compile_cache
from components.serving.manifests.compiled import PROGRAM, ROOT
from components.serving.manifests.deployment import deployment
from components.serving.manifests.environment import server_environment
from planning.model import CompiledPlan, StackPlan
from tests.components.plans import OPEN_MODEL, SIDECAR
from tests.components.serving.test_manifests import without_program
from tests.components.serving.test_warm_up import answering
from tests.golden import as_yaml, assert_matches
from tests.planning.stacks import errors, model, planned, pool, refusal
from tests.program import example, run_program

KEPT = replace(OPEN_MODEL, compiled=CompiledPlan("0.33.0-l4-0a1b2c3d4e5f", SIDECAR, SIDECAR))
POD = deployment(KEPT, "p")["spec"]["template"]["spec"]


def cache(folder: Path) -> Path:
    """What vLLM leaves: folders, a file, and what it needs no link for."""
    root = folder / "vllm"
    (root / "torch_compile_cache/0a1b2c3d4e/rank_0_0").mkdir(parents=True)
    (root / "torch_compile_cache/0a1b2c3d4e/rank_0_0/vllm_compile_cache.py").write_text("{}")
    return root


def test_what_one_pod_kept_the_next_one_has(tmp_path: Path) -> None:
    kept, root = tmp_path / "efs/key.tar", cache(tmp_path / "first")
    assert "is not there yet" in compile_cache.restore(kept, tmp_path / "second/vllm")
    assert "bytes kept" in compile_cache.keep(kept, root)
    assert "bytes unpacked" in compile_cache.restore(kept, tmp_path / "second/vllm")
    brought = tmp_path / "second/vllm/torch_compile_cache/0a1b2c3d4e/rank_0_0/vllm_compile_cache.py"
    assert brought.read_text() == "{}"
    assert [each.name for each in kept.parent.iterdir()] == ["key.tar"], "nothing half is left"


def test_what_is_kept_is_never_changed_and_nothing_is_kept_of_an_empty_folder(tmp_path: Path) -> None:
    kept, root = tmp_path / "key.tar", cache(tmp_path)
    compile_cache.keep(kept, root)
    before = kept.read_bytes()
    (root / "more").write_text("more")
    assert compile_cache.keep(kept, root) == f"{kept} is there"
    assert kept.read_bytes() == before
    assert "compiled nothing" in compile_cache.keep(tmp_path / "other.tar", tmp_path / "absent")
    assert not (tmp_path / "other.tar").exists()


@pytest.mark.parametrize("name", ["../outside", "/etc/outside"])
def test_an_archive_cannot_write_beside_its_folder(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "key.tar"
    (tmp_path / "file").write_text("x")
    with tarfile.open(kept, "w") as archive:
        archive.add(tmp_path / "file", arcname=name)
    compile_cache.main(json.dumps({"mode": "restore", "kept": str(kept), "root": str(tmp_path / "root")}))
    assert "the server goes on without it" in capsys.readouterr().out or name.startswith("/")
    assert not (tmp_path / "outside").exists()
    assert not Path("/etc/outside").exists()


def test_half_an_archive_is_a_line_of_the_log_and_no_failed_pod(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "key.tar"
    compile_cache.keep(kept, cache(tmp_path))
    kept.write_bytes(kept.read_bytes()[:700])
    compile_cache.main(json.dumps({"mode": "restore", "kept": str(kept), "root": str(tmp_path / "root")}))
    assert "the server goes on without it" in capsys.readouterr().out


def test_the_sidecar_keeps_once_the_server_answers_and_goes_when_it_is_told(tmp_path: Path) -> None:
    kept, root = tmp_path / "key.tar", cache(tmp_path)
    asked = {"mode": "keep", "kept": str(kept), "root": str(root), "url": ""}
    with answering(200, {}) as (url, _):
        command = [sys.executable, "-c", PROGRAM, json.dumps({**asked, "url": url})]
        keeper = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "HOSTNAME": "pod-1"}, text=True)
        assert keeper.stdout is not None
        line = keeper.stdout.readline()
        keeper.terminate()
        assert keeper.wait(timeout=30) == 0
    assert line == f"{kept}: {kept.stat().st_size} bytes kept\n"


def test_init_container_and_sidecar_are_as_their_golden() -> None:
    text = as_yaml(without_program({"initContainers": POD["initContainers"], "volumes": POD["volumes"]}))
    assert_matches(Path(__file__).parent / "goldens/compiled.yaml", text)


def test_the_server_itself_mounts_nothing_of_the_file_system_and_compiles_below_one_folder() -> None:
    (server,) = POD["containers"]
    assert "compiled" not in {mount["name"] for mount in server["volumeMounts"]}
    variables = {each["name"]: each["value"] for each in server_environment(KEPT) if "value" in each}
    assert variables["VLLM_CACHE_ROOT"] == ROOT
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        assert variables[name].startswith(f"{ROOT}/")


def kept_plan(**changes: Any) -> StackPlan:
    return planned(models=[model(compileCache="efs", **changes)])


def test_image_gpu_and_arguments_are_in_the_name_of_what_is_kept() -> None:
    def key(plan: StackPlan) -> str:
        compiled = plan.models[0].compiled
        assert compiled is not None
        return compiled.key

    usual = key(kept_plan())
    assert usual == key(kept_plan(namespace="other"))
    others = [
        key(kept_plan(maxModelLen=4096)),
        key(kept_plan(image={"tag": "v0.32.0"})),
        key(planned(models=[model(compileCache="efs")], nodePools=[pool(instanceTypes=["g5.xlarge"])])),
    ]
    assert len({usual, *others}) == 4


def test_the_sidecar_is_counted_on_the_node_and_the_cold_start_is_shorter_for_all_but_the_first() -> None:
    usual, kept = planned().models[0], kept_plan().models[0]
    assert kept_plan().file_system is not None
    terms = {each.name: each for each in kept.cold_start}
    assert (terms["compile"].low_seconds, terms["compile"].high_seconds) == (6, 10)
    assert kept.startup_probe == usual.startup_probe, "the first server compiles"
    assert kept.rollout_timeout_seconds == usual.rollout_timeout_seconds
    assert kept.resources.memory != usual.resources.memory


def test_who_compiles_nothing_keeps_nothing() -> None:
    told = errors(refusal(models=[model(compileCache="efs", enforceEager=True)]))
    assert "compiles nothing" in told["models[0].compileCache"]


def test_each_model_has_a_folder_of_its_own_behind_an_access_point_of_its_own() -> None:
    sections = example("efs")
    models = [{**each, "compileCache": "efs"} for each in sections["models"]]
    engine = run_program({**sections, "models": models}, "efs")
    paths = {
        each.name: each.plain_inputs["rootDirectory"]["path"]
        for each in engine.all("aws:efs/accessPoint:AccessPoint")
        if "compiled" in each.name
    }
    assert paths == {
        "weights-compiled-chat": "/vllm-on-eks/efs-compiled/chat",
        "weights-compiled-batch": "/vllm-on-eks/efs-compiled/batch",
    }
    policy = json.loads(engine.only("aws:efs/fileSystemPolicy:FileSystemPolicy").plain_inputs["policy"])
    allowed = {
        s["Action"]: len(s["Condition"]["StringEquals"]["elasticfilesystem:AccessPointArn"])
        for s in policy["Statement"]
        if s["Effect"] == "Allow"
    }
    assert allowed == {"elasticfilesystem:ClientMount": 4, "elasticfilesystem:ClientWrite": 3}
    assert {"chat-compiled", "batch-compiled"} <= {
        each.name for each in engine.all("kubernetes:core/v1:PersistentVolumeClaim")
    }
