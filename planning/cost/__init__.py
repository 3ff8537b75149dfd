"""What it costs, per hour, by pool, by model, per token."""
