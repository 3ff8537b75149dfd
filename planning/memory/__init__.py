"""What one GPU's memory holds."""
