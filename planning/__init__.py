"""Every decision and every number: settings in, a StackPlan out. No pulumi, network, clock or environment."""
