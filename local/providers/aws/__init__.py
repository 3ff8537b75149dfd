"""Stand-in for the AWS provider of Pulumi: one table from resource types to AWS API operations, run against moto."""
