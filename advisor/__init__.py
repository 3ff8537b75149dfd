"""`python -m planning fit | recommend | simulate`."""
