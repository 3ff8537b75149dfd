"""Which model a run means, and where it is: found on the running platform, or said in one line why not."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from local.commands.completion import RunningModel, models, service_url
from local.control_plane.cluster import connect
from local.engine.pods import CONTAINER
from local.host.errors import PlatformError
from local.host.paths import Paths
from local.host.processes import Processes
from local.load.options import CannotLoad, near
from local.stacks.stack import Stack, existing_stacks

NEEDED = ("kube-apiserver", "engine")


@dataclass(frozen=True)
class LoadTarget:
    """A model behind its Service: `served` is its name in requests, `max_model_len` its longest context, tokens."""

    namespace: str
    name: str
    url: str
    served: str
    max_model_len: int


def find_target(paths: Paths, model_name: str, stack: str) -> LoadTarget:
    """The model named `model_name` (or the only one). Raises CannotLoad: stopped, another stack, no such model."""
    processes = Processes(paths)
    if not all(processes.is_alive(name) for name in NEEDED):
        raise CannotLoad("the platform is stopped: make up")
    _check_stack(paths, stack)
    try:
        running = sorted(models(paths), key=lambda model: (model.name, model.namespace))
    except Exception as error:  # the client's own kinds of error are many; each means the same here
        raise CannotLoad(f"the API server does not answer ({type(error).__name__}): make status") from error
    model = choose(running, model_name)
    try:
        url = service_url(paths, model)
    except PlatformError as error:
        raise CannotLoad(str(error)) from error
    served, longest = _asked(url) or declared(arguments_of(paths, model))
    return LoadTarget(model.namespace, model.name, url, served, longest)


def choose(running: list[RunningModel], model_name: str) -> RunningModel:
    """By name or namespace/name; raises CannotLoad with the nearest names."""
    names = [f"{model.namespace}/{model.name}" for model in running]
    if not running:
        raise CannotLoad("no model is on the platform: make up")
    if not model_name:
        if len(running) == 1:
            return running[0]
        raise CannotLoad(f"which model? name one with MODEL=: {', '.join(names)}")
    matching = [model for model, name in zip(running, names, strict=True) if model_name in (model.name, name)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise CannotLoad(f"--model {model_name} is in several namespaces; write one of {', '.join(names)}")
    short = [model.name for model in running]
    raise CannotLoad(
        f"--model {model_name}: there is no such model{near(model_name, short)}; models: {', '.join(short)}"
    )


def _check_stack(paths: Paths, stack_name: str) -> None:
    if not stack_name:
        return
    ports = json.loads((paths.run / "ports.json").read_text())
    there = [name for name in existing_stacks(paths) if Stack(paths, ports, name).resource_count() > 1]
    if stack_name not in there:
        raise CannotLoad(
            f"--stack {stack_name} is not up{near(stack_name, there)}; up: {', '.join(there) or 'none'}: make up"
        )


def declared(arguments: list[str]) -> tuple[str, int]:
    """Name in requests and longest context as the Deployment's arguments say: a model at zero replicas tells nothing.

    Raises CannotLoad where they do not say.
    """
    options = dict(
        argument[2:].split("=", 1) for argument in arguments if argument.startswith("--") and "=" in argument
    )
    try:
        return options["served-model-name"].split()[0], int(options["max-model-len"])
    except (LookupError, ValueError):
        raise CannotLoad(
            "the model has no Ready replica, and its Deployment says no --served-model-name= and --max-model-len= in "
            "numbers; wait until it is Ready: make status"
        ) from None


def arguments_of(paths: Paths, model: RunningModel) -> list[str]:
    """What its Deployment tells the server. Raises CannotLoad where there is none."""
    from kubernetes.client.exceptions import ApiException

    try:
        deployment = connect(paths.kubeconfig).apps.read_namespaced_deployment(model.name, model.namespace)
    except ApiException as error:
        if error.status == 404:  # a Rollout, or a RayService
            raise CannotLoad(
                f"{model.namespace}/{model.name} has no Ready replica, and is no Deployment that would say its name in "
                "requests and its longest context; wait until it is Ready: make status"
            ) from error
        raise CannotLoad(f"the API server answers {error.status} for {model.name}: make status") from error
    containers = deployment.spec.template.spec.containers
    return next((list(container.args or []) for container in containers if container.name == CONTAINER), [])


def _asked(url: str) -> tuple[str, int] | None:
    """Name in requests and longest context as the model itself says; None where no replica is Ready."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/v1/models", timeout=10) as answer:
            card: dict[str, Any] = json.load(answer)["data"][0]
            return str(card["id"]), int(card["max_model_len"])
    except urllib.error.HTTPError as error:
        if error.code == 503:
            return None
        raise CannotLoad(f"{url}/v1/models answered {error.code}: make logs NAME=engine") from error
    except (OSError, ValueError, LookupError) as error:
        raise CannotLoad(f"{url}/v1/models does not answer ({error}): make logs NAME=engine") from error
