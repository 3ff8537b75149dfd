"""What the real pulumi-kubernetes provider does where this project relies on it, or has to make up for it.

Each was measured once (docs/adr/0007); with another version of the provider these say what has changed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from kubernetes import client, config

from tests.e2e.conftest import Platform
from tests.e2e.small_stack import Object, SmallStack

pytestmark = pytest.mark.e2e

NAMESPACE = "provider-behaviour"
GROUP = "behaviour.example.org"
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
POD_SPEC = {"containers": [{"name": "c", "image": "registry.example/c:1"}], "nodeSelector": {"no": "such-node"}}
CRD = {
    "metadata": {"name": f"things.{GROUP}"},
    "spec": {
        "group": GROUP, "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": {"size": {"type": "string", "enum": ["s", "m"]}}},
            }}},
        }],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def api(platform: Platform) -> Any:
    """The official client, with a namespace of its own and one custom kind."""
    platform.run("start")
    api_client = config.new_client_from_config(config_file=str(platform.paths.kubeconfig))  # type: ignore[no-untyped-call]
    client.CoreV1Api(api_client).create_namespace({"metadata": {"name": NAMESPACE}})
    client.ApiextensionsV1Api(api_client).create_custom_resource_definition(CRD)
    yield api_client
    client.CoreV1Api(api_client).delete_namespace(NAMESPACE)
    client.ApiextensionsV1Api(api_client).delete_custom_resource_definition(f"things.{GROUP}")


@pytest.fixture
def small(platform: Platform, api: Any, tmp_path: Any) -> Iterator[SmallStack]:
    stack = SmallStack(platform, tmp_path)
    yield stack
    stack.destroy()


def config_map(name: str = "map", data: dict[str, Any] | None = None, **more: Any) -> Object:
    inputs = {"metadata": {"name": name, "namespace": NAMESPACE}, "data": data or {"k": "v"}, **more}
    return Object("kubernetes:core/v1:ConfigMap", name, {"apiVersion": "v1", "kind": "ConfigMap", **inputs})


def deployment(annotations: dict[str, str] | None = None, limit: str | None = None, **spec: Any) -> Object:
    whole = {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": {"labels": {"app": "x", "v": "1"}}, "spec": POD_SPEC},
        **spec,
    }
    metadata = {"name": "app", "namespace": NAMESPACE, "annotations": annotations or {}}
    inputs = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": whole}
    return Object("kubernetes:apps/v1:Deployment", "app", inputs, limit)


def service(**spec: Any) -> Object:
    metadata = {"name": "svc", "namespace": NAMESPACE, "annotations": SKIP_AWAIT}
    whole = {"ports": [{"port": 80}], "selector": {"app": "x"}, **spec}
    inputs = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": whole}
    return Object("kubernetes:core/v1:Service", "svc", inputs)


def secret(**fields: Any) -> Object:
    metadata = {"name": "hidden", "namespace": NAMESPACE}
    return Object(
        "kubernetes:core/v1:Secret", "hidden", {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **fields}
    )


def thing(**spec: Any) -> Object:
    metadata = {"name": "thing", "namespace": NAMESPACE}
    inputs = {"apiVersion": f"{GROUP}/v1", "kind": "Thing", "metadata": metadata, "spec": spec}
    return Object(f"kubernetes:{GROUP}/v1:Thing", "thing", inputs)


def test_an_unknown_field_of_a_built_in_kind_is_dropped_without_a_word(small: SmallStack, api: Any) -> None:
    """Why tests/test_strict_fields.py looks at every field that the program registers."""
    odd = deployment(SKIP_AWAIT, replicaz=3)
    done = small.up(odd)
    assert done.ok, done.said
    assert "replicaz" not in done.said
    assert "replicaz" not in str(small.state("app")["inputs"])
    assert set(small.up(odd).operations.values()) == {"same"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (service(type="Clusterip"), 'spec.type: Unsupported value: "Clusterip"'),
        (deployment(replicas="three"), ".spec.replicas: expected numeric (int or float), got string"),
        (
            deployment(template={"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [
                {"name": "c", "image": "c", "resources": {"limits": {"memory": "12Gib"}}}]}}),
            "quantities must match the regular expression",
        ),
        (deployment(selector={"matchLabels": {"app": "y"}}), "`selector` does not match template `labels`"),
        (thing(size="xxl"), 'spec.size: Unsupported value: "xxl"'),
    ],
    ids=["enum", "type", "quantity", "selector", "enum-of-a-custom-resource"],
)  # fmt: skip
def test_a_wrong_value_is_refused_at_preview_in_the_servers_words(small: SmallStack, wrong: Object, words: str) -> None:
    done = small.preview(wrong)
    assert not done.ok
    assert words in done.said, done.said


def test_an_unknown_field_of_a_custom_resource_is_refused_at_its_update(small: SmallStack) -> None:
    assert small.up(thing(size="s")).ok
    done = small.preview(thing(size="s", colour="red"))
    assert not done.ok
    assert ".spec.colour: field not declared in schema" in done.said


def test_marked_data_of_a_secret_is_not_in_the_state(small: SmallStack) -> None:
    """`data`, as our components write it."""
    encoded = base64.b64encode(b"canary-5b1f").decode()
    assert small.up(secret(data=lambda: {"token": pulumi.Output.secret(encoded)})).ok
    assert encoded not in small.state_text()


def test_an_object_without_a_name_gets_one_with_eight_digits(small: SmallStack) -> None:
    metadata = {"namespace": NAMESPACE}
    unnamed = Object(
        "kubernetes:core/v1:ConfigMap", "auto", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    )
    assert small.up(unnamed).ok
    given = small.state("auto")["inputs"]["metadata"]
    assert re.fullmatch(r"auto-[0-9a-f]{8}", given["name"])
    assert given["annotations"]["pulumi.com/autonamed"] == "true"


def test_what_is_updated_in_place_and_what_is_made_anew(small: SmallStack) -> None:
    """Without the provider's switches for ConfigMaps and Secrets, which the program sets."""
    before = (deployment(SKIP_AWAIT), service(), config_map(), secret(stringData={"a": "1"}))
    assert small.up(*before).ok
    image = {"metadata": {"labels": {"app": "x"}}, "spec": {**POD_SPEC, "containers": [{"name": "c", "image": "c:2"}]}}
    after = (deployment(SKIP_AWAIT, template=image), service(ports=[{"port": 81}]))
    assert small.preview(*after, config_map(data={"k": "w"}), secret(stringData={"a": "2"})).operations == {
        "app": "update", "svc": "update", "map": "replace", "hidden": "replace",
    }  # fmt: skip
    other = {"matchLabels": {"app": "x", "v": "1"}}
    replaced = small.preview(deployment(SKIP_AWAIT, selector=other), service(clusterIP="None"), *before[2:])
    # The engine does not always tell of what stays the same.
    changed = {name: operation for name, operation in replaced.operations.items() if operation != "same"}
    assert changed == {"app": "replace", "svc": "replace"}


def test_a_field_that_another_manager_holds_is_a_conflict_until_it_is_forced(small: SmallStack, api: Any) -> None:
    assert small.up(deployment(SKIP_AWAIT)).ok
    client.AppsV1Api(api).patch_namespaced_deployment(
        "app", NAMESPACE, {"spec": {"replicas": 1}}, field_manager="another-controller"
    )
    refused = small.up(deployment(SKIP_AWAIT, replicas=2))
    assert not refused.ok
    assert 'conflict with "another-controller"' in refused.said
    forced = small.up(deployment({**SKIP_AWAIT, "pulumi.com/patchForce": "true"}, replicas=2))
    assert forced.ok, forced.said
    assert client.AppsV1Api(api).read_namespaced_deployment("app", NAMESPACE).spec.replicas == 2


def test_a_namespace_or_a_kind_that_is_not_there_yet_previews(small: SmallStack) -> None:
    elsewhere = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "not-there-yet"}}
    later = {"apiVersion": f"{GROUP}/v9", "kind": "Later", "metadata": {"name": "l", "namespace": NAMESPACE}}
    done = small.preview(
        Object("kubernetes:core/v1:ConfigMap", "m", elsewhere), Object(f"kubernetes:{GROUP}/v9:Later", "l", later)
    )
    assert done.ok, done.said
    assert done.operations == {"m": "create", "l": "create"}


def test_an_object_that_is_there_already_is_taken_over_and_keeps_what_others_wrote(small: SmallStack, api: Any) -> None:
    core = client.CoreV1Api(api)
    core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "there"}, "data": {"mine": "yes"}})
    assert small.preview(config_map("there")).operations == {"there": "create"}
    done = small.up(config_map("there", data={"ours": "too"}))
    assert done.ok, done.said
    assert core.read_namespaced_config_map("there", NAMESPACE).data == {"mine": "yes", "ours": "too"}


def test_a_deployment_is_waited_for_up_to_its_limit_and_stays_in_the_state(small: SmallStack) -> None:
    done = small.up(deployment(limit="5s", replicas=1))
    assert not done.ok
    assert "timed out waiting to be Ready" in done.said
    assert small.state("app")["initErrors"]
    assert small.up(deployment(SKIP_AWAIT, replicas=1)).ok


def test_drift_shows_at_a_refresh_and_is_put_back(small: SmallStack, api: Any) -> None:
    assert small.up(config_map(), service()).ok
    core = client.CoreV1Api(api)
    core.patch_namespaced_service("svc", NAMESPACE, {"metadata": {"labels": {"foreign": "label"}}})
    core.delete_namespaced_config_map("map", NAMESPACE)
    assert small.preview(config_map(), service()).operations == {"map": "same", "svc": "same"}
    assert small.refresh().ok
    done = small.up(config_map(), service())
    assert done.operations == {"map": "create", "svc": "same"}
    assert core.read_namespaced_service("svc", NAMESPACE).metadata.labels == {"foreign": "label"}


def test_a_chart_that_is_not_there_is_refused_before_anything_is_installed(small: SmallStack) -> None:
    """The stack file's own check names every chart at once; this is what is left for what it cannot see."""
    inputs = {"chart": "/no/such/chart", "name": "none", "namespace": NAMESPACE}
    done = small.preview(Object("kubernetes:helm.sh/v3:Release", "none", inputs))
    assert not done.ok
    assert "not found" in done.said
