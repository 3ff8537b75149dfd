"""How a model is served: versions, arguments, probes, times."""
