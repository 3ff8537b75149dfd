from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from components.cluster.gpu_smoke_test import GpuSmokeTest, GpuSmokeTestArgs, smoke_test_job
from planning.model import GPU_TAINT, TaintPlan
from tests.components.plans import SMOKE_TEST
from tests.engine import record
from tests.golden import as_yaml, assert_matches


def test_the_job_is_as_its_golden() -> None:
    text = as_yaml(smoke_test_job(SMOKE_TEST, "gpu-operator"))
    assert_matches(Path(__file__).parent / "goldens" / "smoke-test.yaml", text)


def test_it_fails_when_it_sees_fewer_gpus_than_it_was_given() -> None:
    (container,) = smoke_test_job(SMOKE_TEST, "gpu-operator")["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert container["command"][-1] == 'nvidia-smi && test "$(nvidia-smi --list-gpus | wc -l)" -ge 4'


def test_it_runs_on_its_pool_whatever_taints_that_has() -> None:
    plan = replace(SMOKE_TEST, taints=(GPU_TAINT, TaintPlan("team", "research", "NoExecute")))
    pod = smoke_test_job(plan, "gpu-operator")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"vllm-on-eks/pool": "gpu"}
    assert pod["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "team", "operator": "Exists", "effect": "NoExecute"},
    ]


def test_it_does_not_vanish_and_is_replaced_after_a_failure() -> None:
    job = smoke_test_job(SMOKE_TEST, "gpu-operator")
    assert "ttlSecondsAfterFinished" not in job["spec"], "a Job that vanishes is created again by every later up"
    assert job["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}


def test_pulumi_waits_longer_than_the_job_so_that_the_jobs_own_error_is_shown() -> None:
    engine = record(lambda: GpuSmokeTest("smoke", GpuSmokeTestArgs(SMOKE_TEST, "gpu-operator")))
    job = engine.only("kubernetes:batch/v1:Job")
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 900
    assert job.custom_timeouts == {"create": "960s", "update": "960s"}
    assert job.inputs == smoke_test_job(SMOKE_TEST, "gpu-operator"), "the SDK must not lose or rename a field"


def test_two_pools_are_tested_side_by_side() -> None:
    def program() -> None:
        GpuSmokeTest("smoke-a", GpuSmokeTestArgs(SMOKE_TEST, "gpu-operator"))
        GpuSmokeTest("smoke-b", GpuSmokeTestArgs(replace(SMOKE_TEST, pool="big"), "gpu-operator"))

    jobs = record(program).all("kubernetes:batch/v1:Job")
    assert {job.inputs["metadata"]["name"] for job in jobs} == {"gpu-smoke-test-gpu", "gpu-smoke-test-big"}
