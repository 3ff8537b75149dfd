"""D2: what the engine talks to fails: API server, etcd, providers, AWS, webhooks and aggregated APIs."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from random import Random
from typing import Any, Final

from local.faults.engine import EngineRun
from local.faults.ground import STACK, Ground
from local.faults.holds import must, must_say
from local.faults.scenario import Scenario

OUTAGE_SECONDS: Final = 20.0
WEBHOOK: Final = "down.faults.vllm-on-eks.dev"
METRICS_API: Final = "v1beta1.custom.metrics.k8s.io"


def _update_under(
    ground: Ground, provoke: Callable[[EngineRun], None], at_work_on: str = "kubernetes:"
) -> tuple[str, int, str]:
    """Begins an update, provokes when it is at work on such resources; target state, exit code, what was said."""
    target, run = ground.begin_update()
    must(run.wait_for_step(at_work_on), f"the update never came to {at_work_on}; {run.log}")
    provoke(run)
    return target, run.end(), run.text


def _survived(ground: Ground, target: str, code: int, said: str, causes: tuple[str, ...]) -> str:
    """A failed update says a cause; whether it failed or not, the next one ends as if nothing had been."""
    if code != 0:
        must(any(cause.lower() in said.lower() for cause in causes), f"none of {causes} is said:\n{said[-2500:]}")
    ground.revive()
    ground.go_on_to(target)
    return f"the update {'failed and said why' if code else 'went on to its end'}; the next one converged"


def badly_answering(mode: str, *causes: str) -> Callable[[Ground, Random], str]:
    """The API server answers Pulumi badly for a while."""

    def run(ground: Ground, random: Random) -> str:
        def provoke(run: EngineRun) -> None:
            ground.proxy.disturbed, ground.proxy.mode = 0, mode
            run.wait_until(lambda: False, OUTAGE_SECONDS)
            ground.proxy.mode = None

        try:
            target, code, said = _update_under(ground, provoke)
        finally:
            ground.proxy.mode = None
        must(ground.proxy.disturbed > 0, "no request met the fault")
        seen = ground.proxy.disturbed
        return f"{_survived(ground, target, code, said, causes)}; {seen} requests met the fault"

    return run


def restarted(name: str, away_seconds: float) -> Callable[[Ground, Random], str]:
    """A process of the control plane is away for a while."""

    def run(ground: Ground, random: Random) -> str:
        def provoke(run: EngineRun) -> None:
            specification = ground.specification(name)
            ground.processes.stop(name)
            time.sleep(away_seconds)
            with ground.quietly():
                ground.processes.ensure(specification)

        causes = (
            "unreachable",
            "connection refused",
            "etcd",
            "timed out",
            "deadline",
            "timeout",
            "reset",
            "disconnected",
            "EOF",
        )
        return _survived(ground, *_update_under(ground, provoke), causes)

    return run


def provider_killed(name: str) -> Callable[[Ground, Random], str]:
    """A provider's process is killed while the engine waits for it."""

    def run(ground: Ground, random: Random) -> str:
        target, code, said = _update_under(ground, lambda run: run.provider(name).kill(), f"{name}:")
        must(code != 0, "the update succeeded without its provider")
        return _survived(
            ground, target, code, said, ("EOF", "transport", "Unavailable", "connection refused", "plugin")
        )

    return run


def aws_state_lost(ground: Ground, random: Random) -> str:
    """Everything in AWS is gone, as for one who deleted it by hand; the cluster's objects are still there."""
    ground.to("one")
    state_before = ground.stack.state_file.read_bytes()
    request = urllib.request.Request(f"http://127.0.0.1:{ground.ports['aws']}/moto-api/reset", method="POST")
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).close()
    ground.state = None
    code, said = ground.pulumi("refresh", "--preview-only")
    must(code == 0, f"the preview of a refresh failed:\n{said[-2000:]}")
    must_say(said, "network-vpc", "cluster-cluster", "to delete")
    must(ground.stack.state_file.read_bytes() == state_before, "the preview of a refresh wrote the state")
    ground.prepare(ground.file("one"))
    run = ground.begin("up", "--refresh")
    must(run.end() == 0, f"up --refresh failed; {run.why}")
    ground.must_be("one")
    return "refresh --preview-only showed the loss, up --refresh made all of it again"


def webhook_down(ground: Ground, random: Random) -> str:
    """An admission webhook without a server refuses every Deployment."""
    api = ground.api("AdmissionregistrationV1Api")
    hook = {
        "name": WEBHOOK,
        "clientConfig": {"service": {"name": "absent", "namespace": "default", "path": "/"}},
        "rules": [
            {
                "apiGroups": ["apps"],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["deployments"],
            }
        ],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 2,
    }
    ground.to("one")
    api.create_validating_webhook_configuration({"metadata": {"name": WEBHOOK}, "webhooks": [hook]})
    try:
        ground.prepare(ground.file("two"))
        ground.state = None
        run = ground.begin("up")
        code = run.end()
    finally:
        api.delete_validating_webhook_configuration(WEBHOOK)
    must(code != 0, "a Deployment was made though its webhook is down")
    must_say(run.text, WEBHOOK, 'service "absent" not found')
    ground.go_on_to("two")
    return "the error names webhook and Service; the next update converged"


def metrics_api_down(ground: Ground, random: Random) -> str:
    """The API that the HPA asks for its metric is not served: the HPA must keep the replicas it has."""
    ground.to("full")
    ground.learn_state()
    services, apps, scalers = (
        ground.api("ApiregistrationV1Api"),
        ground.api("AppsV1Api"),
        ground.api("AutoscalingV2Api"),
    )
    registered = METRICS_API in {item.metadata.name for item in services.list_api_service().items}
    if registered:
        for name in ("supervisor", "prometheus-adapter"):  # the first would start the second again
            ground.processes.stop(name)
    else:
        spec = {
            "group": "custom.metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "absent", "namespace": "default", "port": 443},
        }
        services.create_api_service({"metadata": {"name": METRICS_API}, "spec": spec})
    try:
        apps.patch_namespaced_deployment_scale("qwen", "models", {"spec": {"replicas": 2}})
        reason = _reason_of_no_scaling(scalers)
        time.sleep(15)  # three rounds of the controller
        replicas = apps.read_namespaced_deployment_scale("qwen", "models").spec.replicas
        must(replicas == 2, f"the HPA moved to {replicas} replicas without a metric")
        code, said = ground.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
        must(code == 0, f"up is not without changes meanwhile:\n{said[-2000:]}")
    finally:
        apps.patch_namespaced_deployment_scale("qwen", "models", {"spec": {"replicas": 1}})
        if not registered:
            services.delete_api_service(METRICS_API)
    ground.revive()
    ground.must_be("full")
    return f"2 replicas stayed for 15 s, the HPA says {reason}, up has no changes for stack {STACK}"


def _reason_of_no_scaling(scalers: Any) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = scalers.read_namespaced_horizontal_pod_autoscaler("qwen", "models").status
        for condition in status.conditions or []:
            if condition.type == "ScalingActive" and condition.status == "False":
                return str(condition.reason)
        time.sleep(1)
    must(False, "the HPA never said that it cannot scale")
    return ""


def _scenario(name: str, holds: str, run: Callable[[Ground, Random], str]) -> Scenario:
    return Scenario(name, holds, run, "D2")


_ENDS = "the update ends by itself, says the cause if it fails; the next one converges"
SERVERS = (
    _scenario("api-429", f"API server answers 429 for 20 s: {_ENDS}", badly_answering("429", "too many requests")),
    _scenario(
        "api-500",
        f"API server answers 500 for 20 s: {_ENDS}",
        # The second is what client-go, and so pulumi-kubernetes, makes of a 500.
        badly_answering("500", "Internal error occurred", "an error on the server"),
    ),
    _scenario("api-slow", f"API server answers after 2 s for 20 s: {_ENDS}", badly_answering("slow", "timed out")),
    _scenario(
        "api-reset", f"API server hangs up for 20 s: {_ENDS}", badly_answering("reset", "unreachable", "EOF", "closed")
    ),
    _scenario("api-restart", f"API server is away for 5 s: {_ENDS}", restarted("kube-apiserver", 5)),
    _scenario("etcd-restart", f"etcd is away for 5 s: {_ENDS}", restarted("etcd", 5)),
    _scenario("provider-kubernetes", f"kubernetes provider killed: {_ENDS}", provider_killed("kubernetes")),
    _scenario("provider-aws", f"aws provider killed: {_ENDS}", provider_killed("aws")),
    _scenario(
        "webhook-down", "an admission webhook is down: the error names it; the next update converges", webhook_down
    ),
    _scenario(
        "aws-state-lost",
        "all is gone from AWS: refresh --preview-only shows it and writes nothing, `up --refresh` repairs",
        aws_state_lost,
    ),
)
WITH_METRICS = (
    _scenario(
        "metrics-api-down",
        "the metrics API is down: the HPA holds its replicas, `up` changes nothing",
        metrics_api_down,
    ),
)
