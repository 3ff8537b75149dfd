"""The program under a recorder, told to a reviewer without credentials: `python -m preview STACK`."""

import os

# A preview tells a mistake in under half a second; looking for pydantic plugins would take a tenth of that.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
