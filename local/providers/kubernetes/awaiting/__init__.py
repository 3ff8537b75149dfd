"""Waiting until an object has become what was asked, or is gone: decisions per kind, and the loop around them."""
