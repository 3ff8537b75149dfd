"""Names of images in ECR as a cache of their registries."""

from __future__ import annotations

from planning.model.registry import PullThroughPlan


def cached(image: str, cache: PullThroughPlan) -> str:
    """A registry, repository or image below the prefix of its registry; unchanged where that is not cached."""
    first, _, rest = image.partition("/")
    # `busybox:1.37.0` has neither a host nor a path, `quay.io` is a host alone, `localhost:5000/x` has one with a port.
    has_host = "." in first.partition(":")[0] or (bool(rest) and ":" in first)
    registry, path = (first, rest) if has_host else ("docker.io", image)
    place = cache.prefix_of(registry)
    if place is None:
        return image
    if registry == "docker.io" and path and "/" not in path:
        path = f"library/{path}"  # official images; Docker Hub adds it by itself and ECR does not
    return f"{place}/{path}" if path else place
