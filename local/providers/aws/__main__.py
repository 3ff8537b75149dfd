"""`python -m local.providers.aws [ENGINE_ADDRESS]`: serves the provider, prints its port."""

from __future__ import annotations

import importlib.metadata

from local.providers.aws.provider import AwsProvider
from local.providers.rpc import serve


def main() -> None:
    """Says the version of the installed SDK, which the engine compares."""
    serve(lambda: AwsProvider(importlib.metadata.version("pulumi_aws")))


if __name__ == "__main__":
    main()
