"""What a stack has in its AWS account."""
