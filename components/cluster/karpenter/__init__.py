"""Karpenter: its AWS half and releases (`controller`), and the pools that it buys nodes for (`gpu_pool`)."""

from __future__ import annotations

from components.cluster.karpenter.controller import Karpenter, KarpenterArgs
from components.cluster.karpenter.gpu_pool import GpuPool, GpuPoolArgs

__all__ = ["GpuPool", "GpuPoolArgs", "Karpenter", "KarpenterArgs"]
