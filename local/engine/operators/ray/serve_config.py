"""What Ray Serve is told (PUT /api/serve/applications/), read as strictly as ray 2.56.0 reads it.

A wrong config is refused at once (serve/schema.py: ServeDeploySchema). What only the application's builder finds wrong
(llm/_internal/serve: LLMServingArgs, which forbids what it does not know) makes the application DEPLOY_FAILED.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from planning.versions import pins, vllm_versions

BUILDER = "ray.serve.llm:build_openai_app"
# Fields of vLLM's FrontendArgs and AsyncEngineArgs are flags of its server; these Ray says itself (vllm_models.py).
RAYS_OWN = ("model", "served_model_name")
EXECUTOR = "distributed_executor_backend"


class _Strict(BaseModel):
    """BaseModelExtended of llm/_internal/common/base_pydantic.py."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Autoscaling(BaseModel):
    """AutoscalingConfig of serve/config.py."""

    min_replicas: NonNegativeInt = 1
    initial_replicas: NonNegativeInt | None = None
    max_replicas: PositiveInt = 1
    target_ongoing_requests: PositiveFloat | None = 2.0
    upscale_delay_s: NonNegativeFloat = 30.0
    downscale_delay_s: NonNegativeFloat = 600.0
    look_back_period_s: PositiveFloat = 30.0

    @model_validator(mode="after")
    def _in_order(self) -> Autoscaling:
        low, high, first = self.min_replicas, self.max_replicas, self.initial_replicas
        if high < low:
            raise ValueError(f"max_replicas ({high}) must be greater than or equal to min_replicas ({low})!")
        if first is not None and first < low:
            raise ValueError(f"min_replicas ({low}) must be less than or equal to initial_replicas ({first})!")
        if first is not None and first > high:
            raise ValueError(f"max_replicas ({high}) must be greater than or equal to initial_replicas ({first})!")
        return self


class DeploymentOptions(_Strict):
    """Options of @serve.deployment that an LLMConfig may have (llm_config.py); others are a TypeError there."""

    name: str | None = None
    num_replicas: NonNegativeInt | Literal["auto"] | None = 1
    ray_actor_options: dict[str, Any] = {}
    max_ongoing_requests: PositiveInt = 10**9
    autoscaling_config: Autoscaling | None = None
    max_queued_requests: int = -1
    user_config: Any = None
    health_check_period_s: PositiveFloat = 10.0
    health_check_timeout_s: PositiveFloat = 10.0
    graceful_shutdown_wait_loop_s: NonNegativeFloat = 2.0
    graceful_shutdown_timeout_s: NonNegativeFloat = 20.0
    logging_config: dict[str, Any] | None = None
    request_router_config: dict[str, Any] | None = None
    rolling_update_percentage: float = Field(0.2, gt=0.0, le=1.0)

    @property
    def first_replicas(self) -> int:
        """How many there are before anything scales."""
        scaling = self.autoscaling_config
        if scaling is None:
            return self.num_replicas if isinstance(self.num_replicas, int) else 1
        return scaling.min_replicas if scaling.initial_replicas is None else scaling.initial_replicas


class ModelLoading(_Strict):
    """ModelLoadingConfig; mirrors in buckets are not simulated."""

    model_id: str
    model_source: str | None = None
    tokenizer_source: str | None = None


class Bundle(BaseModel):
    """Resources of one bundle; others than these are custom ones."""

    model_config = ConfigDict(extra="allow")
    CPU: NonNegativeFloat = 0.0
    GPU: NonNegativeFloat = 0.0


class Placement(_Strict):
    """PlacementGroupConfig of llm/_internal/common/placement.py."""

    bundle_per_worker: Bundle | None = None
    bundles: list[Bundle] | None = None
    strategy: Literal["PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD"] = "PACK"

    @model_validator(mode="after")
    def _one_of_both(self) -> Placement:
        if (self.bundle_per_worker is None) == (self.bundles is None):
            raise ValueError("placement_group_config must specify either 'bundle_per_worker' or 'bundles'.")
        return self


class Llm(_Strict):
    """LLMConfig, as far as a replica of vLLM is made of it."""

    model_loading_config: ModelLoading
    llm_engine: Literal["vLLM"] = "vLLM"
    engine_kwargs: dict[str, Any] = {}
    accelerator_type: str | None = None
    placement_group_config: Placement | None = None
    runtime_env: dict[str, Any] | None = None
    deployment_config: DeploymentOptions = DeploymentOptions()
    experimental_configs: dict[str, Any] = {}
    log_engine_metrics: bool = True

    @field_validator("engine_kwargs")
    @classmethod
    def _of_the_engine(cls, given: dict[str, Any]) -> dict[str, Any]:
        version = vllm_versions.version_of(str(pins.ENGINES["ray-llm"].vllm))
        for name in given:
            if name in RAYS_OWN:
                raise ValueError(
                    "model or served_model_name is not allowed in engine_kwargs when using Ray Serve LLM. Please use "
                    "`model_loading_config` in LLMConfig instead."
                )
            if vllm_versions.canonical_flag(f"--{name.replace('_', '-')}", version) is None:
                raise ValueError(f"Unknown engine argument: {name}")
        if given.get(EXECUTOR, "ray") != "ray":
            raise ValueError(
                "distributed_executor_backend != 'ray' is not allowed in engine_kwargs when using Ray Serve LLM "
                "Configs."
            )
        return given

    @property
    def bundles(self) -> list[Bundle]:
        """What a replica takes; without a placement group a GPU for each device."""
        devices = int(self.engine_kwargs.get("tensor_parallel_size", 1)) * int(
            self.engine_kwargs.get("pipeline_parallel_size", 1)
        )
        wanted = self.placement_group_config or Placement(bundle_per_worker=Bundle(GPU=1))
        return wanted.bundles or [wanted.bundle_per_worker or Bundle()] * devices

    @property
    def gpus(self) -> float:
        return sum(bundle.GPU for bundle in self.bundles)

    @property
    def deployment_name(self) -> str:
        """_get_deployment_name of core/server/builder.py, with its prefix."""
        own = self.deployment_config.name or self.model_loading_config.model_id.replace("/", "--").replace(".", "_")
        return f"LLMServer:{own}"

    def arguments(self, port: int) -> list[str]:
        """As words after `vllm serve`; `port` is the proxy's."""
        loading = self.model_loading_config
        words = [loading.model_source or loading.model_id, f"--served-model-name={loading.model_id}", f"--port={port}"]
        for name, value in sorted({**self.engine_kwargs, EXECUTOR: "ray"}.items()):
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{flag}" if value else f"--no-{flag}")
            elif isinstance(value, list):
                words += [f"--{flag}", *map(str, value)]
            else:
                words.append(f"--{flag}={json.dumps(value) if isinstance(value, dict) else value}")
        return words


class LlmArguments(_Strict):
    """LLMServingArgs of core/ingress/builder.py; one model here, as this program renders."""

    llm_configs: list[Llm] = Field(min_length=1, max_length=1)
    ingress_cls_config: dict[str, Any] = {}
    ingress_deployment_config: DeploymentOptions = DeploymentOptions()


class HttpOptions(BaseModel):
    host: str = "0.0.0.0"
    port: int = 8000
    root_path: str = ""
    request_timeout_s: float | None = None
    keep_alive_timeout_s: int = 90


class Application(BaseModel):
    """ServeApplicationSchema; what it does not know it ignores."""

    name: str = Field("default", min_length=1)
    route_prefix: str | None = "/"
    import_path: str
    runtime_env: dict[str, Any] = {}
    args: dict[str, Any] = {}
    deployments: list[dict[str, Any]] = []

    @field_validator("import_path")
    @classmethod
    def _of_its_form(cls, given: str) -> str:
        mark = ":" if ":" in given else "."
        if given.count(mark) < 1 or (mark == ":" and given.count(":") > 1) or given.strip(mark) != given:
            raise ValueError(f'Got invalid import path "{given}".')
        return given


class ServeConfig(BaseModel):
    """ServeDeploySchema."""

    proxy_location: Literal["Disabled", "HeadOnly", "EveryNode"] = "EveryNode"
    http_options: HttpOptions = HttpOptions()
    applications: list[Application]
    target_capacity: float | None = Field(None, ge=0, le=100)

    @field_validator("applications")
    @classmethod
    def _unique(cls, given: list[Application]) -> list[Application]:
        for what, values in (
            ("configs for application", [each.name for each in given]),
            ("applications for route prefix", [each.route_prefix for each in given if each.route_prefix is not None]),
        ):
            twice = sorted({f'"{value}"' for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"Found multiple {what} {', '.join(twice)}. Please remove all duplicates.")
        return given


@dataclass(frozen=True)
class Built:
    """An application after its builder: what its replicas run, or why it cannot be deployed."""

    llm: Llm | None
    ingress_replicas: int
    failure: str = ""


def build(application: Application) -> Built:
    """What the import path's builder makes of its arguments."""
    head = f"Deploying app '{application.name}' failed with exception:\n"
    if application.import_path != BUILDER:
        return Built(None, 0, f"{head}ImportError: {application.import_path} is not simulated, only {BUILDER} is")
    try:
        arguments = LlmArguments.model_validate(application.args)
    except ValidationError as error:
        return Built(None, 0, head + str(error))
    return Built(arguments.llm_configs[0], arguments.ingress_deployment_config.first_replicas)


def version_of(application: Mapping[str, Any]) -> str:
    """What makes other replicas of an application: import path, runtime environment and all arguments, bounds of its
    replicas among them (get_app_code_version of serve/_private/deploy_utils.py)."""
    return json.dumps([application.get(name) for name in ("import_path", "runtime_env", "args")], sort_keys=True)
