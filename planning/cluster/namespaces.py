"""Who owns which namespace: no two owners share one, and none of the stack's is a system namespace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from planning.backends.operators import asked_operators, is_installed, operator_namespace
from planning.cluster.ingress_table import callers_namespace
from planning.cluster.load_balancers import installs_controller
from planning.facts import rows
from planning.findings import Findings
from planning.model import NAMESPACE_OWNERS, SPARE_OWNER, NamespaceOwner, PodSecurity
from settings.gateway import IngressGateway
from settings.stack import StackSettings
from settings.tokens import SecretsManagerToken


@dataclass(frozen=True)
class _Claim:
    """A namespace that a setting names. `labelled`: we make it, with labels; else the cluster has it."""

    name: str
    path: str
    owner: NamespaceOwner
    labelled: bool = True


def system_owner(namespace: str) -> str | None:
    """Who owns a namespace that is none of ours to label, or None."""
    return next((row["owner"] for row in rows("namespaces.csv") if fnmatchcase(namespace, row["pattern"])), None)


def check_namespaces(settings: StackSettings, findings: Findings) -> None:
    """One namespace, one owner: a second would label it again, at another level, and close the first one's network."""
    first: dict[str, _Claim] = {}
    # What is not ours to move was there first, then who has its usual name: the other one is moved.
    for claim in sorted(_claims(settings), key=lambda served: (served.labelled, served.name != served.owner.usual)):
        system = system_owner(claim.name)
        if system is not None and claim.labelled and claim.name != claim.owner.usual:
            findings.error(
                claim.path,
                "reserved-namespace",
                f"{claim.name} belongs to {system}: Pod Security {claim.owner.level.value} and a closed network would "
                "stop what runs there",
                f"write another, for example {claim.owner.usual}",
            )
        before = first.setdefault(claim.name, claim)
        if claim.labelled and before.owner is not claim.owner:
            findings.error(
                claim.path,
                "shared-namespace",
                f"{claim.name} belongs to {before.owner.what} ({before.path}; Pod Security "
                f"{before.owner.level.value}: {before.owner.why})",
                f"write another, for example {_free(claim, first)}",
            )


def _claims(settings: StackSettings) -> Iterator[_Claim]:
    """Models come last."""
    named = {
        "gpuOperator.namespace": (settings.gpu_operator.namespace, settings.gpu_operator.enabled, True),
        "monitoring.namespace": (settings.monitoring.namespace, settings.monitoring.enabled, True),
        "keda.namespace": (
            settings.keda.namespace,
            any(model.autoscaling.kind == "keda" for model in settings.models),
            settings.keda.install,
        ),
        "externalSecrets.namespace": (
            settings.external_secrets.namespace,
            any(isinstance(model.token_secret, SecretsManagerToken) for model in settings.models),
            settings.external_secrets.install,
        ),
    }
    if installs_controller(settings):
        named["loadBalancerController.namespace"] = (settings.load_balancer_controller.namespace, True, True)
    if isinstance(settings.gateway, IngressGateway):
        named["gateway.namespace"] = (settings.gateway.namespace, True, True)
    for row in asked_operators(settings):
        if not row.beside_models:  # else the namespace is its models', who name it
            own = operator_namespace(settings, row)
            named[f"{row.setting}.namespace"] = (own, True, is_installed(settings, row))
    for path, (name, used, labelled) in named.items():
        if used:
            yield _Claim(name, path, NAMESPACE_OWNERS[path], labelled)
    if callers := callers_namespace(settings.gateway):
        owner = NamespaceOwner("an Ingress controller", PodSecurity.PRIVILEGED, "its owner set it up", callers)
        yield _Claim(callers, "gateway.controllerNamespace", owner, labelled=False)
    for index, pool in enumerate(settings.node_pools):
        if pool.spare_nodes:
            yield _Claim(SPARE_OWNER.usual, f"nodePools[{index}].spareNodes", SPARE_OWNER)
    for index, tenant in enumerate(settings.tenants):
        path = f"tenants[{index}].{'name' if tenant.namespace is None else 'namespace'}"
        yield _Claim(tenant.own_namespace, path, NAMESPACE_OWNERS["models[].namespace"])
    if there := settings.monitoring.existing:
        owner = NamespaceOwner("an existing Prometheus", PodSecurity.PRIVILEGED, "its owner set it up", there.namespace)
        yield _Claim(there.namespace, "monitoring.prometheus.namespace", owner, labelled=False)
    for index, model in enumerate(settings.models):
        yield _Claim(model.namespace, f"models[{index}].namespace", NAMESPACE_OWNERS["models[].namespace"])


def _free(claim: _Claim, taken: dict[str, _Claim]) -> str:
    usual = claim.owner.usual
    return usual if usual not in taken or taken[usual].owner is claim.owner else f"{usual}-2"
