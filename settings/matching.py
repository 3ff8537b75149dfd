"""Text with an alphabet: one pattern, and the words that say which characters may stand there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from settings.findings import WrongValue


@dataclass(frozen=True)
class Matching:
    """The whole text matches `pattern`, in which `\\w` and `\\d` are ASCII.

    `meaning`: what another text is, `not a ...`; `fix`: what to write instead.
    Stands in `Annotated`. pydantic's own `pattern` is not used: it knows no such words, and its `\\d` takes the digits
    of every script.
    """

    pattern: str
    meaning: str
    fix: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        compiled = re.compile(self.pattern, re.ASCII)

        def check(text: str) -> str:
            if not compiled.fullmatch(text):
                raise WrongValue(self.meaning, self.fix)
            return text

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}
