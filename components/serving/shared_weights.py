"""`SharedWeights`: what is on the stack's EFS file system, brought by one Job for each revision."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.aws.file_system import FileSystemOutputs
from components.aws.iam import bucket_policy
from components.aws.pod_identity import ServiceAccount, pod_identity
from components.manifest import arguments
from components.ownership import controller_owned
from components.serving.manifests.compiled import claim_name
from components.serving.manifests.download import download_job
from components.serving.manifests.names import DOWNLOAD, cache_claim_name
from components.serving.manifests.network_policy import download_policy
from components.serving.manifests.service import download_account
from components.serving.manifests.shared_volume import shared_claim, shared_volume, writer_of
from planning.model import BucketPlan, ServedModel, SharedDownloadPlan, Tags

# Pulumi's own wait ends after the Job's deadline, so that the error is the Job's.
AWAIT_MARGIN_SECONDS = 60


@dataclass(frozen=True)
class SharedWeightsArgs:
    """`files`: the file system. `cluster_name`, `tags`: of the roles that read buckets."""

    files: FileSystemOutputs
    cluster_name: pulumi.Input[str]
    tags: Tags = field(default_factory=dict)


class SharedWeights(pulumi.ComponentResource):
    """Its children are registered model by model: by who needs a revision first, and once only.

    So their URNs do not name the model: when the first reader goes, the next one's download is the same resource.
    """

    def __init__(self, name: str, args: SharedWeightsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:SharedWeights", name, None, opts)
        self._args, self._child = args, pulumi.ResourceOptions(parent=self)
        self._jobs: dict[str, pulumi.Resource] = {}
        self.register_outputs({})

    def brought(
        self,
        model: ServedModel,
        namespace: pulumi.Input[str],
        before: tuple[pulumi.Resource, ...],
    ) -> list[pulumi.Resource]:
        """What a model's servers wait for: its downloads, those that an earlier model owns among them.

        `before`: what the owner's pods need, its token for example.
        """
        for download in model.shared_downloads:
            if download.name not in self._jobs:
                self._jobs[download.name] = self._download(model, download, namespace, before)
        return [self._jobs[download.name] for download in model.shared_downloads]

    def read(
        self, model: ServedModel, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        """The claim through which a model's servers read."""
        return self._claimed(model, namespace, self._args.files.reader, opts, cache_claim_name(model))

    def keep(
        self, model: ServedModel, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        """The claim of what a model's servers compile."""
        return self._claimed(model, namespace, self._args.files.compiled[model.name], opts, claim_name(model))

    def _claimed(
        self,
        model: ServedModel,
        namespace: pulumi.Input[str],
        handle: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
        called: str,
    ) -> list[pulumi.Resource]:
        volume = k8s.core.v1.PersistentVolume(
            f"{called}-volume",
            **arguments(shared_volume(model, namespace, handle, called)),
            opts=pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(ignore_changes=controller_owned("kubernetes:PersistentVolume"))
            ),
        )
        claim = k8s.core.v1.PersistentVolumeClaim(
            called,
            **arguments(shared_claim(model, called), namespace),
            # Hidden ordering: the volume names the claim, and without it the claim would wait.
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[volume])),
        )
        return [claim]

    def _download(
        self,
        owner: ServedModel,
        download: SharedDownloadPlan,
        namespace: pulumi.Input[str],
        before: tuple[pulumi.Resource, ...],
    ) -> pulumi.Resource:
        name, writer = download.name, writer_of(owner, download)
        account = k8s.core.v1.ServiceAccount(
            f"{name}-download-account", **arguments(download_account(writer), namespace), opts=self._child
        )
        policy = k8s.networking.v1.NetworkPolicy(
            f"{name}-download-policy", **arguments(download_policy(writer), namespace), opts=self._child
        )
        needs = [*before, account, policy, *self._rights(writer)]
        needs += self._claimed(writer, namespace, self._args.files.writer, self._child, cache_claim_name(writer))
        wait = f"{writer.download_timeout_seconds + AWAIT_MARGIN_SECONDS}s"
        job: pulumi.Resource = k8s.batch.v1.Job(
            f"{name}-download",
            **arguments(download_job(writer, account=f"{name}-{DOWNLOAD}"), namespace),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: the pod template names account, Secret and claim only as text.
                depends_on=needs,
                custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait),
            ),
        )
        return job

    def _rights(self, writer: ServedModel) -> list[pulumi.Resource]:
        """The role of the Job that reads a bucket."""
        source = writer.source
        if not isinstance(source, BucketPlan):
            return []
        return pod_identity(
            f"{writer.name}-weights",
            ServiceAccount(self._args.cluster_name, writer.namespace, f"{writer.name}-{DOWNLOAD}"),
            f"Reads {source.uri} for the stack's file system",
            lambda _: {"policy": bucket_policy(source)},
            self._args.tags,
            self,
        )
