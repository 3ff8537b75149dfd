"""What one replica does per second, and what its traffic asks of it."""
