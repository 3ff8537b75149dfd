"""Forecasts held against what they were not made from: one command prints every table."""
