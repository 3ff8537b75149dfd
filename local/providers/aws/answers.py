"""What the SDK's result class of a function holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jmespath

from local.providers.aws.convert import find_member
from local.providers.aws.project import tags_to_map, to_property
from local.providers.aws.schema import function_schema

Answer = dict[str, Any]


def answer_of(token: str, live: Any, args: Mapping[str, Any], paths: Mapping[str, str]) -> Answer:
    """What the SDK's result class holds of a describe operation's answer."""
    _, outputs = function_schema(token)
    answer: Answer = {}
    for name, term in outputs.items():
        if name == "tags":
            answer[name] = tags_to_map(live.get("Tags") or live.get("tags"))
        elif name in paths:
            answer[name] = to_property(term, jmespath.search(paths[name], live), {}, name)
        else:
            answer[name] = to_property(term, live.get(find_member(name, live) or ""), {}, name)
        if answer[name] is None and name in args:
            answer[name] = args[name]
        if answer[name] is None and term.startswith("[]"):
            answer[name] = []
    return answer
