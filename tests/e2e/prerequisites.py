"""What an example's page says to be in the cluster before the stack: made by the tests, and taken away again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import yaml
from kubernetes import client

from tests.e2e.cluster import Cluster, eventually, skip_unless_built
from tests.e2e.conftest import Platform

INFERENCE = {"gateway-helm": "gateway.networking.k8s.io", "inference-extension": "inference.networking.k8s.io"}
"""Folder of definitions that the platform's programs brought (`local/build/table.py`) -> the group that is taken."""
DEFINITIONS: Mapping[str, Mapping[str, str]] = {"llm-d": INFERENCE}
# Kinds that no program here brings: defined without a schema, and nothing acts on them.
BARE_KINDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "gateway": (("cert-manager.io", "v1", "Certificate"),),
    "ingress": (("cert-manager.io", "v1", "Certificate"), ("traefik.io", "v1alpha1", "Middleware")),
}
BUCKETS: Mapping[str, tuple[str, ...]] = {"weights": ("acme-weights",)}
NAMESPACES: Mapping[str, tuple[str, ...]] = {"llm-d": ("gateways",)}


@contextmanager
def prerequisites(platform: Platform, example: str) -> Iterator[None]:
    """For as long as the example is up; nothing where its page asks for nothing."""
    if DEFINITIONS.get(example):
        skip_unless_built("gateway", "llm-d")
    cluster = Cluster(platform)
    definitions = client.ApiextensionsV1Api(cluster.api)
    names = define(cluster, [*built_definitions(cluster, DEFINITIONS.get(example, {})), *_bare(example)])
    for namespace in NAMESPACES.get(example, ()):
        cluster.core.create_namespace({"metadata": {"name": namespace}})
    for bucket in BUCKETS.get(example, ()):
        s3(platform).create_bucket(Bucket=bucket)
    try:
        yield
    finally:
        for bucket in BUCKETS.get(example, ()):
            s3(platform).delete_bucket(Bucket=bucket)
        for namespace in NAMESPACES.get(example, ()):
            cluster.core.delete_namespace(namespace)
        for name in names:
            definitions.delete_custom_resource_definition(name)


def s3(platform: Platform) -> Any:
    """A client of the platform's S3."""
    return boto3.client(
        "s3", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{platform.ports['aws']}",
        aws_access_key_id="local", aws_secret_access_key="local",
    )  # fmt: skip


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


def _bare(example: str) -> Iterator[dict[str, Any]]:
    for group, version, kind in BARE_KINDS.get(example, ()):
        plural = f"{kind.lower()}s"
        served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}}
        open_schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                "scope": "Namespaced",
                "versions": [{**served, "schema": {"openAPIV3Schema": open_schema}}],
            },
        }
