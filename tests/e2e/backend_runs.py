"""The serving backends as they are brought up on the platform, one row of `backends.csv` each.

settings: beside `backend`, what it needs in sections. model: of each model. autoscaling: of each model, where an HPA
does not move it. updates: the resources, with {name} for the model's, that a changed flag updates. kind: an object of
that backend. program: what runs on the platform for it alone. without: why it cannot come up there; empty: it can.
"""

from __future__ import annotations

import csv
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient

from local.commands.completion import services
from planning.backends.table import BackendRow, backends
from tests.e2e.cluster import Cluster, eventually
from tests.e2e.conftest import Platform
from tests.e2e.loading import changed_stack

TABLE = Path(__file__).parent / "backends.csv"
STACK = "local"
# Two requests in flight fill a replica.
FOLLOWS_LOAD = {
    "minReplicas": 1,
    "maxReplicas": 2,
    "metrics": [{"kind": "inFlight", "target": 2}],
    "scaleUp": {"windowSeconds": 0, "pods": 4, "periodSeconds": 15},
}
# What the state holds in the place of a secret (pulumi/sdk, resource/plugin: SigKey).
SECRET = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True)
class BackendRun:
    """A row of the table."""

    name: str
    settings: Mapping[str, Mapping[str, Any]]
    model: Mapping[str, Any]
    autoscaling: Mapping[str, Any]
    updates: str
    kind: tuple[str, str, str]
    """API version, kind and name."""
    program: str
    without: str

    def updated(self, model: str) -> set[str]:
        """Names of the resources that another flag of the model updates; everything else stays as it is."""
        return {word.format(name=model) for word in self.updates.split()}

    def write(self, folder: Path, models: Mapping[str, Mapping[str, Any]]) -> Path:
        """The stack file with these models, each with its own settings.

        Nodes for two servers of each and the new ones of a roll: where there is no room for these, another model
        changes how the first one rolls.
        """

        def change(settings: dict[str, Any], model: dict[str, Any]) -> None:
            settings["monitoring"] = {"scrapeIntervalSeconds": 5}
            settings["systemNodes"] = {"instanceTypes": ["m7i.xlarge"], "minNodes": 4, "maxNodes": 4}
            settings["nodePools"][0] |= {"minNodes": 9, "maxNodes": 9}
            settings["backend"] = self.name
            for section, own in self.settings.items():
                settings[section] = {**settings.get(section, {}), **own}
            model |= {"autoscaling": dict(self.autoscaling), **self.model}
            for key in ("traffic", "slo"):
                model.pop(key)
            settings["models"] = [{**model, "name": name, "servedName": name, **own} for name, own in models.items()]

        return changed_stack(folder, change)


def backend_runs() -> list[BackendRun]:
    """All rows."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            BackendRun(
                row["backend"],
                yaml.safe_load(row["settings"]),
                yaml.safe_load(row["model"]),
                yaml.safe_load(row["autoscaling"]) or FOLLOWS_LOAD,
                row["updates"],
                _kind(row["kind"]),
                row["program"],
                row["without"],
            )
            for row in csv.DictReader(file)
        ]


def _kind(text: str) -> tuple[str, str, str]:
    version, kind, name = text.split()
    return version, kind, name


class Served(Cluster):
    """The platform while a backend serves there."""

    def __init__(self, platform: Platform, row: BackendRun, folder: Path) -> None:
        super().__init__(platform)
        self.row, self.folder = row, folder
        self.of_backend: BackendRow = backends()[row.name]

    def up(self, models: Mapping[str, Mapping[str, Any]]) -> str:
        """`up` of the stack with these models; its output."""
        file = self.row.write(self.folder, models)
        return self.platform.run("up", "--stack", STACK, "--stack-file", str(file))

    def pods(self, model: str) -> list[Any]:
        """Servers of a model that stay, by the labels of the backend's row."""
        labels = {key: value.format(name=model) for key, value in self.of_backend.labels.items()}
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        pods = self.core.list_namespaced_pod("models", label_selector=selector).items
        return [pod for pod in pods if pod.metadata.deletion_timestamp is None]

    def arguments(self, model: str) -> list[str]:
        """Where the backend says a model's arguments: of its servers' containers, or in Ray's own words."""
        version, kind, name = self.row.kind
        if kind != "RayService":
            return [word for pod in self.pods(model) for word in pod.spec.containers[0].args]
        group, _, number = version.partition("/")
        plural, name = f"{kind.lower()}s", name.format(name=model)
        service = self.custom.get_namespaced_custom_object(group, number, "models", plural, name)
        return [str(service["spec"]["serveConfigV2"])]

    def address(self, model: str) -> str:
        """Of the model's API on this machine, without `/v1`."""

        def listed() -> list[str]:
            return [
                service["url"].rstrip("/")
                for service in services(self.platform.paths)
                if (service["namespace"], service["name"]) == ("models", model)
            ]

        host = str(eventually(f"an address of {model}", listed)[0])
        return host + self.of_backend.path.removesuffix("/v1")

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Of the platform's Prometheus."""
        asked = urllib.parse.urlencode({"query": expression})
        url = f"http://127.0.0.1:{self.platform.ports['prometheus']}/api/v1/query?{asked}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])

    def written(self) -> Iterator[dict[str, Any]]:
        """Objects of Kubernetes as the program asked for them, by the state; those with secrets are left out."""
        for resource in self.platform.stack(STACK).resources():
            body = resource.get("inputs") or {}
            if "apiVersion" in body and "metadata" in body and SECRET not in json.dumps(body):
                yield {key: value for key, value in body.items() if not key.startswith("__")}


def refused(served: Served, bodies: list[dict[str, Any]]) -> dict[str, str]:
    """`Kind name` -> what the API server finds wrong with an object when it looks strictly (fieldValidation=Strict):
    a field that its kind does not have, or one twice. Applied as a dry run, so that nothing changes."""
    client = DynamicClient(served.api)
    answers = {}
    for body in bodies:
        metadata = body["metadata"]
        kind = client.resources.get(api_version=body["apiVersion"], kind=body["kind"])
        try:
            client.server_side_apply(
                kind, body, metadata["name"], metadata.get("namespace"), force_conflicts=True, field_manager="strict",
                dry_run="All", query_params=[("fieldValidation", "Strict")],
            )  # fmt: skip
        except ApiException as error:
            answers[f"{body['kind']} {metadata['name']}"] = str(json.loads(error.body)["message"])
    return answers
