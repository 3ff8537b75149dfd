"""What a plan had to guess of its AWS account, asked before anything is registered (docs/adr/0017). Read-only calls."""
