"""The live part of the platform: real programs of the monitoring charts, run on this machine for the pods that stand
for them, and the paths by which they reach pods that have no network."""
