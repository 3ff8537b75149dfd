"""Manifests as plain dictionaries, spelled as Kubernetes spells them, and the way from there to Pulumi's SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from planning.model import OWN_LABELS

Manifest = dict[str, Any]

# Pulumi's Kubernetes provider ends the step when the condition is true, and fails it at its time-out; without it, it
# waits for no custom resource (pulumi-kubernetes 4.25.0, provider/pkg/metadata/overrides.go).
WAIT_READY: Mapping[str, str] = {"pulumi.com/waitFor": "condition=Ready"}

_HEAD = ("apiVersion", "kind")


def labels(app: str, instance: str, component: str) -> dict[str, str]:
    """The labels of every object of ours, in the words Kubernetes recommends."""
    return {
        "app.kubernetes.io/name": app,
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/component": component,
        **OWN_LABELS,
    }


def selector(app: str, instance: str, component: str) -> dict[str, str]:
    """The part of `labels` that selects: few, because a Deployment's selector can never change."""
    every = labels(app, instance, component)
    return {
        key: every[key]
        for key in ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component")
    }


def arguments(manifest: Manifest, namespace: pulumi.Input[str] | None = None) -> dict[str, Any]:
    """A manifest as keyword arguments of its SDK class.

    `namespace` replaces the name in the manifest by the Namespace resource's own output: so the order of creation
    and deletion follows the data.
    """
    values = {_snake_case(key): value for key, value in manifest.items() if key not in _HEAD}
    if namespace is not None:
        values["metadata"] = {**manifest["metadata"], "namespace": namespace}
    return values


def custom_resource(
    name: str, manifest: Manifest, opts: pulumi.ResourceOptions, namespace: pulumi.Input[str] | None = None
) -> CustomResource:
    """Registers an object of a kind that a chart brings; in the opts: what brings it, which is hidden ordering."""
    head = {"api_version": manifest["apiVersion"], "kind": manifest["kind"]}
    return CustomResource(name, **head, **arguments(manifest, namespace), opts=opts)


def other_resource(
    name: str, manifest: Manifest, opts: pulumi.ResourceOptions, namespace: pulumi.Input[str]
) -> pulumi.CustomResource:
    """As `custom_resource`, of a kind that says something beside `spec`: the SDK's class has no room for it."""
    inputs = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
    return pulumi.CustomResource(f"kubernetes:{manifest['apiVersion']}:{manifest['kind']}", name, inputs, opts)


def _snake_case(key: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower()
