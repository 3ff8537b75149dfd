"""One call of AWS as its CLI spells it, for a machine without that CLI (`local/bin/aws` starts it).

Services, operations and parameters are named by botocore's own model, as the CLI's are. Flat parameters only, JSON out:
what `preflight` tells its reader to run (`aws logs delete-log-group --log-group-name ...`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

# Exit codes of the real CLI (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html).
WRONG_COMMAND, REFUSED = 252, 254
_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}


class Unknown(Exception):
    """A word of the command that AWS does not have, or that is too much for this stand-in."""


def parsed(words: Sequence[str], session: Any) -> tuple[str, str, dict[str, Any], str | None]:
    """Service, operation, parameters and region; raises Unknown."""
    if len(words) < 2:
        raise Unknown("write: aws <service> <operation> [--parameter value ...]")
    service, operation, *options = words
    if service not in session.get_available_services():
        raise Unknown(f"no service {service!r}")
    model = session.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        raise Unknown(f"{service} has no operation {operation!r}")
    shape = model.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-"): (name, member) for name, member in (shape.members if shape else {}).items()}
    given: dict[str, Any] = {}
    region = None
    for option, value in zip(options[::2], [*options[1::2], ""], strict=False):
        key = option.removeprefix("--")
        if key == "region":
            region = value
        elif key in members and option.startswith("--"):
            name, member = members[key]
            given[name] = _value(option, value, member.type_name)
        elif (key, value) != ("output", "json"):
            raise Unknown(f"unknown option {option!r} of {service} {operation}")
    return service, names[operation], given, region


def _value(option: str, value: str, kind: str) -> Any:
    if kind == "string":
        return value
    if kind in _NUMBERS:
        try:
            return _NUMBERS[kind](value)
        except ValueError:
            raise Unknown(f"{option} {value!r} is no number") from None
    raise Unknown(f"{option} is a {kind}; install the AWS CLI for it")


def main(words: Sequence[str]) -> int:
    """The CLI's exit code."""
    session = botocore.session.get_session()
    try:
        service, operation, given, region = parsed(words, session)
        answer = getattr(session.create_client(service, region_name=region), xform_name(operation))(**given)
    except Unknown as wrong:
        print(f"aws (no AWS CLI on this machine; a stand-in for single calls): {wrong}", file=sys.stderr)
        return WRONG_COMMAND
    except (ClientError, BotoCoreError) as refused:
        print(refused, file=sys.stderr)
        return REFUSED
    answer.pop("ResponseMetadata", None)
    if answer:
        print(json.dumps(answer, indent=4, default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
