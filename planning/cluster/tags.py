"""AWS tags on everything."""

from __future__ import annotations

from planning.findings import Findings
from planning.model import Tags

# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html (lengths, characters)
LONGEST_KEY = 128
LONGEST_VALUE = 256


def plan_tags(written: Tags, stack: str, findings: Findings) -> Tags:
    """Ours, overruled by what is written; a resource may add its Name."""
    for key, value in written.items():
        path = f"tags.{key}"
        if key.lower().startswith("aws:"):
            findings.error(path, "tag-reserved", "keys that begin with aws: belong to AWS", "choose another")
        if not 1 <= len(key) <= LONGEST_KEY:
            findings.error(
                path,
                "tag-length",
                f"a key has 1 to {LONGEST_KEY} characters, this one has {len(key)}",
                "change its length",
            )
        for what, text in (("key", key), ("value", value)):
            if wrong := "".join(
                sorted({character for character in text if not (character.isalnum() or character in " +-=._:/@")})
            ):
                findings.error(
                    path,
                    "tag-characters",
                    f"its {what} holds {wrong!r}",
                    "use letters, digits, blanks and + - = . _ : / @",
                )
        if len(value) > LONGEST_VALUE:
            findings.error(
                path,
                "tag-length",
                f"a value has at most {LONGEST_VALUE} characters, this has {len(value)}",
                "shorten it",
            )
    return {"project": "vllm-on-eks", "stack": stack, "managed-by": "pulumi", **written}
