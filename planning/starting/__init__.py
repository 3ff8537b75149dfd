"""Whether vLLM starts a model like this at all: one list of checks for the stack file and the command line."""
