"""Run by the Python of vLLM's environment: its own parser on command lines, read as JSON; what it said, as JSON.

Output: for each line null, or [exit code, what was printed].
"""

import contextlib
import io
import json
import sys

from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser

said = []
for line in json.load(sys.stdin):
    parser = make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            validate_parsed_serve_args(parser.parse_args(line))
        said.append(None)
    except SystemExit as end:
        said.append([end.code, printed.getvalue()])
    except Exception as error:
        said.append([1, f"{type(error).__name__}: {error}"])
print("\n" + json.dumps(said))
