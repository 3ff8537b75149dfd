"""When a model counts as ready: rolled out, not only served by its old pods."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from local.commands import completion
from local.commands.completion import GROUPS, KUBEAI_MODELS, RunningModel
from tests.local.places import paths_in


@pytest.mark.parametrize(
    ("counts", "ready"),
    [
        ((1, 1, 1, 1), True),
        ((2, 1, 2, 2), False),
        ((1, 1, 1, 2), False),  # an old pod serves, the new one has not started
        ((1, 1, 0, 1), False),  # the controller has not seen the new template yet
        ((0, 0, 0, 0), False),
    ],
)
def test_a_model_is_ready_when_all_its_pods_are_new_and_available(
    counts: tuple[int, int, int, int], ready: bool
) -> None:
    wanted, available, updated, total = counts
    assert RunningModel("models", "qwen", wanted, available, updated, total).ready is ready


class Cluster:
    """An API server with one object of one custom kind."""

    def __init__(self, kind: tuple[str, str, str], item: dict[str, Any]) -> None:
        self._kind, self._item = kind, item

    def list_cluster_custom_object(self, *kind: str, label_selector: str) -> dict[str, Any]:
        if kind != self._kind:
            raise ApiException(status=404)
        return {"items": [self._item]}

    def list_deployment_for_all_namespaces(self, label_selector: str) -> Any:
        return SimpleNamespace(items=[])


def running(cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch) -> RunningModel:
    monkeypatch.setattr(completion, "connect", lambda _: SimpleNamespace(apps=cluster, custom=cluster))
    (model,) = completion.models(paths_in(folder))
    return model


@pytest.mark.parametrize(
    ("updating", "ready", "is_ready"), [("False", 2, True), ("False", 1, False), ("True", 2, False)]
)
def test_groups_of_pods_count_as_replicas_and_an_update_under_way_is_not_ready(
    updating: str, ready: int, is_ready: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = {"replicas": 2, "readyReplicas": ready, "updatedReplicas": 2}
    labels = {"app.kubernetes.io/instance": "qwen"}
    item = {
        "metadata": {"namespace": "models", "name": "qwen-group", "labels": labels},
        "spec": {"replicas": 2},
        "status": {**status, "conditions": [{"type": "UpdateInProgress", "status": updating}]},
    }
    model = running(Cluster(GROUPS, item), tmp_path, monkeypatch)
    assert (model.service, model.name, model.ready) == ("qwen", "qwen-group", is_ready)


@pytest.mark.parametrize(
    ("replicas", "counted", "ready"),
    [
        (0, None, True),  # asleep: its proxy holds what comes
        (None, None, False),  # its controller has not seen it
        (1, {"all": 1, "ready": 0}, False),
        (1, {"all": 1, "ready": 1}, True),
        (1, {"all": 2, "ready": 1}, False),  # another pod comes, or leaves
        (2, {"all": 1, "ready": 1}, False),
    ],
)
def test_a_model_of_kubeai_is_ready_when_its_pods_are_or_when_it_has_none_to_have(
    replicas: int | None,
    counted: dict[str, int] | None,
    ready: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = {
        "metadata": {"namespace": "models", "name": "chat"},
        "spec": {} if replicas is None else {"replicas": replicas},
        "status": {"replicas": counted} if counted else {},
    }
    model = running(Cluster(KUBEAI_MODELS, item), tmp_path, monkeypatch)
    assert model.ready is ready
    assert (model.service, model.path) == ("chat", "/openai")
