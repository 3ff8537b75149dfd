"""What a stack has inside the cluster, once, whatever its models."""
