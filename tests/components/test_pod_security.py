"""Our pods against the Pod Security Standard `restricted`, and against what we promise beyond it.

The first list is the standard's (kubernetes.io/docs/concepts/security/pod-security-standards); the second is what no
peer's rendered pods had all of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from components.serving.manifests.deployment import deployment
from planning.versions.pins import ENGINES
from tests.components.hooks import pre_stop_sleep_seconds
from tests.components.plans import MODEL, OPEN_MODEL, VOLUME_MODEL
from tests.components.rendered import of_model, pod_specs

PODS = pod_specs()
SERVERS = {model.name: deployment(model, "vllm-model") for model in (MODEL, VOLUME_MODEL, OPEN_MODEL)}
# What a container only reads.
READ_ONLY = ("HF_HUB_CACHE", "HF_TOKEN_PATH")
RESTRICTED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",  # pod-security-admission policy/check_restrictedVolumes.go, 0.36
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def _containers(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from pod.get("initContainers", [])
    yield from pod["containers"]


def _server(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    pod = SERVERS[name]["spec"]["template"]["spec"]
    return pod, pod["containers"][0]


@pytest.mark.parametrize("what", sorted(PODS))
def test_a_pod_meets_the_restricted_standard(what: str) -> None:
    pod = PODS[what]
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["securityContext"].keys() & {"sysctls", "windowsOptions", "seLinuxOptions", "appArmorProfile"}
    for volume in pod.get("volumes", []):
        assert volume.keys() - {"name"} <= RESTRICTED_VOLUMES
    for container in _containers(pod):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["privileged"] is False
        assert "procMount" not in context
        assert not any("hostPort" in port for port in container.get("ports", []))


@pytest.mark.parametrize("what", sorted(PODS))
def test_a_pod_has_more_than_the_standard_asks(what: str) -> None:
    pod = PODS[what]
    # A Ray head that is scaled asks the API server for workers, a picker for servers; no other pod of ours asks it.
    scales = what.startswith("ray/") and what.endswith("/head") and "/fixed/" not in what
    picks = what.startswith("llm-d/") and what.endswith("/picker")
    assert pod["automountServiceAccountToken"] is (scales or picks)
    assert pod["enableServiceLinks"] is False
    made_for = ENGINES["ray-llm"]
    for container in _containers(pod):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        if what.startswith("ray/"):  # Python is in the home of the image's own user
            assert (context["runAsUser"], context["runAsGroup"]) == (made_for.user_id, made_for.group_id)
        else:
            assert context["runAsUser"] > 10_000, "no user of the node (CKV_K8S_40)"
            assert context["runAsGroup"] > 10_000
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert {"cpu", "memory", "ephemeral-storage"} <= requests.keys()
        assert {"memory", "ephemeral-storage"} <= limits.keys()
        assert all(limits[name] == requests[name] for name in limits if name != "cpu")
        assert ":latest" not in container["image"]
        assert ":" in container["image"]
        assert not any("value" in e and e["name"].endswith("TOKEN") for e in container.get("env", [])), (
            "a token is a file"
        )


@pytest.mark.parametrize("what", sorted(PODS))
def test_a_read_only_root_leaves_the_places_a_container_writes_to(what: str) -> None:
    for container in _containers(PODS[what]):
        mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in container.get("volumeMounts", [])}
        for entry in container.get("env", []):
            # HF_HUB_CACHE is read-only for servers on purpose: they are offline.
            if str(entry.get("value", "")).startswith("/") and entry["name"] not in READ_ONLY:
                assert any(entry["value"].startswith(path) for path, fixed in mounts.items() if not fixed), entry


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_a_server_has_three_probes_that_differ_in_patience(name: str) -> None:
    _, server = _server(name)
    patience = {
        kind: server[kind]["periodSeconds"] * server[kind]["failureThreshold"]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert patience["readinessProbe"] < patience["livenessProbe"] < patience["startupProbe"]
    assert "initialDelaySeconds" not in str(server), "a delay is a guess; the startup probe measures"


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_a_servers_grace_period_holds_its_drain(name: str) -> None:
    pod, server = _server(name)
    assert pod["terminationGracePeriodSeconds"] >= (pre_stop_sleep_seconds(server) or 0) + 120


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_a_server_is_spread_over_zones_and_hosts_and_apart_from_its_like(name: str) -> None:
    pod, _ = _server(name)
    assert [c["topologyKey"] for c in pod["topologySpreadConstraints"]] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]
    labels = SERVERS[name]["spec"]["template"]["metadata"]["labels"]
    for constraint in pod["topologySpreadConstraints"]:
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert constraint["labelSelector"]["matchLabels"].items() <= labels.items()
    (term,) = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert term["podAffinityTerm"]["labelSelector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_a_server_has_its_own_account_priority_gpus_and_sized_shared_memory(name: str) -> None:
    pod, server = _server(name)
    assert pod["serviceAccountName"] == name
    assert pod["priorityClassName"] == "vllm-model"
    assert int(server["resources"]["limits"]["nvidia.com/gpu"]) >= 1
    assert "cpu" not in server["resources"]["limits"], "a CPU limit throttles tokenizing"
    (shm,) = [volume for volume in pod["volumes"] if volume["name"] == "shm"]
    assert shm["emptyDir"]["medium"] == "Memory"
    assert shm["emptyDir"]["sizeLimit"]
    assert {"name": "shm", "mountPath": "/dev/shm"} in server["volumeMounts"]
    assert any(toleration["key"] == "nvidia.com/gpu" for toleration in pod["tolerations"])


@pytest.mark.parametrize("model", [MODEL, VOLUME_MODEL, OPEN_MODEL], ids=lambda model: str(model.name))
def test_a_model_has_a_budget_that_selects_its_pods_and_policies_in_both_directions(model: Any) -> None:
    made = of_model(model)
    labels = made["deployment"]["spec"]["template"]["metadata"]["labels"]
    assert made["pdb"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert made["pdb"]["spec"]["maxUnavailable"] >= 1, "a budget of 0 blocks every node upgrade"
    policies = [manifest for manifest in made.values() if manifest["kind"] == "NetworkPolicy"]
    assert all(set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"} for policy in policies)


def test_a_digest_in_the_plan_reaches_every_container_of_the_model() -> None:
    made = of_model(VOLUME_MODEL)
    for what in ("deployment", "download-job"):
        for container in _containers(made[what]["spec"]["template"]["spec"]):
            assert container["image"] == VOLUME_MODEL.image
            assert "@sha256:" in container["image"]


def test_the_model_and_its_revision_are_pinned_in_what_is_downloaded() -> None:
    (container,) = of_model(VOLUME_MODEL)["download-job"]["spec"]["template"]["spec"]["containers"]
    assert VOLUME_MODEL.revision in container["args"][0]
