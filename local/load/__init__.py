"""`python -m local load`: real requests through a model's Service, and what the platform makes of them."""
