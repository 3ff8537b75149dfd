"""What runs on a GPU node before its pods: operating system, its disks, and how it is replaced."""

from __future__ import annotations

from enum import StrEnum


class AmiFamily(StrEnum):
    """Operating system of EKS' images, each with an NVIDIA variant that holds driver and container toolkit."""

    AL2023 = "al2023"
    BOTTLEROCKET = "bottlerocket"


class NumaAlignment(StrEnum):
    """Whether a pod's GPUs and CPU cores are of one NUMA node."""

    ANY = "any"
    SINGLE_NODE = "singleNode"


class UpdateStrategy(StrEnum):
    """In which order EKS replaces the nodes of a pool when its AMI, disk, tags or Kubernetes version change."""

    MINIMAL = "minimal"
    SURGE = "surge"


class InstanceStore(StrEnum):
    """What becomes of the NVMe disks that an instance brings."""

    RAID0 = "raid0"
    UNUSED = "unused"
