"""The policy pack: `pulumi preview --policy-pack policies`, `pulumi up --policy-pack policies`."""

from __future__ import annotations

import sys
from pathlib import Path

# The engine starts this file in its own folder; the rules are a package of the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from settings.last_resort import last_resort

if __name__ == "__main__":
    with last_resort("the policy pack"):
        from policies.pack import make_pack

        make_pack()
