"""What goes wrong in production, provoked on a platform of its own: `python -m local faults`, docs/faults.md.

A scenario provokes one thing and asserts what must hold. All run the real Pulumi CLI, API server, etcd and
controllers; AWS is moto, and no pod runs a program.
"""
