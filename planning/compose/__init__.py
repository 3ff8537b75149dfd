"""The parts of a StackPlan, composed by `planning/plan.py`.

To add a section of the stack file:

- what refuses it, from settings alone: one row in `checks.CHECKS`;
- what it becomes in the cluster: one line in `services.with_services`, for a field of `StackPlan`;
- what it adds to node pools, models or the bill: `nodes.py`, `serving.py`, `money.py`.
"""
