"""Control plane, network, add-ons and quotas."""
