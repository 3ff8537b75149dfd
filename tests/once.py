"""What the libraries under test do again for each client and each resource, done once in a process of the tests.

Nothing here changes an answer: it is where most of the CPU seconds of `make test` went.
"""

from __future__ import annotations

import functools
import gc
import socketserver
from collections.abc import Callable
from typing import Any

import botocore.loaders
import kubernetes_validate.utils
import moto.kms.models
import pulumi.runtime.resource
from pulumi.runtime.proto import source_pb2

# Allocations between two collections of the youngest objects (Python: 700): a collection walks all that the imported
# SDKs hold, and what a test leaves in cycles is small.
ALLOCATIONS = 50_000
# How often a server of a test looks whether it is to stop.
POLL_SECONDS = 0.01


def _by_arguments(method: Callable[..., Any]) -> Callable[..., Any]:
    """The answer for the same arguments, whichever object is asked."""
    known = functools.cache(functools.partial(method, botocore.loaders.JSONFileLoader()))
    return lambda _, *args: known(*args)


def _by_paths(method: Callable[..., Any]) -> Callable[..., Any]:
    """The answer of any loader that looks into the same folders."""
    known: dict[Any, Any] = {}

    def asked(loader: botocore.loaders.Loader, type_name: str) -> Any:
        key = (type_name, *loader.search_paths)
        if key not in known:
            known[key] = method(loader, type_name)
        return known[key]

    return asked


def collect_garbage() -> None:
    """Called by conftest before the first test: from now on, and not among what is there by now.

    Until then, while pytest imports the tests, there is none: each of 500 modules is one tree of syntax when its
    assertions are rewritten, and one collection.
    """
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 50)
    gc.enable()


def install() -> None:
    """Called by conftest before the first import of a test."""
    # Each boto3 session lists and decodes the JSON of the services again (EC2's is 3 MB). A session shares it among its
    # clients, so nobody writes to it but the loader's extras, whose merge is idempotent.
    files = botocore.loaders.JSONFileLoader
    files.load_file, files.exists = _by_arguments(files.load_file), _by_arguments(files.exists)
    botocore.loaders.Loader.list_available_services = _by_paths(botocore.loaders.Loader.list_available_services)
    # Each validation decodes the schemas of all of Kubernetes' kinds again (1 MB).
    kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)
    # Every KMS key, symmetric ones too, gets an RSA key pair; one of each kind is enough where nothing is signed.
    moto.kms.models.generate_private_key = functools.cache(moto.kms.models.generate_private_key)
    # A server of the standard library that is asked to stop looks up twice a second; some seventy tests stop one.
    socketserver.BaseServer.serve_forever.__defaults__ = (POLL_SECONDS,)
    # Every registration formats the whole call stack for the engine's `sourcePosition`, which no recorder reads.
    pulumi.runtime.resource._get_stack_trace = source_pb2.StackTrace
