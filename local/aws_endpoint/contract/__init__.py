"""What AWS refuses and does by itself, one row each (table.py); docs/aws-contract.md is generated from it."""
