"""Stand-ins for what serves models through an operator, where the original cannot run here."""
