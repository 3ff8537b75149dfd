"""Pure builders of what a served model needs in Kubernetes: one kind, or one concern, per file."""
