"""vLLM replicas, their autoscaler and their nodes, simulated; see docs/simulate.md."""
