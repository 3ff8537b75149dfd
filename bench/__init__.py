"""Figures as ratios. `make bench` prints them; docs/figures.md holds what was printed, with the command."""
