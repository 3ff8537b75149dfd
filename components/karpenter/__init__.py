"""Karpenter: its AWS half and releases (`controller`), and the pools that it buys nodes for (`gpu_pool`)."""

from __future__ import annotations

from components.karpenter.controller import Karpenter, KarpenterArgs
from components.karpenter.gpu_pool import GpuPool, GpuPoolArgs

__all__ = ["GpuPool", "GpuPoolArgs", "Karpenter", "KarpenterArgs"]
