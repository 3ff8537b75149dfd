"""NVIDIA's driver in a pinned image against the CUDA that a server's image is made with."""

from __future__ import annotations

from functools import cache

from planning.facts import rows
from planning.findings import Findings
from planning.nodes.ami import RELEASE
from planning.nodes.bottlerocket import is_bottlerocket, old_driver
from settings.pools import NodePool


def check_driver(
    pool: NodePool, where: str, cuda: str, image: str, cluster_version: str | None, findings: Findings
) -> None:
    """The driver in a pinned release against the CUDA of an image that runs on it."""
    needed = _driver_for(cuda.partition(".")[0])
    if first := _first_that_serves(pool, cluster_version, needed):
        findings.warning(
            where,
            "ami-cuda",
            f"{pool.ami_release_version} has a driver older than {needed}, and {image} is made with CUDA {cuda}, "
            f"which needs {needed} or newer: its containers may not start",
            f"write a release of {first} or later, or an image tag with an older CUDA (-cu129)",
        )


def _first_that_serves(pool: NodePool, cluster_version: str | None, driver: int) -> str | None:
    """The first release with that driver, where the pinned one is older; None where it has it, or nothing is known."""
    if is_bottlerocket(pool):
        return old_driver(pool, cluster_version, driver)
    match = RELEASE.fullmatch(pool.ami_release_version or "")
    first = _first_release(f"{match[1]}.{match[2]}", driver) if match else None
    return first if match and first is not None and match[3] < first else None


@cache
def _driver_for(cuda_major: str) -> int:
    return next((int(row["driver"]) for row in rows("cuda_drivers.csv") if row["cuda"] == cuda_major), 0)


@cache
def _first_release(kubernetes: str, driver: int) -> str | None:
    """The first release date of that minor with that driver; None: all we know have it."""
    return next(
        (
            row["since"]
            for row in rows("ami_drivers.csv")
            if row["kubernetes"] == kubernetes and int(row["driver"]) == driver
        ),
        None,
    )
