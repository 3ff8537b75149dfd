"""Nodes of a pool and what fits on them."""
