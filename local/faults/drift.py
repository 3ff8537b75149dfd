"""D4: hand edits are shown, each and nothing else; what controllers own stays silent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from random import Random
from typing import Any, Final

from local.faults.ground import STACK, Ground
from local.faults.holds import must, must_say
from local.faults.scenario import Scenario

HAND: Final = "kubectl-edit"
TAKE_BACK: Final = "PULUMI_K8S_ENABLE_PATCH_FORCE"
"""Of pulumi-kubernetes 4.25 (provider/pkg/await/await.go): a field that another manager set is applied over."""


def shown_by_refresh(ground: Ground) -> set[str]:
    """Names of the resources that `pulumi refresh --preview-only` says are other than the state."""
    events = ground.logs / "refresh.events.json"
    events.unlink(missing_ok=True)
    code, said = ground.pulumi("refresh", "--preview-only", "--event-log", str(events))
    must(code == 0, f"refresh --preview-only failed:\n{said[-2000:]}")
    changed = set()
    for line in events.read_text().splitlines():
        metadata: Mapping[str, Any] = (json.loads(line).get("resOutputsEvent") or {}).get("metadata") or {}
        if metadata and (metadata["op"] in ("update", "delete", "create", "replace") or metadata.get("detailedDiff")):
            changed.add(str(metadata["urn"]).rsplit("::", 1)[-1])
    return changed


def hand_edits(ground: Ground, random: Random) -> str:
    """An operator edits fields that the program sets: replicas, a label, a ConfigMap's data."""
    ground.to("full")
    ground.learn_state()
    ground.api("AutoscalingV2Api").patch_namespaced_horizontal_pod_autoscaler(
        "qwen", "models", {"spec": {"maxReplicas": 5}}, field_manager=HAND
    )
    core = ground.api("CoreV1Api")
    label = {"metadata": {"labels": {"app.kubernetes.io/part-of": "edited"}}}
    core.patch_namespaced_service("qwen", "models", label, field_manager=HAND)
    edited = {"qwen-hpa", "qwen-service", *_edit_config_map(ground, core)}
    ground.state = None
    shown = shown_by_refresh(ground)
    must(shown == edited, f"edited were {sorted(edited)}, refresh --preview-only shows {sorted(shown)}")
    code, said = ground.pulumi("refresh", "--yes", "--skip-preview")
    must(code == 0, f"refresh failed:\n{said[-2000:]}")
    # Server-side apply leaves another manager's field alone: the conflict is said, and taking it back is a decision.
    code, said = ground.pulumi("preview")
    must(code != 0, f"fields of {HAND} were planned over without a word:\n{said[-2000:]}")
    must_say(said, HAND, "conflict")
    ground.variables = {TAKE_BACK: "true"}
    try:
        return _taken_back(ground, edited)
    finally:
        ground.variables = {}


def _taken_back(ground: Ground, edited: set[str]) -> str:
    code, said = ground.pulumi("preview")
    must(code == 0, f"preview failed:\n{said[-2000:]}")
    planned = set(re.findall(r"^\s*[~+-]+\s+\S+:\S+\s+(\S+)\s+(?:update|replace|create|delete)", said, re.MULTILINE))
    must(planned == edited, f"edited were {sorted(edited)}, preview shows {sorted(planned)}:\n{said[-2000:]}")
    ground.go_on_to("full")
    return f"{', '.join(sorted(edited))}: shown by refresh, preview names the manager; put back by up with {TAKE_BACK}"


def _edit_config_map(ground: Ground, core: Any) -> set[str]:
    """Edits the stack's first own ConfigMap; the name in the program."""
    for resource in ground.stack.resources():
        if resource["type"] == "kubernetes:core/v1:ConfigMap":
            metadata = resource["inputs"]["metadata"]
            patch = {"data": {next(iter(resource["inputs"]["data"])): "edited"}}
            core.patch_namespaced_config_map(metadata["name"], metadata["namespace"], patch, field_manager=HAND)
            return {str(resource["urn"]).rsplit("::", 1)[-1]}
    must(False, f"stack {STACK} has no ConfigMap to edit")
    return set()


def controllers_silent(ground: Ground, random: Random) -> str:
    """The HPA's replicas, others' labels and annotations, a deleted pod, a rollout restarted from outside."""
    ground.to("full")
    ground.learn_state()
    core, apps = ground.api("CoreV1Api"), ground.api("AppsV1Api")
    apps.patch_namespaced_deployment_scale(
        "qwen", "models", {"spec": {"replicas": 2}}, field_manager="kube-controller-manager"
    )
    note = {
        "metadata": {
            "annotations": {"faults.vllm-on-eks.dev/note": "of another manager"},
            "labels": {"other": "manager"},
        }
    }
    core.patch_namespaced_service("qwen", "models", note, field_manager="another-controller")
    pod = core.list_namespaced_pod("models", label_selector="app.kubernetes.io/component=model-server").items[0]
    core.delete_namespaced_pod(pod.metadata.name, "models", grace_period_seconds=0)
    ground.state = None
    shown = shown_by_refresh(ground)
    must(shown == set(), f"refresh --preview-only shows {sorted(shown)}")
    code, said = ground.pulumi("preview", "--refresh", "--expect-no-changes")
    must(code == 0, f"preview --refresh is not without changes:\n{said[-2000:]}")
    apps.patch_namespaced_deployment_scale(
        "qwen", "models", {"spec": {"replicas": 1}}, field_manager="kube-controller-manager"
    )
    undo = {"metadata": {"annotations": {"faults.vllm-on-eks.dev/note": None}, "labels": {"other": None}}}
    core.patch_namespaced_service("qwen", "models", undo, field_manager="another-controller")
    ground.must_be("full")
    return "replicas by the HPA's manager, foreign labels and annotations, a deleted pod: 0 changes"


DRIFT = (
    Scenario(
        "hand-edits",
        "edited replicas, label, ConfigMap: refresh shows just these, preview names the manager, a forced up puts back",
        hand_edits,
        "D4",
    ),
    Scenario(
        "controllers-silent",
        "what controllers own (replicas under an HPA, foreign labels) is no change",
        controllers_silent,
        "D4",
    ),
)
