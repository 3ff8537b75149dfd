"""What AWS refuses and does by itself: a row of rules.csv each; docs/aws-contract.md is generated from it."""
