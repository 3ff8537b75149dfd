"""What is created: one Pulumi component per noun, each wired from the plan's values and its siblings' outputs."""
