"""Images of the cluster-autoscaler, by the cluster's Kubernetes minor."""

from __future__ import annotations

# cluster-autoscaler by the cluster's Kubernetes minor: it decides with that release's scheduler, and its README
# recommends no other. Patch releases as kops pins them (kubernetes/kops, model/components/clusterautoscaler.go, read
# 2026-11-21; not looked up in the registry, which cannot be reached here); 1.31's as others use it.
CLUSTER_AUTOSCALER_TAGS = {
    "1.31": "v1.31.5",
    "1.32": "v1.32.7",
    "1.33": "v1.33.5",
    "1.34": "v1.34.4",
    "1.35": "v1.35.1",
    "1.36": "v1.36.0",
}
