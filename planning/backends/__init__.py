"""What can serve a model: the table of backends and what each of them does."""
