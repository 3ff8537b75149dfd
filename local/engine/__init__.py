"""The simulated vLLM of the embedded platform: one process serves all pods that hold a container `vllm`.

Nothing here runs a model: the texts, times and token counts are SIMULATED, and every answer, model card and log line
says so. What is meant to be like the real thing: which flags the pinned vLLM takes, its OpenAI API and error texts,
its metric names, labels and buckets, continuous batching with a KV cache, drain, and that a Service's address
reaches the engines of its Ready endpoints (what kube-proxy does).

Not simulated: NetworkPolicy is NOT enforced (traffic enters on the host's loopback, no pod has a network), TLS,
what a LoRA adapter's weights do, tools, embeddings, log probabilities, speculative decoding.
"""
