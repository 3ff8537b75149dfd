"""Who moves replicas, by which numbers, how fast."""
