"""Which calls reach the server, in which order, and what is kept in state."""

from __future__ import annotations

import re
from typing import Any

import pytest

from local.providers.kubernetes import lifecycle
from local.providers.kubernetes.cluster import ApiError, Unreachable
from local.providers.kubernetes.lifecycle import Objects
from local.providers.kubernetes.provider import KubernetesProvider
from local.providers.kubernetes.settings import ProviderSettings
from local.providers.rpc import UNKNOWN, InitFailed, ProviderError, Secret
from tests.local.providers.driver import Driver
from tests.local.providers.kubernetes.scripted import Answer, ScriptedCluster, conflict, not_found

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
INPUTS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "namespace": "d"},
    "data": {"k": "v"},
}
PATH = "/api/v1/namespaces/d/configmaps"


def live(**metadata: Any) -> dict[str, Any]:
    return {**INPUTS, "metadata": {**INPUTS["metadata"], "uid": "u", "resourceVersion": "1", **metadata}}


def driver_of(answer: Answer, **settings: bool) -> tuple[Driver, ScriptedCluster]:
    provider = KubernetesProvider()
    cluster = ScriptedCluster(answer)
    provider.settings = ProviderSettings(**settings)
    provider.cluster = cluster
    provider.objects = Objects(cluster, provider.settings, provider.cancelled)
    return Driver(provider), cluster


def echo(method: str, path: str, query: Any, body: Any) -> dict[str, Any]:
    return live()


def test_a_create_is_one_post_and_keeps_the_live_object_and_its_inputs() -> None:
    driver, cluster = driver_of(echo)
    object_id, state = driver.create(CONFIG_MAP, "c", INPUTS)
    assert cluster.asked == [("POST", PATH, {"fieldManager": "pulumi-kubernetes", "fieldValidation": "Strict"})]
    assert object_id == "d/c"
    assert state["__inputs"] == INPUTS
    assert state["__initialApiVersion"] == "v1"
    assert re.fullmatch(r"pulumi-kubernetes-[0-9a-f]{8}", state["__fieldManager"])
    assert state["metadata"]["uid"] == "u"


def test_a_previewed_create_is_the_same_post_as_a_dry_run_and_has_no_id_yet() -> None:
    driver, cluster = driver_of(echo)
    object_id, _ = driver.create(CONFIG_MAP, "c", INPUTS, preview=True)
    assert object_id == ""
    assert cluster.asked[0][2]["dryRun"] == "All"


def test_an_object_with_unknown_values_is_not_tried_in_a_preview() -> None:
    driver, cluster = driver_of(echo)
    inputs = {**INPUTS, "data": {"k": UNKNOWN}}
    assert driver.create(CONFIG_MAP, "c", inputs, preview=True) == ("", inputs)
    assert cluster.asked == []


def test_an_unknown_namespace_is_tried_in_the_default_one() -> None:
    driver, cluster = driver_of(echo)
    inputs = {**INPUTS, "metadata": {"name": "c", "namespace": UNKNOWN}}
    _, state = driver.create(CONFIG_MAP, "c", inputs, preview=True)
    assert cluster.asked[0][1] == "/api/v1/namespaces/default/configmaps"
    assert state["metadata"]["namespace"] is UNKNOWN


@pytest.mark.parametrize("error", [not_found('namespaces "d"'), conflict('configmaps "c" already exists')])
def test_a_preview_goes_on_when_the_namespace_is_missing_or_the_object_is_there(error: ApiError) -> None:
    def refuse(*_: Any) -> Any:
        raise error

    driver, _ = driver_of(refuse)
    assert driver.create(CONFIG_MAP, "c", INPUTS, preview=True) == ("", INPUTS)


def test_a_preview_fails_on_what_the_server_calls_invalid() -> None:
    def refuse(*_: Any) -> Any:
        raise ApiError(400, 'strict decoding error: unknown field "dta"')

    driver, _ = driver_of(refuse)
    with pytest.raises(ProviderError, match=r'was not successfully created .*: strict .* unknown field "dta"'):
        driver.create(CONFIG_MAP, "c", INPUTS, preview=True)


def test_a_missing_namespace_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_RETRY_PAUSES_SECONDS", (0, 0))
    answers = [not_found('namespaces "d"'), not_found('namespaces "d"')]

    def later(*_: Any) -> Any:
        if answers:
            raise answers.pop()
        return live()

    driver, cluster = driver_of(later)
    assert driver.create(CONFIG_MAP, "c", INPUTS)[0] == "d/c"
    assert driver.lines == [
        ("info", 'Retry #0; creation failed: namespaces "d" not found'),
        ("info", 'Retry #1; creation failed: namespaces "d" not found'),
    ]
    assert len(cluster.asked) == 3


def test_an_existing_object_fails_at_once_with_advice() -> None:
    def refuse(*_: Any) -> Any:
        raise conflict('configmaps "c" already exists')

    driver, cluster = driver_of(refuse)
    with pytest.raises(ProviderError, match=r"already exists(.|\n)*upsertExistingObjects"):
        driver.create(CONFIG_MAP, "c", INPUTS)
    assert len(cluster.asked) == 1


def test_upsert_applies_instead_of_creating() -> None:
    driver, cluster = driver_of(echo, upsert=True)
    driver.create(CONFIG_MAP, "c", INPUTS)
    method, path, query = cluster.asked[0]
    assert (method, path, query["force"]) == ("PATCH", f"{PATH}/c", "false")
    assert re.fullmatch(r"pulumi-kubernetes-[0-9a-f]{8}", query["fieldManager"])


def test_an_update_takes_our_own_fields_over_and_then_applies_without_force() -> None:
    created = {"manager": "pulumi-kubernetes", "operation": "Update", "fieldsV1": {"f:data": {}}}
    driver, cluster = driver_of(lambda *_: live(managedFields=[created]))
    state = {**live(), "__fieldManager": "pulumi-kubernetes-00000001", "__inputs": INPUTS}
    new = {**INPUTS, "data": {"k": "w"}}
    after = driver.update(CONFIG_MAP, "c", state, new)
    query = {"fieldManager": "pulumi-kubernetes-00000001", "force": "false", "fieldValidation": "Strict"}
    assert cluster.asked == [("GET", f"{PATH}/c", {}), ("PATCH", f"{PATH}/c", {}), ("PATCH", f"{PATH}/c", query)]
    assert cluster.bodies[1][0]["value"][0]["manager"] == "pulumi-kubernetes-00000001"
    assert cluster.bodies[2]["data"] == {"k": "w"}
    assert after["__inputs"] == new
    assert after["__fieldManager"] == "pulumi-kubernetes-00000001"


@pytest.mark.parametrize(
    ("managers", "force"),
    [([], "true"), ([{"manager": "pulumi-kubernetes-00000001", "operation": "Apply"}], "false")],
)
def test_the_first_preview_of_an_update_forces_and_later_ones_do_not(managers: Any, force: str) -> None:
    driver, cluster = driver_of(lambda *_: live(managedFields=managers))
    state = {**live(), "__fieldManager": "pulumi-kubernetes-00000001"}
    driver.update(CONFIG_MAP, "c", state, INPUTS, preview=True)
    assert [method for method, _, _ in cluster.asked] == ["GET", "PATCH"]
    assert cluster.asked[1][2]["force"] == force
    assert cluster.asked[1][2]["dryRun"] == "All"


def test_the_force_annotation_wins_over_other_managers() -> None:
    driver, cluster = driver_of(echo)
    metadata = {**INPUTS["metadata"], "annotations": {"pulumi.com/patchForce": "true"}}
    driver.update(CONFIG_MAP, "c", {"__fieldManager": "m"}, {**INPUTS, "metadata": metadata})
    assert cluster.asked[-1][2]["force"] == "true"


def test_a_conflicting_update_says_who_conflicts_and_keeps_the_new_inputs_in_state() -> None:
    def refuse(method: str, path: str, query: Any, body: Any) -> Any:
        if query.get("fieldManager"):
            raise conflict('Apply failed with 1 conflict: conflict with "other": .data.k')
        return live()

    driver, _ = driver_of(refuse)
    new = {**INPUTS, "data": {"k": "w"}}
    with pytest.raises(InitFailed) as caught:
        driver.update(CONFIG_MAP, "c", {**live(), "__fieldManager": "pulumi-kubernetes-00000001"}, new)
    assert 'field manager "pulumi-kubernetes-00000001" had an apply conflict' in caught.value.reasons[0]
    assert caught.value.properties["__inputs"] == new
    assert caught.value.properties["metadata"]["uid"] == "u"


def test_an_update_of_an_object_that_is_gone_says_so() -> None:
    def gone(*_: Any) -> Any:
        raise not_found("x")

    driver, _ = driver_of(gone)
    with pytest.raises(ProviderError, match=r'^configmaps "c" not found; unable to get cluster state$'):
        driver.update(CONFIG_MAP, "c", live(), INPUTS)


def test_a_refresh_takes_the_edited_value_and_leaves_what_others_added() -> None:
    edited = {**live(), "data": {"k": "edited", "theirs": "x"}}
    driver, _ = driver_of(lambda *_: edited)
    object_id, inputs, state = driver.read(CONFIG_MAP, "d/c", INPUTS, {**live(), "__inputs": INPUTS})
    assert object_id == "d/c"
    assert inputs["data"] == {"k": "edited"}
    assert state["__inputs"] == inputs
    assert state["data"] == {"k": "edited", "theirs": "x"}


def test_a_read_by_id_alone_knows_no_more_than_the_name() -> None:
    driver, _ = driver_of(echo)
    _, inputs, _ = driver.read(CONFIG_MAP, "d/c")
    assert inputs == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "d"}}


def test_a_read_of_nothing_answers_with_no_id() -> None:
    def gone(*_: Any) -> Any:
        raise not_found("x")

    driver, _ = driver_of(gone)
    assert driver.read(CONFIG_MAP, "d/c", INPUTS, live())[0] == ""


def test_a_delete_is_foreground_and_waits_until_the_object_is_gone() -> None:
    answers = [live(), live()]

    def until_gone(method: str, path: str, *_: Any) -> Any:
        if path == "/version":
            return {}
        if method == "GET" and not answers:
            raise not_found("c")
        return answers.pop()

    driver, cluster = driver_of(until_gone)
    driver.delete(CONFIG_MAP, "d/c", {**live(), "__inputs": INPUTS})
    assert [method for method, path, _ in cluster.asked if path != "/version"] == ["DELETE", "GET", "GET"]
    assert [body for body in cluster.bodies if body] == [
        {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
    ]


@pytest.mark.parametrize("kind", ["ConfigMap", "NoSuchKind"])
def test_deleting_what_is_not_there_is_a_success(kind: str) -> None:
    def gone(*_: Any) -> Any:
        raise not_found("x")

    driver, _ = driver_of(gone)
    driver.delete(CONFIG_MAP, "d/c", {**live(), "kind": kind})


def test_a_secrets_data_is_secret_in_every_part_of_the_state() -> None:
    secret = {**INPUTS, "kind": "ConfigMap", "data": Secret({"k": "v"})}
    driver, cluster = driver_of(echo)
    _, state = driver.create(CONFIG_MAP, "c", secret)
    assert cluster.bodies[0]["data"] == {"k": "v"}
    assert state["data"] == Secret({"k": "v"})
    assert state["__inputs"]["data"] == Secret({"k": "v"})


def unreachable(*_: Any) -> Any:
    raise Unreachable('Get "https://x/openapi/v2": connection refused')


def test_without_a_server_a_preview_shows_the_inputs_and_an_update_fails_in_words() -> None:
    driver, _ = driver_of(unreachable)
    assert driver.create(CONFIG_MAP, "c", INPUTS, preview=True) == ("", INPUTS)
    with pytest.raises(ProviderError, match=r"^configured Kubernetes cluster is unreachable: .*connection refused"):
        driver.create(CONFIG_MAP, "c", INPUTS)


def test_without_a_server_a_refresh_names_the_way_out() -> None:
    driver, _ = driver_of(unreachable)
    with pytest.raises(ProviderError, match="PULUMI_K8S_DELETE_UNREACHABLE=true"):
        driver.read(CONFIG_MAP, "d/c", INPUTS, live())
    assert driver.lines[0][0] == "warning"


def test_without_a_server_the_flags_drop_and_skip() -> None:
    driver, _ = driver_of(unreachable, delete_unreachable=True, skip_update_unreachable=True)
    assert driver.read(CONFIG_MAP, "d/c", INPUTS, live())[0] == ""
    assert driver.update(CONFIG_MAP, "c", live(), {**INPUTS, "data": {}}) == live()
    assert driver.lines[-1][0] == "warning"


PATCH = "kubernetes:core/v1:ConfigMapPatch"


def test_a_patch_is_one_apply_under_its_own_manager_and_asks_nothing_in_a_preview() -> None:
    driver, cluster = driver_of(echo)
    assert driver.create(PATCH, "p", INPUTS, preview=True) == ("", INPUTS)
    assert cluster.asked == []
    object_id, state = driver.create(PATCH, "p", INPUTS)
    assert object_id == "d/c"
    assert [(method, query["fieldManager"]) for method, _, query in cluster.asked] == [
        ("PATCH", state["__fieldManager"])
    ]


def test_a_deleted_patch_gives_its_fields_back_and_leaves_the_object() -> None:
    driver, cluster = driver_of(echo)
    driver.delete(PATCH, "d/c", {**live(), "__fieldManager": "m"})
    methods = [method for method, path, _ in cluster.asked if path != "/version"]
    assert methods == ["GET", "PATCH"]
    assert cluster.bodies[-1] == {key: INPUTS[key] for key in ("apiVersion", "kind", "metadata")}


def test_a_deleted_patch_does_not_bring_a_gone_object_back() -> None:
    def gone(*_: Any) -> Any:
        raise not_found("c")

    driver, cluster = driver_of(gone)
    driver.delete(PATCH, "d/c", {**live(), "__fieldManager": "m"})
    assert "PATCH" not in [method for method, _, _ in cluster.asked]
