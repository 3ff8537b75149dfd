"""moto's AWS endpoint with the gaps closed that an EKS program meets (see extension.py)."""
