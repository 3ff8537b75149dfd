"""GPUs and nodes over which one engine is divided, as vLLM checks them."""

from __future__ import annotations

from local.engine.flags import EngineArguments, UsageError


def refuse_missing_gpus(arguments: EngineArguments, gpus: int) -> None:
    """vLLM's checks of engine/arg_utils.py and config/parallel.py; `gpus`: of the pod. Raises UsageError."""
    world = arguments.tensor_parallel_size * arguments.pipeline_parallel_size
    if world % arguments.nnodes:
        raise UsageError(
            f"ValueError: `--nnodes {arguments.nnodes}` must evenly divide the total world size ({world}). Adjust "
            "`--nnodes`, `--data-parallel-size`, `--pipeline-parallel-size`, or `--tensor-parallel-size`.",
            1,
        )
    if arguments.nnodes > 1:
        local = world // arguments.nnodes
        if local > gpus:
            raise UsageError(f"AssertionError: local_rank {gpus} is out of bounds for {gpus} devices.", 1)
        return
    if world > max(gpus, 1) and arguments.distributed_executor_backend is None:
        raise UsageError(
            f"ValueError: World size ({world}) is larger than the number of available GPUs ({gpus}) in this node. "
            "If this is intentional and you are using:\n- ray, set '--distributed-executor-backend ray'.\n"
            "- multiprocessing, set '--nnodes' appropriately.",
            1,
        )
