"""YAML and JSON texts made to hurt their reader, each with a part of the one line that they end in."""

from __future__ import annotations

from itertools import pairwise

_LETTERS = "abcdefghij"

YAML: dict[str, tuple[str, str]] = {
    "aliases that multiply": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "\n".join(f"{here}: &{here} [{','.join([f'*{above}'] * 10)}]" for above, here in pairwise(_LETTERS)),
        "line 5: more than 20,000 keys and values, aliases counted",
    ),
    "a long text named often": (f"a: &a {'x' * 60_000}\nb: [*a, *a, *a, *a, *a]", "line 2: more than 256 KiB of text"),
    "merges that multiply": (
        f"a: &a {{{','.join(f'k{i}: 1' for i in range(4000))}}}\nb: {{<<: [*a, *a, *a]}}",
        "line 2: more than 20,000",
    ),
    "a list in itself": ("a: &a [*a]", "line 1: *a stands inside of what it names"),
    "a mapping in itself": ("a: &a\n  b:\n    c: *a", "line 3: *a stands inside of what it names"),
    "3,000 lists in each other": ("a: " + "[" * 3000, "line 1: nested deeper than 40 levels"),
    "3,000 lists in each other, closed": (f"a: {'[' * 3000}{']' * 3000}", "nested deeper than 40 levels"),
    "100,000 mappings in each other": ("{" * 100_000, "nested deeper than 40 levels"),
    "3,000 dashes": ("- " * 3000, "nested deeper than 40 levels"),
    "3,000 question marks": ("? " * 3000, "nested deeper than 40 levels"),
    "100 levels by indentation": ("\n".join(" " * i + "a:" for i in range(100)), "line 41: nested deeper"),
    "6,000 digits": ("a: " + "9" * 6000, "line 1: 999999999999999999999999... is a number of 6000 characters"),
    "6,000 digits after the point": ("a: 1." + "1" * 6000, "is a number of 6002 characters"),
    "6,000 digits of an exponent": ("a: 1e" + "1" * 6000, "is a number of 6002 characters"),
    "7,000 hexadecimal digits": ("a: 0x" + "f" * 7000, "is a number of 7002 characters"),
    "no hexadecimal digit": ("a: 0x_", "line 1: 0x_ is no number"),
    "no binary digit": ("a: [1, 0b_]", "line 1: 0b_ is no number"),
    "no octal digit": ("a: -0o__", "line 1: -0o__ is no number"),
    "infinity": ("a: .inf", "line 1: .inf is no finite number"),
    "minus infinity": ("a:\n  b: -.Inf", "line 2: -.Inf is no finite number"),
    "not a number": ("a: .NaN", "line 1: .NaN is no finite number"),
    "too large an exponent": ("a: 1e999", "line 1: 1e999 is no finite number"),
    "a tag that runs code": ("a: !!python/object/apply:os.system [id]", "line 1: tag !!python/object/apply:os.system"),
    "a tag that does not fit": ("a: !!int x", "line 1: tag !!int; write the value without a tag"),
    "a tag for a set": ("a: !!set {x}", "line 1: tag !!set"),
    "bytes": ("a: !!binary aGk=", "line 1: tag !!binary"),
    "100,000 keys": ("a: [" + "a," * 100_000 + "]", "more than 20,000 keys and values"),
    "300 KiB of comment": ("#" + "x" * 300 * 1024, "longer than 256 KiB"),
    "a zero byte": ("a: \0", "control characters are not allowed"),
    "half a character": ('a: "\\ud800"', "line 1: found invalid Unicode character escape code"),
    "two documents": ("a: 1\n---\nb: 2", "line 2: but found another document"),
    "a list as key": ("? [a]\n: 1", "line 1: a key must be text"),
    "an alias of nothing": ("a: *b", "line 1: found undefined alias"),
    "an anchor without name": ("a: & b", "line 1: did not find expected alphabetic"),
    "a number merged": ("a: {<<: 3}", "line 1: expected a mapping"),
    "stars": ("*" * 100_000, "line 1: did not find"),
    "a quote that never ends": ('a: "' + "\\n" * 100_000, "found unexpected end of stream"),
    "a key twice": ("a: 1\na: 2", "line 2: key a stands twice, first in line 1"),
    "a tab": ("a:\n\tb: 1", "line 2: found character that cannot start any token"),
}

JSON: dict[str, tuple[str, str]] = {
    "3,000 lists in each other": ("[" * 3000, "is nested deeper than 40 levels"),
    "objects in each other": ('{"a":' * 50 + "1" + "}" * 50, "is nested deeper than 40 levels"),
    "6,000 digits": ('{"a": ' + "9" * 6000 + "}", "is a number of 6000 characters"),
    "6,000 digits after the point": ("[1." + "9" * 6000 + "]", "is a number of 6002 characters"),
    "too large an exponent": ("[1e999]", "1e999 is no finite number"),
    "not a number": ("[NaN]", "NaN is no finite number"),
    "minus infinity": ("[-Infinity]", "-Infinity is no finite number"),
    "half a character": ('["\\ud800"]', "half of a surrogate pair"),
    "2 MiB": (f'["{"x" * 2**21}"]', "is longer than 1024 KiB"),
}
