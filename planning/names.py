"""Every name that a stack registers and that the stack file has a say in, computed before anything is registered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from planning.facts import rows
from planning.findings import Findings
from planning.model import SPARE_OWNER
from settings.backends import Backend
from settings.gateway import GatewayApi
from settings.models import Model, VolumeCache
from settings.shared_files import keeps_compiled, reads_shared
from settings.sources import BucketSource
from settings.stack import StackSettings
from settings.tenants import TenantSettings
from settings.tokens import SecretsManagerToken


@dataclass(frozen=True)
class Registered:
    """One resource. `path` and `word`: the setting it is named after, and what stands there.

    `urn`: component, type and logical name, by which Pulumi knows it; None: a controller creates it. `object`: kind,
    namespace and name in Kubernetes, the namespace empty where it is of none; None: it is no object.
    """

    path: str
    word: str
    urn: tuple[str, str, str] | None
    object: tuple[str, str, str] | None


def registered(settings: StackSettings) -> tuple[Registered, ...]:
    """What models, their namespaces and pools are called in Pulumi and in Kubernetes."""
    rows: list[Registered] = []
    first: dict[str, str] = {}
    stores = {model.namespace for model in settings.models if isinstance(model.token_secret, SecretsManagerToken)}
    proxied = {model.namespace for model in settings.models if settings.backend_of(model) is Backend.KUBEAI}
    for index, model in enumerate(settings.models):
        token = model.token_secret
        external = external_token_name(model.name, token) if isinstance(token, SecretsManagerToken) else ""
        rows += _rows("model", f"models[{index}].name", model.name, model.namespace, _kinds(model, settings), external)
        first.setdefault(model.namespace, f"models[{index}].namespace")
    for index, tenant in enumerate(settings.tenants):
        rows += _rows("tenant", f"tenants[{index}].name", tenant.name, tenant.own_namespace, _tenant_kinds(tenant))
        path = f"tenants[{index}].{'name' if tenant.namespace is None else 'namespace'}"
        first.setdefault(tenant.own_namespace, path)
    for namespace, path in first.items():
        kinds = {"external"} if namespace in stores else set()
        kinds |= {"kubeai"} if namespace in proxied else set()
        rows += _rows("namespace", path, namespace, namespace, kinds)
    for index, pool in enumerate(settings.node_pools):
        rows += _rows("pool", f"nodePools[{index}].name", pool.name, settings.gpu_operator.namespace, {pool.kind})
        if pool.spare_nodes:
            rows += _rows("spare pool", f"nodePools[{index}].name", pool.name, SPARE_OWNER.usual)
    return tuple(rows)


def check_names(settings: StackSettings, findings: Findings) -> None:
    """Two of one name in one place: the second would be the first one's, or end an update half-way."""
    taken: dict[tuple[str, ...], Registered] = {}
    reported: set[tuple[str, str]] = set()
    # What is not called after a model was there first.
    for row in sorted(registered(settings), key=_chosen):
        for key in filter(None, (row.object, row.urn)):
            before = taken.setdefault(key, row)
            if before.path != row.path and (row.path, before.path) not in reported:
                reported.add((row.path, before.path))
                findings.error(row.path, "name-twice", _words(row, before, key), "choose another name")


def _chosen(row: Registered) -> bool:
    """Whether its name is a model's to choose; what namespaces, Kubernetes and KEDA make is not."""
    return row.urn is not None and row.path.startswith("models") and row.path.endswith(".name")


def _words(row: Registered, before: Registered, key: tuple[str, ...]) -> str:
    kind = key[0].rsplit(":", 1)[-1] if key == row.object else key[1].rsplit(":", 1)[-1]
    where = f" in namespace {key[1]}" if key == row.object and key[1] else ""
    return f"{row.word} makes {kind} {key[2]}{where}, and so does {before.path} {before.word}"


def external_token_name(model: str, secret: SecretsManagerToken) -> str:
    """Name of the Secret with a model's token out of Secrets Manager, and of the ExternalSecret that makes it.

    Where it is read from is part of the name: what is read elsewhere is another Secret, which must be there before a
    pod asks for it and while the old one still is. Nor can it meet the Secret that Pulumi makes of a config secret.
    """
    where = sha256(f"{secret.name}\n{secret.property or ''}".encode()).hexdigest()[:8]
    return f"{model}-hf-{where}"


def _kinds(model: Model, settings: StackSettings) -> set[str]:
    kinds = {settings.backend_of(model).value if model.nodes == 1 else "nodes"}
    kinds |= {"volume"} if isinstance(model.cache, VolumeCache) else set()
    kinds |= {"compiled"} if keeps_compiled(model) else set()
    kinds |= {"efs"} if reads_shared(model) else set()
    if isinstance(model.origin, BucketSource) and not reads_shared(model):
        kinds |= {"bucket", "bucket-job"} if isinstance(model.cache, VolumeCache) else {"bucket"}
    kinds |= {"gateway"} if isinstance(settings.gateway, GatewayApi) else set()
    own = {tenant.own_namespace for tenant in settings.tenants if tenant.api_keys}
    kinds |= {"keys"} if "gateway" in kinds and model.namespace in own else set()
    kinds |= {"template"} if model.chat_template is not None else set()
    kinds |= {"external"} if isinstance(model.token_secret, SecretsManagerToken) else set()
    return kinds | ({"keda"} if model.autoscaling.kind == "keda" else set())


def _tenant_kinds(tenant: TenantSettings) -> set[str]:
    return {"groups"} if tenant.groups else set()


def _rows(
    per: str, path: str, name: str, namespace: str, kinds: set[str] | None = None, token: str = ""
) -> Iterator[Registered]:
    for row in rows("registered_names.csv"):
        if row["per"] != per or (row["when"] and row["when"] not in (kinds or ())):
            continue
        logical = row["logical"].format(name=name)
        called = row["object"].format(name=name, token=token, namespace=namespace)
        where = "" if row["scope"] == "cluster" else namespace
        yield Registered(
            path,
            name,
            (row["component"], row["type"], logical) if logical else None,
            (row["type"], where, called) if called else None,
        )
