"""The models: what is served and how."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticKnownError

from settings.architecture import ModelArchitecture
from settings.autoscaling import Autoscaling, HpaScaling
from settings.backends import Backend, RouterSettings
from settings.beside import ChatTemplate, DraftModel, LoraAdapter
from settings.demand import DeclaredTraffic, SloSettings
from settings.environment import EnvName, EnvValue, SecretEnv
from settings.findings import WrongValue
from settings.names import ImageRepository, ImageTag, ObjectName, Sentence, TeamName
from settings.names import Literal as Untouched
from settings.rollout import RollingRollout, Rollout
from settings.sources import Bucket, HubSource, SourceUri, WeightSource, read_source
from settings.tokens import TokenSecret
from settings.types import (
    BytesQuantity,
    CpuQuantity,
    Digest,
    DnsLabel,
    HuggingFaceId,
    Revision,
    Section,
    described,
    kind_defaults_to,
)
from settings.versions import SessionHeader, Version


class Dtype(StrEnum):
    """Type of weights and activations that are not quantized."""

    AUTO = "auto"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class Quantization(StrEnum):
    """How weights are stored."""

    NONE = "none"
    FP8 = "fp8"
    AWQ = "awq"
    GPTQ = "gptq"
    INT8 = "int8"
    MXFP4 = "mxfp4"
    BITSANDBYTES = "bitsandbytes"


class KvCacheDtype(StrEnum):
    """Type of the KV cache."""

    AUTO = "auto"
    FP8 = "fp8"


class Image(Section):
    """The vLLM image."""

    repository: ImageRepository = described("image repository", default="vllm/vllm-openai")
    tag: ImageTag | None = described("image tag, v<vLLM version>; default: the pinned one", default=None)
    digest: Digest | None = described("digest the tag must have; production should set it", default=None)


class Resources(Section):
    """What the pod asks of its node; each default is computed from model and node."""

    cpu: CpuQuantity | None = described("CPU request", default=None)
    memory: BytesQuantity | None = described("memory request and limit", default=None)
    ephemeral_storage: BytesQuantity | None = described("ephemeral storage request and limit", default=None)
    shared_memory: BytesQuantity | None = described("/dev/shm, in memory", default=None)
    download_memory: BytesQuantity | None = described("memory of the downloader; default: 3Gi", default=None)


class EmptyDirCache(Section):
    """Weights on the node's own disk; every pod downloads them once, before the server starts."""

    kind: Literal["emptyDir"] = "emptyDir"


class VolumeCache(Section):
    """Weights on one volume, downloaded once by a Job."""

    kind: Literal["persistentVolume"]
    storage_class: ObjectName = described("storage class")
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = described(
        "ReadWriteOnce: one node mounts it, so all pods are kept on that one", default="ReadWriteMany"
    )
    size_gib: int | None = described("size; default: computed from the weights", default=None, ge=1, le=65536)
    throughput_mibps: int | None = described(
        "what a pod reads from it, MiB/s; default: known of gp3 and gp2, else 60", default=None, ge=1, le=100_000
    )


class StreamCache(Section):
    """No copy in the cluster: each server reads its weights from S3 into GPU memory (Run:ai Model Streamer)."""

    kind: Literal["stream"]
    concurrency: int | None = described(
        "connections to S3 at a time; default: what the network of the node's type takes", default=None, ge=1, le=256
    )


class EfsCache(Section):
    """Weights on the stack's EFS file system (`fileSystem`): one Job downloads each revision, servers only read."""

    kind: Literal["efs"]
    size_gib: int | None = described(
        "most that its files may take; default: computed from the weights", default=None, ge=1, le=65536
    )
    throughput_mibps: int | None = described(
        "what a pod reads on a bad day, MiB/s; default: 60", default=None, ge=1, le=100_000
    )


Cache = Annotated[
    EmptyDirCache | VolumeCache | StreamCache | EfsCache,
    Field(discriminator="kind"),
    kind_defaults_to("emptyDir"),
]


class Drain(Section):
    """How a pod leaves: no new requests, running ones finish."""

    pre_stop_seconds: int = described("wait until no endpoint list names the pod any more, s", default=15, ge=0, le=300)
    shutdown_timeout_seconds: int = described("running requests get this long, s", default=120, ge=0, le=3600)
    grace_period_seconds: int | None = described(
        "terminationGracePeriodSeconds; default: the sum, 30 s for the engine and a margin", default=None, ge=1, le=7200
    )


class DisruptionBudget(Section):
    """Voluntary disruptions, node upgrades for example."""

    max_unavailable: int = described("replicas that may be away at once", default=1, ge=1, le=100)


def _pinned(revision: str | None, info: ValidationInfo) -> str | None:
    """A revision is of the Hub, said once: beside the id, or in the URI."""
    if "source" not in info.data:  # it is wrong itself
        return revision
    source = read_source(info.data["source"])
    if not isinstance(source, HubSource):
        if revision is not None:
            raise WrongValue(f"not of {source.uri}: only repositories of the Hub have revisions", "leave it out")
        return None
    if source.revision is None and revision is None:
        raise PydanticKnownError("missing")
    if source.revision is not None and revision not in (None, source.revision):
        raise WrongValue(f"not the one in source, {source.revision}", "leave it out")
    return revision


class AcceptedRisks(Section):
    """Refusals that rest on an estimate, turned into warnings; the value is your reason."""

    memory_fit: Sentence | None = described(
        "why the GPU memory estimate does not count here", default=None, min_length=8
    )
    node_fit: Sentence | None = described("why the node estimate does not count here", default=None, min_length=8)
    quantization_layout: Sentence | None = described(
        "why the usual groups or blocks of such builds are not this one's", default=None, min_length=8
    )
    claim: Sentence | None = described(
        "why the claim of a pvc:// source will be in a cluster that the stack creates", default=None, min_length=8
    )


class Model(Section):
    """One served model."""

    name: DnsLabel = described("name of the deployment")
    source: SourceUri = described(
        "Hugging Face model id, or where its files are: hf://, s3://, pvc:// or oci:// (docs/weights.md)"
    )
    revision: Annotated[Revision | None, AfterValidator(_pinned)] = described(
        "commit id of the model repository", default=None
    )
    copy_of: HuggingFaceId | None = described(
        "Hugging Face model id whose files an s3://, pvc:// or oci:// source holds; its shape is looked up",
        default=None,
    )
    bucket: Bucket | None = described("region and key of an s3:// source", default=None)
    served_name: Untouched | None = described(
        "name clients use; default: the model id, else `name`", default=None, min_length=1, max_length=200
    )
    versions: tuple[Version, ...] = described(
        "models that answer to this one's name at the gateway, by weight: to try a new one on a share of the requests",
        default=(),
        max_length=8,
    )
    session_header: SessionHeader | None = described(
        "header: requests with one value of it keep their version, and their server where the gateway chooses servers",
        default=None,
    )
    namespace: DnsLabel = described("Kubernetes namespace", default="models")
    team: TeamName | None = described(
        "whose cost it is, on the cost dashboard; default: the tenant of its namespace, else the stack's tag `team`",
        default=None,
    )
    pool: DnsLabel | None = described("node pool; may be left out where there is one", default=None)
    backend: Backend | None = described("what serves it; default: the stack's `backend`", default=None)
    router: RouterSettings | None = described(
        "router in front of its replicas, of a backend that has one; default: that backend's usual", default=None
    )
    image: Image = described("vLLM image", default_factory=Image)
    architecture: ModelArchitecture | None = described("shape of a model that our table does not have", default=None)
    dtype: Dtype = described("type of weights that are not quantized", default=Dtype.AUTO)
    quantization: Quantization = described("how weights are stored", default=Quantization.NONE)
    kv_cache_dtype: KvCacheDtype = described("type of the KV cache", default=KvCacheDtype.AUTO)
    tensor_parallel: int = described("GPUs that share each layer of one replica, of one node", default=1, ge=1, le=16)
    pipeline_parallel: int = described(
        "stages that the layers of one replica are divided into, each of tensorParallel GPUs", default=1, ge=1, le=16
    )
    nodes: int = described(
        "whole nodes that one replica takes, a group of pods of a LeaderWorkerSet (docs/multi-node.md)",
        default=1,
        ge=1,
        le=16,
    )
    max_model_len: int = described("longest prompt and answer, tokens", default=8192, ge=1, le=10_485_760)
    max_num_seqs: int = described("most requests in one batch", default=64, ge=1, le=4096)
    gpu_memory_utilization: float = described("share of GPU memory vLLM takes", default=0.9, ge=0.01, le=0.99)
    enforce_eager: bool = described("no CUDA graphs: less memory, slower decode", default=False)
    extra_args: tuple[Untouched, ...] = described(
        "further vLLM arguments, each --name=value", default=(), max_length=100
    )
    env: dict[EnvName, EnvValue] = described(
        "environment variables of the server; values are texts: write '1', not 1", default_factory=dict, max_length=100
    )
    tracing: bool = described("send spans, in a stack with tracing", default=True)
    secret_env: dict[EnvName, SecretEnv] = described(
        "environment variables of the server from a Secret that exists, {NAME: {name: <Secret>, key: <key>}}",
        default_factory=dict,
        max_length=40,
    )
    lora_adapters: tuple[LoraAdapter, ...] = described(
        "LoRA adapters, downloaded with the weights and served by their names", default=(), max_length=64
    )
    draft_model: DraftModel | None = described("speculative decoding, downloaded with the weights", default=None)
    chat_template: ChatTemplate | None = described(
        "text of a Jinja template; default: the one of the model's repository", default=None
    )
    resources: Resources = described("what the pod asks of its node", default_factory=Resources)
    cache: Cache = described("where weights are kept", default_factory=EmptyDirCache)
    token_secret: TokenSecret | None = described("Hugging Face token, for gated models", default=None)
    autoscaling: Autoscaling = described("replicas", default_factory=HpaScaling)
    traffic: DeclaredTraffic | None = described("the requests it is meant for", default=None)
    slo: SloSettings = described("what its users were promised", default_factory=SloSettings)
    compile_cache: Literal["pod", "efs"] = described(
        "where what torch.compile makes is kept: with the pod, or on the stack's file system, from where the next pod "
        "of the same image, GPU and arguments has it",
        default="pod",
    )
    warm_up: bool = described(
        "generate one token before a new server gets requests, which otherwise the first user waits for", default=False
    )
    drain: Drain = described("how a pod leaves", default_factory=Drain)
    rollout: Rollout = described("how a change reaches its users", default_factory=RollingRollout)
    disruption_budget: DisruptionBudget = described("voluntary disruptions", default_factory=DisruptionBudget)
    client_namespaces: tuple[DnsLabel, ...] = described(
        "namespaces whose pods may send requests, beside the model's own", default=(), max_length=100
    )
    accepted_risks: AcceptedRisks = described("estimates you overrule, with the reason", default_factory=AcceptedRisks)

    @property
    def origin(self) -> WeightSource:
        """`source` with `revision`, read."""
        return read_source(self.source, self.revision)

    @property
    def model_id(self) -> str:
        """By which tables know the model; of files that are a copy of nothing that is named, their URI."""
        origin = self.origin
        return origin.repository if isinstance(origin, HubSource) else self.copy_of or origin.uri

    @property
    def gpus_per_pod(self) -> int:
        """GPUs of each of its pods; that they divide among `nodes` is the plan's to check."""
        return max(1, self.tensor_parallel * self.pipeline_parallel // self.nodes)

    @property
    def answers_to(self) -> str:
        """The name that clients ask for."""
        if self.served_name is not None:
            return self.served_name
        origin = self.origin
        return origin.repository if isinstance(origin, HubSource) else self.copy_of or self.name
