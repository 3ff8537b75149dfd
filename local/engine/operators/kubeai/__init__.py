"""A stand-in for KubeAI (v0.21.0), whose module is in no Go proxy: its controller, autoscaler and proxy.

Written after its sources (substratusai/kubeai at 6babe2c95c); each part names the file that it follows. It is not
KubeAI: what it does not know of KubeAI's configuration it refuses. It runs while pods of a release are there (door.py);
tests hold what we render against it, too.
"""
