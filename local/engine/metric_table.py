"""The metric families of a simulated engine: names, types, labels, buckets; data only.

Source: v1/metrics/loggers.py, buckets.py and stats.py of vLLM 0.33.0, read 2026-11-21. Which of them an older version
has comes from the planner's table (planning/facts/vllm.csv). Left out: families that exist only with a feature that is
not simulated (LoRA, speculative decoding, KV and encoder connectors, watermarks, sampled block residency, MFU).
"""

from __future__ import annotations

from dataclasses import dataclass

BOTH = ("model_name", "engine")

TTFT = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
)  # fmt: skip
PER_TOKEN = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
LATENCY = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
)  # fmt: skip
STEP_TOKENS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
REQUEST_N = (1, 2, 5, 10, 20)
PREEMPTIONS = (1, 2, 3, 4, 5, 10, 20)
LENGTH = "length"  # 1, 2, 5, 10, ... up to the model's length

# label of its own and all its values: these series exist from the start, as vLLM makes them
WAITING_REASONS = ("reason", ("capacity", "deferred"))
SLEEP_STATES = ("sleep_state", ("awake", "weights_offloaded", "discard_all"))
PROMPT_SOURCES = ("source", ("local_compute", "local_cache_hit", "external_kv_transfer"))
CACHE_TIERS = ("source", ("device", "host", "p2p", "disk", "external_unspecified"))
FINISH_REASONS = ("finished_reason", ("stop", "length", "abort", "error", "repetition"))
ADMISSION_REASONS = ("reason", ("max_num_queued_reqs", "max_num_queued_tokens"))


@dataclass(frozen=True)
class MetricSpec:
    """One family. `extra`: its own label with all values; `buckets`: of histograms only."""

    name: str
    kind: str
    documentation: str
    extra: tuple[str, tuple[str, ...]] | None = None
    buckets: tuple[float, ...] | str = ()
    labels: tuple[str, ...] = BOTH


def _gauge(name: str, text: str, extra: tuple[str, tuple[str, ...]] | None = None) -> MetricSpec:
    return MetricSpec(f"vllm:{name}", "gauge", text, extra)


def _counter(name: str, text: str, extra: tuple[str, tuple[str, ...]] | None = None) -> MetricSpec:
    return MetricSpec(f"vllm:{name}", "counter", text, extra)


def _histogram(name: str, text: str, buckets: tuple[float, ...] | str) -> MetricSpec:
    return MetricSpec(f"vllm:{name}", "histogram", text, None, buckets)


METRICS: tuple[MetricSpec, ...] = (
    _gauge("num_requests_running", "Number of requests in model execution batches."),
    _gauge("num_requests_waiting", "Number of requests waiting to be processed."),
    _gauge("num_requests_waiting_by_reason", "Number of waiting requests by reason.", WAITING_REASONS),
    _gauge("engine_sleep_state", "Engine sleep state; awake = 1 means engine is awake.", SLEEP_STATES),
    _gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage."),
    _counter("prefix_cache_queries", "Prefix cache queries, in terms of number of queried tokens."),
    _counter("prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens."),
    _counter("external_prefix_cache_queries", "External prefix cache queries, in terms of number of queried tokens."),
    _counter("external_prefix_cache_hits", "External prefix cache hits, in terms of number of cached tokens."),
    _counter("mm_cache_queries", "Multi-modal cache queries, in terms of number of queried items."),
    _counter("mm_cache_hits", "Multi-modal cache hits, in terms of number of cached items."),
    _counter("num_preemptions", "Cumulative number of preemption from the engine."),
    _counter("prompt_tokens", "Number of prefill tokens processed."),
    _counter("prompt_tokens_by_source", "Number of prompt tokens by source.", PROMPT_SOURCES),
    _counter("prompt_tokens_cached", "Number of cached prompt tokens (local + external)."),
    _counter("prompt_tokens_cached_by_source", "Prefix-cache hit tokens by cache tier.", CACHE_TIERS),
    _counter("generation_tokens", "Number of generation tokens processed."),
    _counter("request_success", "Count of successfully processed requests.", FINISH_REASONS),
    MetricSpec(
        "vllm:admission_rejections",
        "counter",
        "Number of admission attempts rejected by a queue limit, by reason.",
        ADMISSION_REASONS,
        labels=("model_name",),  # counted in front of the engines
    ),
    _histogram("request_prompt_tokens", "Number of prefill tokens processed.", LENGTH),
    _histogram("request_generation_tokens", "Number of generation tokens processed.", LENGTH),
    _histogram("iteration_tokens_total", "Histogram of number of tokens per engine_step.", STEP_TOKENS),
    _histogram(
        "request_max_num_generation_tokens", "Histogram of maximum number of requested generation tokens.", LENGTH
    ),
    _histogram("request_params_n", "Histogram of the n request parameter.", REQUEST_N),
    _histogram("request_params_max_tokens", "Histogram of the max_tokens request parameter.", LENGTH),
    _histogram("time_to_first_token_seconds", "Histogram of time to first token in seconds.", TTFT),
    _histogram("inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", PER_TOKEN),
    _histogram(
        "request_time_per_output_token_seconds", "Histogram of time_per_output_token_seconds per request.", PER_TOKEN
    ),
    _histogram("e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", LATENCY),
    _histogram("request_queue_time_seconds", "Histogram of time spent in WAITING phase for request.", LATENCY),
    _histogram("request_inference_time_seconds", "Histogram of time spent in RUNNING phase for request.", LATENCY),
    _histogram("request_prefill_time_seconds", "Histogram of time spent in PREFILL phase for request.", LATENCY),
    _histogram("request_decode_time_seconds", "Histogram of time spent in DECODE phase for request.", LATENCY),
    _histogram("request_num_preemptions", "Histogram of the number of times a request was preempted.", PREEMPTIONS),
    _histogram("request_prefill_kv_computed_tokens", "Histogram of new KV tokens computed during prefill.", LENGTH),
)
