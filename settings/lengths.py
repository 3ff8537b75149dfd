"""Mean lengths of a request where no others are declared; without pydantic, for commands that start fast."""

# Means of the Azure LLM inference trace of 2023, conversations.
USUAL_INPUT_TOKENS = 1155
USUAL_OUTPUT_TOKENS = 211
