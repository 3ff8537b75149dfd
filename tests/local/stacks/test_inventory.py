"""Everything that can be listed, through the official client; what is away is left out, what fails is not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.stacks.inventory import every_object, kubernetes_objects

KINDS = [
    {"name": "configmaps", "kind": "ConfigMap", "verbs": ["list"]},
    {"name": "events", "kind": "Event", "verbs": ["list"]},
    {"name": "pods", "kind": "Pod", "verbs": ["list"]},
    {"name": "pods/log", "kind": "Pod", "verbs": ["get"]},
    {"name": "bindings", "kind": "Binding", "verbs": ["create"]},
]
# By group: versions in the server's order, the preferred one first.
GROUPS = [
    {"preferredVersion": {"groupVersion": versions[0]}, "versions": [{"groupVersion": each} for each in versions]}
    for versions in (
        ("example.org/v1", "example.org/v1beta1", "example.org/v1alpha1"),
        ("away/v1",),
        ("apiextensions.k8s.io/v1",),
        ("apiregistration.k8s.io/v1",),
    )
]
LEFT = ("monitoring.coreos.com", "argoproj.io", "gateway.networking.k8s.io", "gateway.envoyproxy.io", "ray.io")
ANSWERS: dict[str, Any] = {
    "/apis": {"groups": GROUPS},
    "/api/v1": {"resources": KINDS},
    "/api/v1/configmaps": {"items": [{"metadata": {"name": "a", "namespace": "x"}, "data": {"k": "v"}}]},
    "/apis/example.org/v1": {"resources": [{"name": "things", "kind": "Thing", "verbs": ["list"]}]},
    "/apis/example.org/v1/things": {
        "items": [
            {"metadata": {"name": "t"}, "spec": {"odd": 1}},
            {"metadata": {"name": "of.monitoring.coreos.com"}},
        ]
    },
    "/apis/example.org/v1beta1": {
        "resources": [
            {"name": "things", "kind": "Thing", "verbs": ["list"]},
            {"name": "others", "kind": "Other", "verbs": ["list"]},
        ]
    },
    "/apis/example.org/v1beta1/things": {"items": [{"metadata": {"name": "another-form"}}]},
    "/apis/example.org/v1beta1/others": {"items": [{"metadata": {"name": "o", "namespace": "x"}}]},
    "/apis/example.org/v1alpha1": {"resources": [{"name": "others", "kind": "Other", "verbs": ["list"]}]},
    "/apis/example.org/v1alpha1/others": {"items": [{"metadata": {"name": "an-older-form"}}]},
    "/apis/apiextensions.k8s.io/v1": {
        "resources": [{"name": "definitions", "kind": "CustomResourceDefinition", "verbs": ["list"]}]
    },
    "/apis/apiextensions.k8s.io/v1/definitions": {
        "items": [{"metadata": {"name": f"things.{group}"}} for group in (*LEFT, "keda.sh", "array.io")]
    },
    "/apis/apiregistration.k8s.io/v1": {
        "resources": [{"name": "apiservices", "kind": "APIService", "verbs": ["list"]}]
    },
    "/apis/apiregistration.k8s.io/v1/apiservices": {
        "items": [{"metadata": {"name": f"v1.{group}"}} for group in (*LEFT, "example.org")]
    },
}  # fmt: skip
STATUS = {"/apis/away/v1": 503, "/api/v1/pods": 405}


class Server(BaseHTTPRequestHandler):
    failing = ""

    def do_GET(self) -> None:
        status = 500 if self.path == Server.failing else STATUS.get(self.path, 200 if self.path in ANSWERS else 404)
        data = json.dumps(ANSWERS.get(self.path, {"message": "no"})).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(Server, "failing", "")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file = tmp_path / "kubeconfig"
    content = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    file.write_text(yaml.safe_dump(content))
    yield file
    server.shutdown()
    server.server_close()


def test_every_kind_that_can_be_listed_is_listed_as_the_server_says_it(kubeconfig: Path) -> None:
    objects = list(every_object(kubeconfig))
    assert {"metadata": {"name": "a", "namespace": "x"}, "data": {"k": "v"}, "kind": "ConfigMap"} in objects
    assert {"metadata": {"name": "t"}, "spec": {"odd": 1}, "kind": "Thing"} in objects


def test_a_kind_that_its_groups_preferred_version_does_not_have_is_listed_once(kubeconfig: Path) -> None:
    listed = [item["metadata"]["name"] for item in every_object(kubeconfig) if item["kind"] in ("Thing", "Other")]
    assert listed == ["t", "of.monitoring.coreos.com", "o"]


def test_what_is_away_passes_by_itself_or_stays_after_helm_is_left_out(kubeconfig: Path) -> None:
    definitions = {"CustomResourceDefinition /things.keda.sh", "CustomResourceDefinition /things.array.io"}
    things = {"ConfigMap x/a", "Thing /t", "Thing /of.monitoring.coreos.com", "Other x/o"}
    assert kubernetes_objects(kubeconfig) == {*things, *definitions, "APIService /v1.example.org"}


def test_a_server_that_fails_is_not_taken_for_an_empty_one(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "failing", "/api/v1/configmaps")
    with pytest.raises(Exception, match="500"):
        kubernetes_objects(kubeconfig)
