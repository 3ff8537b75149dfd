"""`ExternalSecrets`: External Secrets Operator with its role, only in a stack with tokens in AWS Secrets Manager; and
`SecretStore`, by which the models of a namespace reach them (docs/adr/0027)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.aws import iam
from components.aws.pod_identity import ServiceAccount, pod_identity
from components.cluster.namespace import namespace_manifest
from components.cluster.network_policies import external_secrets_policies, register_policies
from components.helm import release_arguments
from components.manifest import WAIT_READY, Manifest, arguments, custom_resource
from components.scraping import service_monitor_values
from planning.model import OWN_LABELS, SECRET_STORE, ExternalSecretsPlan, Tags
from planning.versions.pins import mirrored

RELEASE = "external-secrets"
SERVICE_ACCOUNT = "external-secrets"
IMAGE_REPOSITORY = "ghcr.io/external-secrets/external-secrets"
# The chart sets none. Estimate for some dozens of ExternalSecrets; it caches the Secrets that it manages, no others.
CPU, MEMORY, MOST_MEMORY = "20m", "128Mi", "512Mi"
# A role's rights take some seconds to be everywhere in IAM, and a store is asked again after failures.
READY_SECONDS = 300


def external_secrets_values(plan: ExternalSecretsPlan) -> dict[str, Any]:
    """Values of chart external-secrets; only what differs from its defaults or must not move with them."""
    values: dict[str, Any] = {
        "fullnameOverride": RELEASE,
        "installCRDs": True,
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        # Who may write a SecretStore reads with the operator's role, so the right is never granted implicitly: not
        # by a ClusterSecretStore, and not to every editor of a namespace by the roles that Kubernetes adds up.
        "processClusterStore": False,
        "processClusterExternalSecret": False,
        "processClusterGenerator": False,
        "processPushSecret": False,
        "processClusterPushSecret": False,
        "openshiftFinalizers": False,
        "rbac": {
            "aggregateToView": False,
            "aggregateToEdit": False,
            "aggregateToAdmin": False,
            "serviceAccountTokenCreate": False,
            "servicebindings": {"create": False},
        },
        # Only we write its objects, and their definitions say what is right: a webhook that is away would stop updates.
        "webhook": {"create": False},
        "certController": {"create": False},
        "livenessProbe": {"enabled": True},
        "readinessProbe": {"enabled": True},
        "resources": {"requests": {"cpu": CPU, "memory": MEMORY}, "limits": {"memory": MOST_MEMORY}},
        "serviceMonitor": service_monitor_values(
            plan.network, plan.scrape_interval_seconds, renderMode="failIfMissing"
        ),
    }
    if plan.mirror:
        values["image"] = {"repository": mirrored(IMAGE_REPOSITORY, plan.mirror)}
    return values


def secret_store(namespace: str, region: str) -> Manifest:
    """The way to Secrets Manager of a region for one namespace, with the operator's own role: no credentials in it."""
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {
            "name": SECRET_STORE,
            "namespace": namespace,
            "labels": dict(OWN_LABELS),
            "annotations": dict(WAIT_READY),
        },
        "spec": {"provider": {"aws": {"service": "SecretsManager", "region": region}}},
    }


@dataclass(frozen=True)
class ExternalSecretsArgs:
    """`cluster_name`: of a cluster that is there. `after`: what brings the kind ServiceMonitor."""

    plan: ExternalSecretsPlan
    cluster_name: pulumi.Input[str]
    tags: Tags
    after: tuple[pulumi.Resource, ...] = ()


class ExternalSecrets(pulumi.ComponentResource):
    """Role, pod identity, namespace and release. `release` brings the kinds, and reads while it is there."""

    release: pulumi.Resource

    def __init__(self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:ExternalSecrets", name, None, opts)
        plan, child = args.plan, pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            **arguments(namespace_manifest(plan.namespace, "externalSecrets.namespace")),
            opts=child,
        )
        closed = register_policies(name, external_secrets_policies(plan), namespace.metadata["name"], child)
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            **release_arguments(plan.chart, RELEASE, plan.timeout_seconds),
            namespace=namespace.metadata["name"],
            values=external_secrets_values(plan),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: a pod gets its identity when it is made, no pod is there without its policies, and
                # the release holds a ServiceMonitor. A destroy takes the operator, which ends what its objects hold
                # on to, before its rights.
                depends_on=[*self._identity(name, args), *closed, *args.after],
            ),
        )
        self.register_outputs({})

    def _identity(self, name: str, args: ExternalSecretsArgs) -> list[pulumi.Resource]:
        plan = args.plan

        def rights(role: aws.iam.Role) -> dict[str, pulumi.Input[str]]:
            # Of the account that the role is in: no secret of another, and no wildcard for it.
            return {"policy": role.arn.apply(lambda arn: iam.external_secrets_policy(plan, arn.split(":")[4]))}

        whose = ServiceAccount(args.cluster_name, plan.namespace, SERVICE_ACCOUNT)
        description = f"External Secrets Operator of EKS cluster {plan.cluster_name}"
        return pod_identity(name, whose, description, rights, args.tags, self)


@dataclass(frozen=True)
class SecretStoreArgs:
    """`namespace`: one that is there. `after`: what brings the kind, where we install it."""

    namespace: pulumi.Input[str]
    region: str
    after: tuple[pulumi.Resource, ...] = ()


class SecretStore(pulumi.ComponentResource):
    """`store` is Ready: the operator has credentials. Called after its namespace."""

    store: pulumi.Resource

    def __init__(self, name: str, args: SecretStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:SecretStore", name, None, opts)
        manifest, wait = secret_store(name, args.region), f"{READY_SECONDS}s"
        self.store = custom_resource(
            f"{name}-secret-store",
            manifest,
            namespace=args.namespace,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: the kind exists only once the release has brought it, and a destroy takes it before.
                depends_on=list(args.after),
                custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait),
            ),
        )
        self.register_outputs({})
