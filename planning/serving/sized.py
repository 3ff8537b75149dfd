"""One model before its nodes are counted: what is known of it, and what its pod asks of a node."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planning.architectures.described import check_architecture
from planning.architectures.shape import Architecture
from planning.findings import Findings
from planning.memory.check import check_memory, engine_config
from planning.memory.companions import beside_on_disk_bytes
from planning.memory.engine import EngineConfig
from planning.memory.pictures import check_pictures
from planning.memory.quantization import Source, Weights, plan_weights
from planning.memory.size import ModelSize, model_size
from planning.model import (
    DIRECT,
    DownloadWay,
    DrainPlan,
    ExistingPrometheusPlan,
    ImageMirror,
    MemoryPlan,
    RepositoryPlan,
)
from planning.nodes.bottlerocket import is_bottlerocket
from planning.nodes.drivers import check_driver
from planning.nodes.fit import Daemon
from planning.nodes.pod_resources import PodPlan, plan_pod
from planning.nodes.pools import Pool
from planning.scaling.checks import Supplies, check_autoscaling
from planning.serving import environment
from planning.serving.backend_names import engine_of
from planning.serving.companions import check_companions
from planning.serving.compiled import check_compiled
from planning.serving.drain import plan_drain
from planning.serving.engine_args import check_extra_args
from planning.serving.files import plan_files
from planning.serving.groups import check_stages
from planning.serving.model_checks import check_budget, check_group, check_token, image_pin, plan_version, start_of
from planning.serving.sources import Site, check_source
from planning.starting.start import check_start, stored_as
from planning.versions import vllm_versions
from planning.versions.vllm_versions import Version
from settings.backends import Backend
from settings.models import Model


@dataclass(frozen=True)
class Surroundings:
    """What a model's plan needs to know of the rest of the stack."""

    stack: str
    production: bool
    mirror: ImageMirror | None
    monitoring_namespace: str | None
    scrape_interval_seconds: int
    daemons: tuple[Daemon, ...]
    site: Site
    gpu_metrics: bool = True
    way_in: DownloadWay = DIRECT
    pull_secrets: tuple[str, ...] = ()
    backend: Backend = Backend.DEPLOYMENT
    prometheus: ExistingPrometheusPlan | None = None
    shared_mibps: float = 0.0
    """Most that one pod reads from the stack's file system."""


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model before its nodes: version, shape where the table has it, weights, drain."""

    version: Version
    known: Architecture | None
    weights: Weights
    files: RepositoryPlan
    drain: DrainPlan


@dataclass(frozen=True)
class SizedModel:
    """A model whose pod's size is known. How many nodes its pool has follows from the sizes of all its models."""

    path: str
    model: Model
    asked: ModelFacts
    memory: MemoryPlan | None
    size: ModelSize
    pod: PodPlan


def size_model(
    model: Model, path: str, pool: Pool | None, around: Surroundings, findings: Findings
) -> SizedModel | None:
    """None when it has no pool, or image or GPUs are so wrong that the rest cannot be judged."""
    check_autoscaling(model, _supplies(around, pool), f"{path}.autoscaling", findings)
    check_budget(model, around.production, path, findings)
    asked = _asked(model, path, pool, around, findings)
    if asked is None or pool is None or not check_group(model, pool, path, findings):
        return None
    pin = image_pin(model, engine_of(model.backend or around.backend))
    image, cuda = f"{pin.repository}:{pin.tag}", vllm_versions.cuda_of_tag(pin.tag)
    check_driver(pool.settings, f"{pool.path}.amiReleaseVersion", cuda, image, around.site.kubernetes, findings)
    memory = _memory(model, asked, pool, path, findings)
    own = model_size(model.model_id, asked.known, asked.weights.stored)
    more = beside_on_disk_bytes(model, asked.known, asked.version)
    size = replace(own, on_disk_bytes=own.on_disk_bytes + more)
    pod = plan_pod(model, pool, size.on_disk_bytes, around.daemons, path, findings)
    return SizedModel(path, model, asked, memory, size, pod)


def _asked(model: Model, path: str, pool: Pool | None, around: Surroundings, findings: Findings) -> ModelFacts | None:
    version = plan_version(model, engine_of(model.backend or around.backend), path, findings)
    if version is None:
        return None
    known = check_architecture(model, path, findings)
    check_stages(model, known, path, findings)
    check_token(model, known, around.stack, path, findings)
    check_extra_args(model, version, path, findings)
    check_pictures(model, version, path, findings)
    check_source(model, version, around.site, around.production, path, findings)
    environment.check_environment(model, path, findings)
    check_compiled(model, path, findings)
    check_companions(model, known, version, pool, around.stack, path, findings)
    stored, layout = stored_as(model.model_id, known)
    source = Source(model.model_id, stored, known is not None)
    weights = plan_weights(model.quantization.value, source, version, f"{path}.quantization", findings)
    check_start(start_of(model, known, weights, layout, version, pool), lambda setting: f"{path}.{setting}", findings)
    spot = pool is not None and pool.settings.may_be_spot
    files = plan_files(model, version, path, findings)
    backend = model.backend or around.backend
    drain = plan_drain(model.drain, backend, version, spot, f"{path}.drain", findings)
    return ModelFacts(version, known, weights, files, drain)


def _memory(model: Model, asked: ModelFacts, pool: Pool, path: str, findings: Findings) -> MemoryPlan | None:
    if asked.known is None:
        return None
    return check_memory(model, asked.known, engine_on(model, asked, pool), pool, path, findings)


def engine_on(model: Model, asked: ModelFacts, pool: Pool) -> EngineConfig:
    """What shapes the engine's memory and speed on nodes of that pool."""
    return engine_config(model, asked.weights.stored, asked.version, pool.network_gbps)


def _supplies(around: Surroundings, pool: Pool | None) -> Supplies:
    shared = pool is not None and pool.sharing.kind != "none"
    metrics = around.gpu_metrics and not (pool is not None and is_bottlerocket(pool.settings))
    return Supplies(around.monitoring_namespace is not None, metrics, shared)
