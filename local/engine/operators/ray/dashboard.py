"""The HTTP surface of a Ray pod that KubeRay, its probes and Prometheus ask: dashboard, agent, metrics.

What KubeRay v1.5.0 calls (controllers/ray/utils/dashboardclient/dashboard_httpclient.go, common/pod.go): PUT and GET
/api/serve/applications/, and in probes /api/gcs_healthz and /api/local_raylet_healthz. Answers as in ray 2.56.0:
dashboard/modules/serve/serve_head.py, reporter/reporter_head.py, reporter/healthz_agent.py, job/job_head.py.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from local.engine.engine import Engine
from local.engine.metrics import CONTENT_TYPE
from local.engine.operators.ray.clusters import AGENT, DASHBOARD, METRICS, RayCluster, RayClusters
from local.engine.operators.ray.replicas import RayReplicas
from planning.versions import pins

APPLICATIONS = "/api/serve/applications/"
TYPES = ("imperative", "declarative")
VLLM, RAYS = b"vllm:", b"ray_vllm_"


async def answer_head(
    clusters: RayClusters, replicas: RayReplicas, cluster: RayCluster, request: web.BaseRequest, port: int, path: str
) -> web.StreamResponse:
    """What the head answers on this port."""
    if path in ("/api/local_raylet_healthz", "/api/gcs_healthz") and port in (AGENT, DASHBOARD):
        return web.Response(text="success", content_type="application/text")
    if port == METRICS and path == "/metrics":
        return web.Response(text="", headers={"Content-Type": CONTENT_TYPE})
    if port != DASHBOARD:
        return web.Response(status=404, text="404: Not Found")
    if path == "/api/version":
        version = pins.RAY_LLM.tag.partition("-")[0]
        told = {"version": "4", "ray_version": version, "ray_commit": "simulated", "session_name": "simulated"}
        return web.json_response(told)
    if path != APPLICATIONS:
        return web.Response(status=404, text="404: Not Found")
    if request.method == "GET":
        kind = request.query.get("api_type", "").lower()
        if kind and kind not in TYPES:
            text = f"Invalid 'api_type' value: '{kind}'. Must be one of: {', '.join(TYPES)}"
            return web.Response(status=400, text=text)
        return web.json_response(details(cluster, replicas, kind))
    if request.method != "PUT":
        return web.Response(status=405, text="405: Method Not Allowed")
    return await _deploy(clusters, replicas, cluster, request)


async def _deploy(
    clusters: RayClusters, replicas: RayReplicas, cluster: RayCluster, request: web.BaseRequest
) -> web.StreamResponse:
    try:
        config = json.loads(await request.read())
    except ValueError as error:
        return web.Response(status=500, text=f"json.decoder.JSONDecodeError: {error}")
    refused = clusters.deploy(cluster, config)
    if refused is not None:
        return web.Response(status=400, text=refused)
    replicas.changed()
    return web.Response()


def details(cluster: RayCluster, replicas: RayReplicas, kind: str = "") -> dict[str, Any]:
    """ServeInstanceDetails of serve/schema.py."""
    empty = {"deploy_mode": "MULTI_APP", "controller_info": {}, "proxies": {}, "applications": {}}
    if cluster.deployed is None or kind == "imperative":
        return {**empty, "target_capacity": None}
    config = cluster.deployed.config
    applications = {each["name"]: _application(cluster, replicas, each) for each in config["applications"][:1]}
    return {
        **empty,
        "proxy_location": config.get("proxy_location", "EveryNode"),
        "http_options": {"host": "0.0.0.0", **config.get("http_options", {}), "port": cluster.port},
        "applications": applications,
        "target_capacity": config.get("target_capacity"),
    }


def _application(cluster: RayCluster, replicas: RayReplicas, config: dict[str, Any]) -> dict[str, Any]:
    assert cluster.deployed is not None
    status, message, deployments = "DEPLOYING", "", {}
    if cluster.built is not None and cluster.built.failure:
        status, message = "DEPLOY_FAILED", cluster.built.failure
    elif cluster.built is not None and cluster.built.llm is not None:
        own = replicas.deployment(cluster)
        deployments = {
            cluster.built.llm.deployment_name: own,
            # Its replicas take CPU only, and start where a worker is.
            "OpenAiIngress": {**own, "name": "OpenAiIngress", "replicas": []},
        }
        status, message = replicas.application_status(cluster)
    return {
        "name": config["name"],
        "route_prefix": config.get("route_prefix", "/"),
        "docs_path": "/docs" if status == "RUNNING" else None,
        "status": status,
        "message": message,
        "last_deployed_time_s": cluster.deployed.at_seconds,
        "deployed_app_config": config,
        "source": "declarative",
        "deployments": deployments,
        "external_scaler_enabled": False,
    }


def exposition(engine: Engine | None) -> web.Response:
    """A worker's port 8080: vLLM's series by Ray's names (vllm v1/metrics/ray_wrappers.py)."""
    if engine is None:
        return web.Response(text="", headers={"Content-Type": CONTENT_TYPE})
    lines = (
        line.replace(VLLM, RAYS, 1) if line.startswith((VLLM, b"# HELP vllm:", b"# TYPE vllm:")) else line
        for line in engine.metrics.exposition().split(b"\n")
    )
    return web.Response(body=b"\n".join(lines), headers={"Content-Type": CONTENT_TYPE})
