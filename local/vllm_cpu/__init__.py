"""The real vLLM on this machine's CPU: its environment, what a CPU forbids, and the process of a rendered container.

`make engine` installs it, `make e2e ENGINE=vllm` runs it (docs/adr/0015-real-engine.md).
"""
