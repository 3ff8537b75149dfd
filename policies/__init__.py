"""What must hold whatever the plan says: rules over registered resources, for the preview and for Pulumi's engine.

`pulumi preview --policy-pack policies` runs `__main__.py`; `python -m preview` runs the same rules offline.
"""
