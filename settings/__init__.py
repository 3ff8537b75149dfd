"""What is asked: the stack file as frozen values. Imports pydantic; pulumi only in load.py."""
