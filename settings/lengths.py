"""Mean lengths of a request where nobody says others; without pydantic, so that commands that start fast may ask."""

# Means of the Azure LLM inference trace of 2023, conversations.
USUAL_INPUT_TOKENS = 1155
USUAL_OUTPUT_TOKENS = 211
