"""What Ray Serve is told of a model: one application of Ray Serve LLM, rendered from the plan (ray 2.56.0)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from components.serving.backends.engine_kwargs import engine_kwargs
from planning.model import HUB_CACHE, RayPlan, ServedModel


def serve_config(model: ServedModel, ray: RayPlan) -> dict[str, Any]:
    """What Ray Serve is told (ServeDeploySchema): one application, one LLMConfig."""
    plan = model.autoscaling
    bounds = {"min_replicas": plan.min_replicas, "max_replicas": plan.max_replicas}
    replicas: dict[str, Any] = {**bounds, "initial_replicas": plan.min_replicas}
    for metric in plan.metrics:
        replicas |= {
            "target_ongoing_requests": metric.target,
            "upscale_delay_s": plan.scale_up.window_seconds,
            "downscale_delay_s": plan.scale_down.window_seconds,
        }
    first, *others = ({"GPU": 1} for _ in range(model.resources.gpus))
    llm = {
        # The snapshot itself: a name would be looked up at the branch, which the cache does not have.
        "model_loading_config": {"model_id": model.served_name, "model_source": _snapshot(model)},
        "engine_kwargs": engine_kwargs(model),
        "log_engine_metrics": True,
        # On one worker: a replica is one pod's. No accelerator_type: workers of a model stand on one pool, and Ray's
        # autoscaler does not know the type of a worker that is not there yet.
        "placement_group_config": {"bundles": [{"CPU": 1, **first}, *others], "strategy": "STRICT_PACK"},
        "deployment_config": {
            "autoscaling_config": replicas,
            "graceful_shutdown_timeout_s": model.drain.shutdown_timeout_seconds,
        },
    }
    ingress = {"min_replicas": max(1, plan.min_replicas), "max_replicas": ray.most_ingress_replicas}
    application = {
        "name": model.name,
        "route_prefix": "/",
        "import_path": "ray.serve.llm:build_openai_app",
        "args": {
            "llm_configs": [llm],
            "ingress_deployment_config": {
                "autoscaling_config": ingress,
                "ray_actor_options": {"num_cpus": ray.ingress_cpus},
            },
        },
    }
    return {
        "proxy_location": "EveryNode",
        "http_options": {"host": "0.0.0.0", "port": model.port},
        "applications": [application],
    }


def _snapshot(model: ServedModel) -> str:
    """Where the downloader puts the pinned revision (huggingface_hub's cache)."""
    folder = "models--" + model.model_id.replace("/", "--")
    return str(PurePosixPath(HUB_CACHE) / folder / "snapshots" / model.revision)
