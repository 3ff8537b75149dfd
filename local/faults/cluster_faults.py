"""D3: what goes wrong inside the cluster: a node lost, GPUs gone, a wrong image, a finalizer that never ends."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from local.control_plane.cluster import is_ready
from local.faults.ground import STACK, Ground
from local.faults.holds import must, must_say
from local.faults.scenario import Scenario
from planning.model import GPU_RESOURCE

MODEL_PODS: Final = "app.kubernetes.io/instance=qwen,app.kubernetes.io/component=model-server"
# .invalid never resolves (RFC 2606); KWOK plays the kubelet that cannot pull from there (manifests/stages.yaml).
UNPULLABLE: Final = "registry.invalid/vllm/vllm-openai"
NOT_STARTED: Final = "containers with incomplete status: [download]"
FINALIZER: Final = "faults.vllm-on-eks.dev/never"
FINALIZER_OWNER: Final = "faults-controller"
HELD_LIMIT_SECONDS: Final = 20
RESCHEDULE_SECONDS: Final = 150.0
"""The pod garbage collector waits 40 s and looks every 20 s; then a cold start."""


@contextlib.contextmanager
def node_watcher_stopped(ground: Ground) -> Iterator[None]:
    """Nothing recreates nodes or advertises GPUs meanwhile, as while AWS has no other instance."""
    record = ground.processes.record("nodes")
    assert record is not None
    os.kill(record.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(record.pid, signal.SIGCONT)


def until(look: Callable[[], Any], timeout_seconds: float, lacking: str) -> Any:
    """Polls until `look` gives something; raises DoesNotHold with `lacking` otherwise."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if value := look():
            return value
        time.sleep(0.5)
    must(False, f"{lacking} within {timeout_seconds:.0f} s")
    return None


def _pods(ground: Ground) -> list[Any]:
    return list(ground.api("CoreV1Api").list_namespaced_pod("models", label_selector=MODEL_PODS).items)


def node_lost(ground: Ground, random: Random) -> str:
    """The node with the model's pod is gone, and what ran on it."""
    ground.to("one")
    core = ground.api("CoreV1Api")

    def on_a_node() -> list[Any]:
        # A pod of a node that went before (another scenario's) is Ready until the pod garbage collector comes by.
        nodes = {node.metadata.name for node in core.list_node().items}
        return [pod for pod in _pods(ground) if is_ready(pod) and pod.spec.node_name in nodes]

    (lost, *_) = until(on_a_node, RESCHEDULE_SECONDS, "no pod of the model is Ready on a node")
    ground.state = None
    with node_watcher_stopped(ground):
        start = time.monotonic()
        core.delete_node(lost.spec.node_name)

        def elsewhere() -> list[Any]:
            return [pod for pod in _pods(ground) if is_ready(pod) and pod.metadata.uid != lost.metadata.uid]

        (after, *_) = until(elsewhere, RESCHEDULE_SECONDS, f"no other pod than {lost.metadata.name} is Ready")
        seconds = time.monotonic() - start
        must(after.spec.node_name != lost.spec.node_name, "the new pod is on the lost node")
    ground.must_be("one")
    code, said = ground.pulumi("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes")
    must(code == 0, f"up is not without changes afterwards:\n{said[-2000:]}")
    return f"Ready on {after.spec.node_name} {seconds:.0f} s after {lost.spec.node_name} was lost; up has no changes"


def gpu_gone(ground: Ground, random: Random) -> str:
    """Every node says that it has no GPU any more, and the model's pod has to start again."""
    ground.to("one")
    core = ground.api("CoreV1Api")
    with node_watcher_stopped(ground):
        for node in core.list_node().items:
            if GPU_RESOURCE in (node.status.allocatable or {}):
                none = {"capacity": {GPU_RESOURCE: "0"}, "allocatable": {GPU_RESOURCE: "0"}}
                core.patch_node_status(node.metadata.name, {"status": none})
        for pod in _pods(ground):
            core.delete_namespaced_pod(pod.metadata.name, "models", grace_period_seconds=0)
        with ground.command("wait", "--timeout-seconds", "8") as wait:
            said, _ = wait.communicate(timeout=60)
        must(wait.returncode == 1, f"the wait for models ended well without a GPU:\n{said}")
        must_say(said, "models/qwen", f"Insufficient {GPU_RESOURCE}")
    until(lambda: [pod for pod in _pods(ground) if is_ready(pod)], 60, "with its GPUs back no pod is Ready")
    ground.must_be("one")
    return "the wait for models names Pending and Insufficient nvidia.com/gpu; Ready again with the GPUs"


def wrong_image(ground: Ground, random: Random) -> str:
    """An image that cannot be pulled, in an update; the budget (15 minutes or more) is not waited for."""
    ground.to("one")

    def change(config: dict[str, Any]) -> None:
        config["vllm-on-eks:models"][0]["image"] = {"repository": UNPULLABLE}

    ground.prepare(ground.file("wrong-image", change))
    ground.state = None
    run = ground.begin("up")
    # The provider names the pod and what of it is not ready; of an init container it does not say why.
    named = run.wait_until(lambda: NOT_STARTED in run.said(), 120)
    seconds = time.monotonic() - run.started
    with ground.command("wait", "--timeout-seconds", "5") as wait:
        said, _ = wait.communicate(timeout=60)
    served = any(is_ready(pod) for pod in _pods(ground))
    os.kill(run.process.pid, signal.SIGINT)
    code = run.end(90)
    must(named, f"the update said nothing of the pod within 120 s:\n{run.why}")
    must(wait.returncode == 1, f"the wait for models ended well while the new pod cannot start:\n{said}")
    must_say(said, "models/qwen", "ImagePullBackOff", UNPULLABLE)
    must(code != 0, "an interrupted update said that all is well")
    must(served, "the old pod was gone before the new one could serve")
    # The provider forgets a cancelled update ("unable to get cluster state: ... context canceled"): only a refresh sees
    # that the Deployment has the new image.
    ground.go_on_to("one", "--refresh")
    return (
        f"the update named the pod {seconds:.0f} s after its start, the wait for models the image; "
        "the old pod served on; fixed by up --refresh"
    )


def stuck_finalizer(ground: Ground, random: Random) -> str:
    """A foreign finalizer on our Service whose controller is gone. `down` waits 20 s, not two minutes."""
    ground.to("one")
    core = ground.api("CoreV1Api")
    core.patch_namespaced_service(
        "qwen", "models", {"metadata": {"finalizers": [FINALIZER]}}, field_manager=FINALIZER_OWNER
    )
    ground.state = None
    try:
        start = time.monotonic()
        with ground.command("down", "--stack", STACK, "--held-limit-seconds", str(HELD_LIMIT_SECONDS)) as down:
            said, _ = down.communicate(timeout=240)
        seconds = time.monotonic() - start
    finally:
        core.patch_namespaced_service("qwen", "models", {"metadata": {"finalizers": None}})
    must(down.returncode == 1, f"down said that all is well:\n{said[-1500:]}")
    must_say(said, "was given up", "Service models/qwen", FINALIZER, FINALIZER_OWNER)
    ground.go_on_to("nothing")
    return f"down ended after {seconds:.0f} s, named Service, finalizer, {FINALIZER_OWNER}; the next one left nothing"


CLUSTER = (
    Scenario("node-lost", "a lost node's pods are Ready on another node; `up` then has no changes", node_lost, "D3"),
    Scenario("gpu-gone", "no allocatable GPU: the pod is Pending, and what waits for it says so", gpu_gone, "D3"),
    Scenario(
        "wrong-image",
        "an image that cannot be pulled: named within 120 s, the old pod serves on; interrupted, up --refresh fixes it",
        wrong_image,
        "D3",
    ),
    Scenario(
        "stuck-finalizer",
        "destroy ends within its limit and names object, finalizer and who set it",
        stuck_finalizer,
        "D3",
    ),
)
