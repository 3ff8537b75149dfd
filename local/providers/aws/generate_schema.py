"""`python -m local.providers.aws.generate_schema`: rewrites sdk_schema.json from the installed pulumi_aws.

The provider must know each resource's properties exactly (to refuse others, and to give outputs the shape that the
SDK expects), but importing pulumi_aws takes seconds; so what it says about our resource types is kept as data.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import re
import types
import typing
from pathlib import Path
from typing import Any

SCHEMA_FILE = Path(__file__).with_name("sdk_schema.json")


class _Reader:
    """Turns the SDK's classes into the schema's terms: str bool int float any, []T, {}T, #Object."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, str]] = {}

    def term(self, annotation: Any) -> str:
        annotation = _without_wrappers(annotation)
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is not None and issubclass(origin, typing.Mapping):
            return "{}" + self.term(arguments[1])
        if origin is not None and issubclass(origin, typing.Sequence):
            return "[]" + self.term(arguments[0])
        if annotation in (str, bool, int, float):
            return str(annotation.__name__)
        if inspect.isclass(annotation) and _pulumi_properties(annotation) is not None:
            return "#" + self.object(annotation)
        if inspect.isclass(annotation) and issubclass(annotation, str):
            return "str"  # an enum of strings
        return "any"

    def object(self, cls: type) -> str:
        is_input = cls.__name__.endswith("Args")
        name = f"{cls.__module__.split('.')[1]}.{cls.__name__.removesuffix('Args')}{'' if is_input else '!out'}"
        if name not in self.objects:
            self.objects[name] = {}
            self.objects[name].update(self.properties(cls))
        return name

    def properties(self, cls: type) -> dict[str, str]:
        properties = _pulumi_properties(cls)
        assert properties is not None
        return {name: self.term(annotation) for name, annotation in sorted(properties.items())}


def _without_wrappers(annotation: Any) -> Any:
    """`Optional[Union[T, Awaitable[T], Output[T]]]` is T."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return _without_wrappers(next(a for a in typing.get_args(annotation) if a is not type(None)))
    return annotation


def _pulumi_properties(cls: type) -> dict[str, Any] | None:
    from pulumi._types import input_type_types, is_input_type, is_output_type, output_type_types

    if is_input_type(cls):
        return dict(input_type_types(cls))
    if is_output_type(cls):
        return dict(output_type_types(cls))
    return None


def _required(args: type) -> list[str]:
    from pulumi._types import input_type_py_to_pulumi_names

    names = input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args).parameters.values()
    return sorted(names[p.name] for p in parameters if p.default is inspect.Parameter.empty)


def _function(reader: _Reader, token: str) -> dict[str, Any]:
    """`aws:eks/getCluster:getCluster`: parameters by name, and the terms of what it answers."""
    _, module_name, camel = token.split(":")
    package = module_name.split("/")[0]
    module = importlib.import_module("pulumi_aws" if package == "index" else f"pulumi_aws.{package}")
    parameters = inspect.signature(getattr(module, re.sub("([A-Z])", r"_\1", camel).lower())).parameters
    return {
        "inputs": sorted(_camel(name) for name in parameters if name != "opts"),
        "outputs": reader.properties(getattr(module, f"{camel[0].upper()}{camel[1:]}Result")),
    }


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def build_schema(tokens: typing.Iterable[str], functions: typing.Iterable[str] = ()) -> dict[str, Any]:
    """The schema of the given resource types and functions, ready for JSON. Needs pulumi_aws."""
    from pulumi._types import resource_types

    reader = _Reader()
    resources = {}
    for token in sorted(tokens):
        _, module_name, class_name = token.split(":")
        module = importlib.import_module(f"pulumi_aws.{module_name.split('/')[0]}")
        # A resource whose Args would be named like a nested type's has them as InitArgs.
        args = getattr(module, f"{class_name}InitArgs", None) or getattr(module, f"{class_name}Args")
        outputs = resource_types(getattr(module, class_name))
        resources[token] = {
            "inputs": reader.properties(args),
            "required": _required(args),
            "outputs": {name: reader.term(annotation) for name, annotation in sorted(outputs.items())},
        }
    return {
        "source": f"pulumi-aws {importlib.metadata.version('pulumi_aws')} (PyPI), classes read by generate_schema.py",
        "resources": resources,
        "functions": {token: _function(reader, token) for token in sorted(functions)},
        "objects": dict(sorted(reader.objects.items())),
    }


def render(schema: dict[str, Any]) -> str:
    """One line per resource and object: small, and differences can be read."""

    def lines(section: dict[str, Any]) -> str:
        return ",\n".join(f'  "{key}": {json.dumps(value, sort_keys=True)}' for key, value in section.items())

    return f'{{\n"source": {json.dumps(schema["source"])},\n' + "".join(
        f'"{section}": {{\n{lines(schema[section])}\n}}{end}\n'
        for section, end in (("resources", ","), ("functions", ","), ("objects", "\n}"))
    )


def main() -> None:
    from local.providers.aws.invokes import INVOKES
    from local.providers.aws.resources import TABLE

    SCHEMA_FILE.write_text(render(build_schema(TABLE, INVOKES)))


if __name__ == "__main__":
    main()
