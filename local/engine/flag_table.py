"""What kind of value each flag of `vllm serve` takes; data only.

Which flags a version has comes from the planner's table (planning/facts/vllm.csv, from the released sources). Kinds as
of 2026-11-21, from vLLM 0.33.0's engine/arg_utils.py, config/*.py and entrypoints/common/cli_args.py, and a public
listing of its command line. A flag that is in the planner's table and not here takes any one word, or none.
"""

from __future__ import annotations

AS_OF = "2026-11-21"
VLLM_VERSION = "0.33.0"

# --name / --no-name
SWITCHES = """
trust-request-chat-template return-tokens-as-token-ids enable-auto-tool-choice exclude-tools-when-tool-choice-none
enable-prompt-tokens-details enable-per-request-metrics enable-server-load-tracking enable-force-include-usage
enable-tokenizer-info-endpoint enable-log-outputs enable-log-deltas cohere-is-reasoning-model log-error-stack
tokens-only enable-scale-out disable-uvicorn-access-log allow-credentials enable-ssl-refresh
enable-request-id-headers disable-fastapi-docs enable-offline-docs enable-flash-late-interaction trust-remote-code
allow-deprecated-quantization enforce-eager enable-return-routed-experts return-sampling-mask use-fp64-gumbel
enable-trace-replay disable-sliding-window disable-cascade-attn skip-tokenizer-init enable-prompt-embeds
enable-sleep-mode enable-cumem-allocator enable-nccl-comm-suspend use-tqdm-on-load
enable-mamba-cache-stochastic-rounding numa-bind dcp-q-replicate data-parallel-hybrid-lb data-parallel-external-lb
enable-expert-parallel enable-batch-sharded-sampling enable-ep-weight-filter enable-dbo enable-elastic-ep
disable-nccl-for-dp-synchronization enable-eplb ray-workers-use-nsight disable-custom-all-reduce
enable-fault-tolerance enable-prefix-caching kv-sharing-fast-prefill swa-bounded-replay
enable-mamba-shared-prefix-checkpoint use-replayssm language-model-only enable-mm-embeds mm-encoder-only
interleave-mm-strings skip-mm-profiling mm-device-do-normalize enable-lora enable-tower-connector-lora
fully-sharded-loras specialize-active-lora enable-mixed-moe-lora-format enable-moe-shared-loras kv-cache-metrics
cudagraph-metrics enable-layerwise-nvtx-tracing enable-mfu-metrics enable-logging-iteration-details
jit-monitor-verbose long-prefill-token-threshold-adaptive enable-chunked-prefill disable-chunked-mm-input
scheduler-reserve-full-isl disable-hybrid-kv-cache-manager async-scheduling enable-flashinfer-autotune
fail-on-environ-validation enable-log-requests enable-hc-sp enable-shm-tensor-arena monokernel
sleep-mode-offload-cudagraph trust-request-mm-kwargs
"""

# --name only
STORE_TRUE = "headless grpc disable-log-stats aggregate-engine-logging data-parallel-multi-port-external-lb"

TEXT = """
config chat-template tool-call-parser tool-parser-plugin tool-server log-config-file fingerprint-value host uds
disable-access-log-for-endpoints ssl-keyfile ssl-certfile ssl-ca-certs ssl-ciphers root-path model tokenizer
tokenizer-mode dtype hf-config-path allowed-local-media-path revision code-revision tokenizer-revision quantization
config-format generation-config model-impl io-processor-plugin load-format download-dir safetensors-load-strategy
pt-load-map-location attention-backend mamba-backend mamba-ssu-algorithm reasoning-parser reasoning-parser-plugin
distributed-executor-backend master-addr dcp-comm-backend data-parallel-address data-parallel-backend
all2all-backend worker-cls worker-extension-cls kv-cache-dtype prefix-caching-hash-algo mamba-cache-dtype
mamba-ssm-cache-dtype mamba-cache-mode kv-offloading-backend offload-backend mm-processor-cache-type
mm-hasher-algorithm mm-encoder-tp-mode mm-encoder-attn-backend mm-encoder-attn-dtype mm-encoder-fp8-scale-path
mm-encoder-fp8-scale-save-path video-pruning-method mm-tensor-ipc mm-processor-device lora-dtype
show-hidden-metrics-for-version otlp-traces-endpoint per-request-spec-decode-metrics scheduler-cls moe-backend
linear-backend sparse-indexer-topk-backend spec-method spec-model gdn-prefill-backend kda-prefill-backend
kda-decode-backend response-role sleep-mode-backend log-level anthropic-disabled-thinking-effort
"""

# name: all values it takes
CHOICES = {
    "chat-template-content-format": "auto string openai",
    "tool-strict-level": "auto function parameter",
    "cohere-format": "cmd4 cmd3",
    "fingerprint-mode": "full hash custom none",
    "uvicorn-log-level": "critical error warning info debug trace",
    "runner": "auto generate pooling draft",
    "convert": "auto none embed classify reward",
    "dtype": "auto bfloat16 float float16 float32 half",
    "logprobs-mode": "raw_logprobs processed_logprobs raw_logits processed_logits",
    "expert-placement-strategy": "linear round_robin",
    "scheduling-policy": "fcfs priority",
    "jit-monitor-mode": "warn error",
    "performance-mode": "balanced interactivity throughput",
}

INTEGERS = """
api-server-count max-log-len sse-keep-alive-interval port data-parallel-supervisor-port
dp-supervisor-probe-failure-threshold ssl-cert-reqs h11-max-incomplete-event-size h11-max-header-count seed
max-logprobs renderer-num-workers safetensors-prefetch-num-threads pipeline-parallel-size master-port nnodes
node-rank distributed-timeout-seconds cpu-distributed-timeout-seconds tensor-parallel-size
decode-context-parallel-size dcp-kv-cache-interleave-size cp-kv-cache-interleave-size prefill-context-parallel-size
data-parallel-size data-parallel-rank data-parallel-start-rank data-parallel-size-local data-parallel-rpc-port
ubatch-size elastic-ep-max-dp-size dbo-decode-token-threshold dp-sync-interval dbo-prefill-token-threshold
max-parallel-loading-workers block-size num-gpu-blocks-override prefix-cache-retention-interval mamba-block-size
mamba-cache-philox-rounds prefix-match-unit replayssm-buffer-len offload-group-size offload-num-in-group
offload-prefetch-step mm-shm-cache-max-object-size-mb max-loras max-lora-rank max-cpu-loras max-num-active-seqs
long-prefill-token-threshold max-num-seqs max-num-queued-reqs grpc-port max-lora-cls-labels prefill-schedule-interval
stream-interval max-cudagraph-capture-size spec-tokens shutdown-timeout
"""

# integers that also take 1k (1000), 1K (1024), 2M, ...
HUMAN_INTEGERS = """
max-num-batched-tokens max-num-scheduled-tokens max-num-queued-tokens kv-cache-memory-bytes
safetensors-prefetch-block-size
"""

NUMBERS = """
dp-supervisor-probe-interval-s dp-supervisor-probe-timeout-s gpu-memory-utilization kv-offloading-size
cpu-offload-gb mm-processor-cache-gb mm-encoder-fp8-scale-save-margin video-pruning-rate mm-ipc-gpu-memory-gb
kv-cache-metrics-sample watermark
"""

# one or more words
LISTS = """
served-model-name api-key lora-modules allowed-origins allowed-methods allowed-headers middleware
allowed-media-domains sleep-preserve-parameter-names logits-processors ignore-patterns numa-bind-nodes numa-bind-cpus
device-ids kv-cache-dtype-skip-layers cpu-offload-params offload-params lora-target-modules collect-detailed-traces
cudagraph-capture-sizes
"""

# JSON, also as --name.key value
JSON_VALUES = """
default-chat-template-kwargs quantization-config hf-overrides model-class-overrides pooler-config
override-generation-config model-loader-extra-config eplb-config fault-tolerance-config limit-mm-per-prompt
media-io-kwargs mm-processor-kwargs default-mm-loras ir-op-priority speculative-config watermark-config
diffusion-config kv-transfer-config kv-events-config ec-transfer-config ec-manager-config compilation-config
attention-config engram-config reasoning-config kernel-config additional-config structured-outputs-config
aux-output-config profiler-config weight-transfer-config custom-histogram-buckets logging-config reasoning-effort-map
watchdog-config
"""

SHORT = {
    "asc": "api-server-count",
    "q": "quantization",
    "pp": "pipeline-parallel-size",
    "n": "nnodes",
    "r": "node-rank",
    "tp": "tensor-parallel-size",
    "dcp": "decode-context-parallel-size",
    "pcp": "prefill-context-parallel-size",
    "dp": "data-parallel-size",
    "dpn": "data-parallel-rank",
    "dpr": "data-parallel-start-rank",
    "dpl": "data-parallel-size-local",
    "dpa": "data-parallel-address",
    "dpp": "data-parallel-rpc-port",
    "dpb": "data-parallel-backend",
    "dph": "data-parallel-hybrid-lb",
    "dpe": "data-parallel-external-lb",
    "dpm": "data-parallel-multi-port-external-lb",
    "ep": "enable-expert-parallel",
    "sc": "speculative-config",
    "dc": "diffusion-config",
    "cc": "compilation-config",
    "ac": "attention-config",
}

ALIASES = {"device-memory-utilization": "gpu-memory-utilization"}
