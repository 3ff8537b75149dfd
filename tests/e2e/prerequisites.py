"""What an example's page says to be in the cluster before the stack: made by the tests, and taken away again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import yaml
from kubernetes import client
from kubernetes.utils import create_from_dict

from local.commands.completion import RunningModel, service_url
from local.nodes.volumes import EFS
from tests.conftest import REPO
from tests.e2e.cluster import Cluster, eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.example_table import example_table
from tests.e2e.loading import PREFIX
from tests.reference_data import REFERENCE

INFERENCE = {"gateway-helm": "gateway.networking.k8s.io", "inference-extension": "inference.networking.k8s.io"}
"""Folder of definitions that programs brought (`local/build/chart_table.py`) -> the group that is taken."""
GATEWAY_API = "gateway.networking.k8s.io"
DEFINITIONS: Mapping[str, Mapping[str, str]] = {"llm-d": INFERENCE}
# Kinds that no program here brings: by the schema that tests keep, or without one.
BARE_KINDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "gateway": (("cert-manager.io", "v1", "Certificate"),),
    "ingress": (("cert-manager.io", "v1", "Certificate"), ("traefik.io", "v1alpha1", "Middleware")),
    "aibrix": ((GATEWAY_API, "v1", "HTTPRoute"), (GATEWAY_API, "v1beta1", "ReferenceGrant")),
}
# What stands for a control plane that is the reader's, and the address of its gateway: namespace and Service.
CONTROL_PLANES: Mapping[str, tuple[Path, tuple[str, str]]] = {
    "aibrix": (REPO / "local" / "manifests" / "aibrix.yaml", ("envoy-gateway-system", "envoy-aibrix-system-aibrix-eg")),
}
# Of a class of the EFS CSI driver, whose file system is the reader's (local/nodes/volumes.py plays the driver).
STORAGE_CLASSES: Mapping[str, tuple[str, ...]] = {"kubeai": ("efs",)}
NAMESPACES: Mapping[str, tuple[str, ...]] = {"llm-d": ("gateways",)}


@contextmanager
def prerequisites(platform: Platform, example: str) -> Iterator[Mapping[str, str]]:
    """For as long as the example is up; nothing where its page asks for nothing.

    Yields what AWS named itself: what the example's file shows -> what it is called here.
    """
    if DEFINITIONS.get(example):
        skip_unless_built("gateway", "llm-d")
    cluster = Cluster(platform)
    definitions = client.ApiextensionsV1Api(cluster.api)
    names = define(cluster, [*built_definitions(cluster, DEFINITIONS.get(example, {})), *_bare(cluster, example)])
    for namespace in NAMESPACES.get(example, ()):
        cluster.core.create_namespace({"metadata": {"name": namespace}})
    buckets = filled_buckets(s3(platform), example)
    zones = hosted_zones(aws_client(platform, "route53"), example)
    storage = client.StorageV1Api(cluster.api)
    for storage_class in STORAGE_CLASSES.get(example, ()):
        storage.create_storage_class(shared_class(storage_class))
    control_plane = _installed(cluster, example)
    try:
        yield zones
    finally:
        _removed(cluster, control_plane)
        for zone in zones.values():
            aws_client(platform, "route53").delete_hosted_zone(Id=zone)  # refused where a record is left in it
        for storage_class in STORAGE_CLASSES.get(example, ()):
            storage.delete_storage_class(storage_class)
        for bucket, keys in buckets.items():
            for key in keys:
                s3(platform).delete_object(Bucket=bucket, Key=key)
            s3(platform).delete_bucket(Bucket=bucket)
        for namespace in NAMESPACES.get(example, ()):
            cluster.core.delete_namespace(namespace)
        for name in names:
            definitions.delete_custom_resource_definition(name)


def shared_class(name: str) -> dict[str, Any]:
    """A class whose volumes any number of nodes mounts: access points of a file system that is not there."""
    return {
        "metadata": {"name": name},
        "provisioner": EFS,
        "parameters": {"provisioningMode": "efs-ap", "fileSystemId": "fs-0123456789abcdef0", "directoryPerms": "700"},
    }


def _installed(cluster: Cluster, example: str) -> list[dict[str, Any]]:
    """Makes the control plane that the example's reader has; its pods run once the stack has nodes."""
    if example not in CONTROL_PLANES:
        return []
    documents = list(yaml.safe_load_all(CONTROL_PLANES[example][0].read_text()))
    for document in documents:
        create_from_dict(cluster.api, document)
    return documents


def _removed(cluster: Cluster, documents: list[dict[str, Any]]) -> None:
    """With their namespaces; waits until these are gone."""
    names = {document["metadata"]["name"] for document in documents if document["kind"] == "Namespace"}
    for name in names:
        cluster.core.delete_namespace(name)
    eventually(
        "gone", lambda: not names & {each.metadata.name for each in cluster.core.list_namespace().items}, lambda: names
    )


def through_its_gateway(platform: Platform, example: str) -> str:
    """Where a model of the example is asked through the reader's control plane. Raises PlatformError: not yet there."""
    namespace, service = CONTROL_PLANES[example][1]
    return service_url(platform.paths, RunningModel(namespace, service, 1, 1, 1, 1))


def replaced_with_nodes(example: str) -> tuple[str, ...]:
    """How names begin of the reader's objects that are other ones when the stack's nodes have gone."""
    if example not in CONTROL_PLANES:
        return ()
    documents = yaml.safe_load_all(CONTROL_PLANES[example][0].read_text())
    return tuple(f"Pod {each['metadata']['name']}/" for each in documents if each["kind"] == "Namespace")


def s3(platform: Platform) -> Any:
    """A client of the platform's S3."""
    return aws_client(platform, "s3")


def aws_client(platform: Platform, service: str) -> Any:
    """A client of the platform's AWS endpoint."""
    return boto3.client(
        service, region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{platform.ports['aws']}",
        aws_access_key_id="local", aws_secret_access_key="local",
    )  # fmt: skip


def hosted_zones(route53: Any, example: str) -> dict[str, str]:
    """Makes the public zones in which the example's hosts lie; the id that its file shows -> the one that AWS gave."""
    zones: dict[str, str] = {}
    for row in (row for row in example_table() if row.name == example):
        gateway = row.config().get(PREFIX + "gateway", {})
        shown = gateway.get("certificate", {}).get("hostedZoneId")
        if shown is not None:
            made = route53.create_hosted_zone(Name=gateway["host"].partition(".")[2], CallerReference=uuid4().hex)
            zones[shown] = made["HostedZone"]["Id"].removeprefix("/hostedzone/")
    return zones


def filled_buckets(storage: Any, example: str) -> dict[str, list[str]]:
    """Makes the buckets that models of the example are read from; bucket -> key of a file below each prefix.

    The pre-flight asks for both; what is in the file is read by nobody here.
    """
    rows = [row for row in example_table() if row.name == example]  # none of a backend that no example is called after
    keys: dict[str, list[str]] = {}
    for model in (model for row in rows for model in row.config()[PREFIX + "models"]):
        if model["source"].startswith("s3://"):
            bucket, prefix = model["source"].removeprefix("s3://").split("/", 1)
            keys.setdefault(bucket, []).append(f"{prefix}/config.json")
    for bucket, own in keys.items():
        storage.create_bucket(Bucket=bucket)
        for key in own:
            storage.put_object(Bucket=bucket, Key=key, Body=b"{}")
    return keys


def built_definitions(cluster: Cluster, groups: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Those of the groups that the cluster does not have: Helm leaves a chart's definitions behind."""
    there = cluster.definitions(*groups.values())
    for folder, group in groups.items():
        for file in sorted((cluster.platform.paths.tools / "definitions" / folder).glob("*.yaml")):
            definition = yaml.safe_load(file.read_text())
            if definition["spec"]["group"] == group and definition["metadata"]["name"] not in there:
                yield definition


def define(cluster: Cluster, definitions: list[dict[str, Any]]) -> list[str]:
    """Makes them and waits until they are served; their names."""
    api = client.ApiextensionsV1Api(cluster.api)
    names = [definition["metadata"]["name"] for definition in definitions]
    for definition in definitions:
        api.create_custom_resource_definition(definition)

    def established(name: str) -> bool:
        conditions = api.read_custom_resource_definition(name).status.conditions or []
        return any(condition.type == "Established" and condition.status == "True" for condition in conditions)

    eventually("established", lambda: all(map(established, names)), lambda: names)
    return names


def _bare(cluster: Cluster, example: str) -> Iterator[dict[str, Any]]:
    kinds = BARE_KINDS.get(example, ())
    there = cluster.definitions(*(group for group, _, _ in kinds))
    for group, version, kind in kinds:
        plural = f"{kind.lower()}s"
        if f"{plural}.{group}" in there:
            continue
        served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}}
        kept = REFERENCE / "crds" / group / version / f"{kind}.json"
        bare = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        open_schema = json.loads(kept.read_text()) if kept.exists() else bare
        protected = {"api-approved.kubernetes.io": "unapproved, of a test"} if group.endswith(".k8s.io") else {}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}", "annotations": protected},
            "spec": {
                "group": group,
                "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                "scope": "Namespaced",
                "versions": [{**served, "schema": {"openAPIV3Schema": open_schema}}],
            },
        }
