"""`python -m local.monitoring.supervisor`: runs the real programs whose pods are Ready (programs.py says which).

What a kubelet would do for these pods: lay out the files of their volumes, start the program, start it again when it
ends, stop it with the pod. A change of a ConfigMap or Secret is written within a second and the program reloads.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from local.control_plane.certificates import Pki
from local.engine.kube import KubeApi
from local.engine.ports import read_json
from local.host.errors import PlatformError
from local.host.paths import platform_paths
from local.host.ports import Reservations, keep_free
from local.host.processes import Processes
from local.monitoring.container_environment import with_keys
from local.monitoring.mounts import Missing, mounted_files, storage_id
from local.monitoring.place import Place, Wanted
from local.monitoring.programs import PROGRAMS, Program, behind, program_of
from local.monitoring.running import say, stop_signal, until
from local.monitoring.specs import wanted

ROUND_SECONDS = 1.0
RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""A program that does not come up is tried again after these, the last one repeatedly."""

Object = dict[str, Any]


class Pods:
    """The pods that a program of ours may stand behind, followed through a watch."""

    def __init__(self) -> None:
        self._pods: dict[str, Object] = {}

    def on_pod(self, event: str, item: Object) -> None:
        """Takes a watch event."""
        if event == "DELETED":
            self._pods.pop(item["metadata"]["uid"], None)
        elif program_of(item) is not None:
            self._pods[item["metadata"]["uid"]] = item

    def behind(self, program: str) -> Object | None:
        """The pod that this program stands behind now."""
        pod = behind(self._pods.values()).get(program)
        return dict(pod) if pod is not None else None


def write_files(plan: Wanted) -> bool:
    """Writes what differs and removes what is no longer there; True if anything changed."""
    changed = False
    for path, content in plan.files.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name}.new")
            unfinished.touch(mode=0o600)
            unfinished.write_bytes(content)
            unfinished.replace(path)
            changed = True
    for path in plan.owned.rglob("*") if plan.owned is not None and plan.owned.exists() else ():
        if path.is_file() and path not in plan.files:
            path.unlink()
            changed = True
    return changed


def forget_lost_storage(plan: Wanted) -> None:
    """Makes the data folder (a StatefulSet's volume) and removes those whose claims are gone."""
    if plan.data is None:
        return
    plan.data.mkdir(parents=True, exist_ok=True)
    for other in plan.data.parent.iterdir():
        if other != plan.data:
            shutil.rmtree(other, ignore_errors=True)


def reload(url: str) -> str | None:
    """Asks a program to read its configuration again; what it says against it, or None."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, method="POST"), timeout=10):
            return None
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace").strip()
    except OSError as error:
        return str(error)


class Keeper:
    """Keeps one program as its pod wants it."""

    def __init__(self, program: Program, place: Place) -> None:
        self._program = program
        self._place = place
        self._processes = Processes(place.paths)
        self._unread = False
        self._kept = ""
        self.said = ""

    def say_once(self, text: str) -> None:
        """Says a state that lasts only when it begins."""
        if text and text != self.said:
            say(f"{self._program.name}: {text}")
        self.said = text

    def stop(self) -> None:
        if self._processes.stop(self._program.name):
            say(f"{self._program.name}: stopped, no Ready pod has its image {self._program.image}")

    def keep(self, plan: Wanted) -> None:
        """Files, start, reload. Raises PlatformError when the program does not come up."""
        changed = write_files(plan)
        self._unread = self._unread or changed
        digest = plan.spec.digest()
        if digest != self._kept or not self._processes.is_alive(self._program.name):
            self._kept = ""
            forget_lost_storage(plan)
            is_new = self._processes.ensure(plan.spec)
            self._kept = digest
            if is_new:
                say(f"{self._program.name}: started")
                self._unread, self.said = False, ""
        if self._unread and plan.reload_url is not None:
            refused = reload(plan.reload_url)
            self._unread = refused is not None
            if refused is None:
                say(f"{self._program.name}: files changed, reloaded")
            else:
                self.say_once(f"reload refused, the old configuration goes on: {refused}")

    def place_now(self) -> Place:
        """The platform with the ports as they are now; those of a program that does not run are made sure of."""
        file = self._place.paths.run / "ports.json"
        if self._processes.is_alive(self._program.name):
            return replace(self._place, ports=read_json(file, self._place.ports))
        reservations = Reservations(self._place.paths.cache)
        return replace(self._place, ports=keep_free(file, self._program.port_names, reservations))

    @property
    def is_built(self) -> bool:
        return Path(self._place.binary(self._program.name)).exists()


async def follow_pod(program: Program, place: Place, pods: Pods, api: KubeApi, listed: asyncio.Event) -> None:
    """One program's life; ends only when it is cancelled. Before the pods are known none is taken for gone."""
    keeper, failures = Keeper(program, place), 0
    await listed.wait()
    while True:
        pause = ROUND_SECONDS
        try:
            pod = pods.behind(program.name)
            if pod is None:
                keeper.said = ""
                await asyncio.to_thread(keeper.stop)
            elif not keeper.is_built:
                keeper.say_once(f"its pod is Ready and it is not built: python -m local tools {program.need}")
            else:
                pod = await with_keys(pod, api.get)
                files = await mounted_files(pod, api.get)
                storage = await storage_id(pod, api.get)
                place = keeper.place_now()
                await asyncio.to_thread(keeper.keep, wanted(place, pod, files, storage))
            failures = 0
        except Missing as missing:
            keeper.say_once(f"waits for {missing}")
        except LookupError as error:
            keeper.say_once(f"waits: {error}")
        except (PlatformError, aiohttp.ClientError, OSError, ValueError) as error:
            pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
            failures += 1
            keeper.say_once(f"{type(error).__name__}: {error}")
        await asyncio.sleep(pause)


async def supervise(ready_file: Path) -> None:
    """Runs until SIGTERM. The programs live on: `down` stops them by their records, the next supervisor finds them."""
    stop = stop_signal()
    paths = platform_paths()
    place = Place(paths, Pki(paths.pki), read_json(paths.run / "ports.json", {}))
    pods, listed = Pods(), asyncio.Event()
    async with KubeApi(paths.kubeconfig) as api:
        tasks = [asyncio.create_task(api.follow("/api/v1/pods", pods.on_pod, say, listed))]
        tasks += [asyncio.create_task(follow_pod(program, place, pods, api, listed)) for program in PROGRAMS]
        await until(stop, [listed], tasks, ready_file)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m local.monitoring.supervisor", description=__doc__)
    parser.add_argument("--ready-file", type=Path, required=True, help="written when the pods are known")
    asyncio.run(supervise(parser.parse_args().ready_file))


if __name__ == "__main__":
    main()
