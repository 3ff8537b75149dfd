"""`VllmModel`: one model: the servers that its backend makes, with all that belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.aws.iam import bucket_policy
from components.aws.pod_identity import ServiceAccount, pod_identity
from components.cluster.gateway.manifests import session_policy, tenant_keys
from components.cluster.gateway.routes import route
from components.manifest import Manifest, arguments, custom_resource
from components.serving.backends import BACKENDS, WorkloadArgs
from components.serving.manifests.alerts import alert_rules
from components.serving.manifests.chat_template import chat_template
from components.serving.manifests.download import download_job
from components.serving.manifests.external_secret import external_secret
from components.serving.manifests.names import bucket_account, has_download_job, reads_shared
from components.serving.manifests.network_policy import download_policy, server_policy
from components.serving.manifests.pod_monitor import pod_monitor
from components.serving.manifests.service import (
    download_account,
    pod_disruption_budget,
    service,
    service_account,
    token_secret,
)
from components.serving.manifests.volumes import cache_claim
from components.serving.shared_weights import AWAIT_MARGIN_SECONDS, SharedWeights
from planning.model import BucketPlan, GatewayPlan, RemoteTokenPlan, ServedModel, Tags, TokenPlan

# What the operator tries again and again within: a role's rights that are new to IAM.
READ_WAIT = "300s"


@dataclass(frozen=True)
class VllmModelArgs:
    """`hf_token`: needed where the plan makes the token's Secret. `gpus_after`: what proves that the pool's GPUs work.

    `monitors_after`: what brings the PodMonitor kind; needed where the plan has a monitoring namespace.
    `backend_after`: what brings the kinds of the model's backend.
    `store_after`: the SecretStore of a token that is read from elsewhere.
    `gateway_after`: the gateway it stands behind.
    `shared`: the file system that models share; needed where the weights are on it.
    `prometheus_url`: with port; needed where the plan has a canary.
    `cluster_name`, `tags`: of the role that reads a bucket; needed where the source is one.
    """

    model: ServedModel
    namespace: pulumi.Input[str]
    priority_class: pulumi.Input[str]
    hf_token: pulumi.Input[str] | None = None
    gpus_after: tuple[pulumi.Resource, ...] = ()
    monitors_after: tuple[pulumi.Resource, ...] = ()
    backend_after: tuple[pulumi.Resource, ...] = ()
    store_after: tuple[pulumi.Resource, ...] = ()
    gateway_after: tuple[pulumi.Resource, ...] = ()
    shared: SharedWeights | None = None
    prometheus_url: pulumi.Input[str] | None = None
    cluster_name: pulumi.Input[str] | None = None
    tags: Tags = field(default_factory=dict)


class VllmModel(pulumi.ComponentResource):
    """The servers of one model. `url` is the OpenAI base URL inside the cluster."""

    deployment_name: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, args: VllmModelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:VllmModel", name, None, opts)
        model = args.model
        before = [self._identity(name, args), self._network(name, args), *self._token(name, args)]
        before += self._template(name, args)
        before += self._bucket(name, args)
        if has_download_job(model):
            before = [self._download(name, args, tuple(before))]
        if reads_shared(model) or model.compiled:
            before += self._shared(name, args, tuple(before))
        before += [*args.gpus_after, *args.backend_after]
        workload = WorkloadArgs(
            model, args.namespace, args.priority_class, tuple(before), args.monitors_after, args.prometheus_url
        )
        servers = BACKENDS[model.backend].register(name, workload, self)
        self.deployment_name = servers.deployment_name
        address = k8s.core.v1.Service(
            f"{name}-service",
            **arguments(service(model), args.namespace),
            # Hidden ordering: who answers must be there before it is the address, or a move leaves it without any.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(servers.address_after)),
        )
        k8s.policy.v1.PodDisruptionBudget(
            f"{name}-pdb",
            **arguments(pod_disruption_budget(model), args.namespace),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if model.monitoring_namespace:
            self._monitored(f"{name}-pod-monitor", pod_monitor(model), args)
        if model.alert_groups:
            self._monitored(f"{name}-alerts", alert_rules(model), args)
        if model.gateway:
            self._routed(name, model.gateway, args, address)
        self.url = pulumi.Output.format(
            "http://{0}.{1}.svc.cluster.local:{2}{3}",
            address.metadata["name"],
            args.namespace,
            model.port,
            model.api_path,
        )
        self.register_outputs({"deploymentName": self.deployment_name, "url": self.url})

    def _routed(self, name: str, plan: GatewayPlan, args: VllmModelArgs, address: pulumi.Resource) -> None:
        after: tuple[pulumi.Resource, ...] = (*args.gateway_after, address)
        secret = plan.tenant_secrets.get(args.model.namespace)
        if secret is not None:
            # Hidden ordering: its own keys before its route, or the gateway's keys open it for a moment.
            after = (*after, self._custom(f"{name}-keys", tenant_keys(args.model, secret), args, after))
        self._custom(f"{name}-route", route(args.model, plan), args, after)
        if header := plan.session_headers.get(args.model.name):
            self._custom(f"{name}-sessions", session_policy(args.model, plan, header), args, after)

    def _identity(self, name: str, args: VllmModelArgs) -> pulumi.Resource:
        account: pulumi.Resource = k8s.core.v1.ServiceAccount(
            f"{name}-service-account",
            **arguments(service_account(args.model), args.namespace),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return account

    def _bucket(self, name: str, args: VllmModelArgs) -> list[pulumi.Resource]:
        """The role that reads the source's bucket, of the pods that do."""
        source, account = args.model.source, bucket_account(args.model)
        if not isinstance(source, BucketPlan) or account is None:
            return []
        if args.cluster_name is None:
            raise ValueError(f"{name}: the plan reads {source.uri}, so VllmModelArgs needs cluster_name")
        accounts: list[pulumi.Resource] = []
        if account != args.model.name:
            accounts.append(
                k8s.core.v1.ServiceAccount(
                    f"{name}-download-account",
                    **arguments(download_account(args.model), args.namespace),
                    opts=pulumi.ResourceOptions(parent=self),
                )
            )
        rights = pod_identity(
            f"{name}-weights",
            ServiceAccount(args.cluster_name, args.model.namespace, account),
            f"Reads {source.uri} for model {args.model.namespace}/{name}",
            lambda _: {"policy": bucket_policy(source)},
            args.tags,
            self,
        )
        return [*accounts, *rights]

    def _network(self, name: str, args: VllmModelArgs) -> pulumi.Resource:
        policy: pulumi.Resource = k8s.networking.v1.NetworkPolicy(
            f"{name}-network-policy",
            **arguments(server_policy(args.model), args.namespace),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return policy

    def _template(self, name: str, args: VllmModelArgs) -> list[pulumi.Resource]:
        if args.model.chat_template is None or args.model.kubeai is not None:
            return []  # the repository's own; KubeAI makes a ConfigMap of it itself
        template = k8s.core.v1.ConfigMap(
            f"{name}-chat-template",
            **arguments(chat_template(args.model), args.namespace),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return [template]

    def _token(self, name: str, args: VllmModelArgs) -> list[pulumi.Resource]:
        token = args.model.token
        if token is not None and token.remote is not None:
            return [self._read_token(name, args, token, token.remote)]
        if token is None or token.config_key is None:
            return []  # none needed, or the Secret exists outside the stack
        if args.hf_token is None:
            raise ValueError(f"{name}: the plan makes Secret {token.secret_name}, so VllmModelArgs needs hf_token")
        secret = k8s.core.v1.Secret(
            f"{name}-hf-token",
            **arguments(token_secret(args.model, token), args.namespace),
            string_data={token.secret_key: pulumi.Output.secret(args.hf_token)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return [secret]

    def _read_token(self, name: str, args: VllmModelArgs, token: TokenPlan, remote: RemoteTokenPlan) -> pulumi.Resource:
        """Ready when the Secret is there: a name that is wrong ends the update here, before a pod waits for it."""
        manifest = external_secret(args.model, token.secret_name, token.secret_key, remote)
        read: pulumi.Resource = custom_resource(
            f"{name}-external-secret",
            manifest,
            namespace=args.namespace,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: the store is named as text; and it goes after what it reads for.
                depends_on=list(args.store_after),
                custom_timeouts=pulumi.CustomTimeouts(create=READ_WAIT, update=READ_WAIT),
            ),
        )
        return read

    def _download(self, name: str, args: VllmModelArgs, before: tuple[pulumi.Resource, ...]) -> pulumi.Resource:
        """One volume, filled by one Job."""
        model = args.model
        claim = k8s.core.v1.PersistentVolumeClaim(
            f"{name}-cache",
            **arguments(cache_claim(model), args.namespace),
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = k8s.networking.v1.NetworkPolicy(
            f"{name}-download-policy",
            **arguments(download_policy(model), args.namespace),
            opts=pulumi.ResourceOptions(parent=self),
        )
        wait = f"{model.download_timeout_seconds + AWAIT_MARGIN_SECONDS}s"
        job: pulumi.Resource = k8s.batch.v1.Job(
            f"{name}-download",
            **arguments(download_job(model), args.namespace),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: the pod template names account, Secret and claim only as text, and without the
                # policy its first attempts find no network.
                depends_on=[*before, claim, policy],
                custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait),
            ),
        )
        return job

    def _shared(self, name: str, args: VllmModelArgs, before: tuple[pulumi.Resource, ...]) -> list[pulumi.Resource]:
        """The weights on the stack's file system, and the claim through which servers read them."""
        if args.shared is None:
            raise ValueError(f"{name}: the plan keeps its weights on EFS, so VllmModelArgs needs shared")
        own = pulumi.ResourceOptions(parent=self)
        kept = args.shared.keep(args.model, args.namespace, own) if args.model.compiled else []
        if not reads_shared(args.model):
            return kept
        brought = args.shared.brought(args.model, args.namespace, before)
        return [*brought, *args.shared.read(args.model, args.namespace, own), *kept]

    def _monitored(self, name: str, manifest: Manifest, args: VllmModelArgs) -> None:
        self._custom(name, manifest, args, args.monitors_after)

    def _custom(
        self, name: str, manifest: Manifest, args: VllmModelArgs, after: tuple[pulumi.Resource, ...]
    ) -> pulumi.Resource:
        made: pulumi.Resource = custom_resource(
            name,
            manifest,
            namespace=args.namespace,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: the kind exists only once a release has brought its CRD.
                depends_on=list(after),
            ),
        )
        return made
