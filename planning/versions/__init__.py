"""What is pinned, and what differs between versions of vLLM."""
