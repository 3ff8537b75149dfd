"""What a model is: its shape, from the table, a config.json or the stack file."""
