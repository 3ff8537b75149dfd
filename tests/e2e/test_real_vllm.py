"""The real vLLM, run with what we render: `make e2e ENGINE=vllm`, after `make engine`."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.engine import flags
from local.host.paths import platform_paths
from local.vllm_cpu import weights
from local.vllm_cpu.environment import VERSION, Environment, installed
from local.vllm_cpu.server import Server, as_user, free_port, user_of
from tests.e2e.real_servers import open_to_servers
from tests.e2e.rendered_stack import Config, planned, server_pod
from tests.e2e.series_read import labels_of, says_that_it_is_random, selects, series_read
from tests.local.engine import cases

pytestmark = pytest.mark.vllm

SEEN = json.loads((Path(cases.__file__).parent / f"vllm-{VERSION}.json").read_text())
# On a shared machine of few cores; the probe's own budget is asserted on.
PATIENCE_SECONDS = 600
WRONG = (
    ["--no-such-flag=1"],
    ["--max-num-seqs=many"],
    ["--dtype=float7"],
    ["--max-model-len=1.5K"],
    ["--tensor-parallel-size=two"],
)


# What makes the arguments of a model differ, beside its size.
EXAMPLES: tuple[Config, ...] = (
    {"enforceEager": True},
    {"servedName": "chat", "dtype": "bfloat16"},
    {"kvCacheDtype": "fp8"},
    {"source": "Qwen/Qwen2.5-7B-Instruct-AWQ", "quantization": "awq"},
    {"tensorParallel": 2, "maxModelLen": 16384},
    {"gpuMemoryUtilization": 0.85, "drain": {"shutdownTimeoutSeconds": 60}},
    {"extraArgs": ["--enable-auto-tool-choice", "--tool-call-parser=hermes", "--max-num-queued-reqs=64"]},
    {"extraArgs": ["--no-enable-prefix-caching", "--seed=7", "--max-num-batched-tokens=4k"]},
)


def _with(change: Config, config: Config) -> None:
    config["models"][0] |= change
    if change.get("tensorParallel"):
        config["nodePools"][0]["instanceTypes"] = ["g6.12xlarge"]


@pytest.fixture(scope="session")
def environment() -> Environment:
    pod = installed(platform_paths())
    if pod is None:
        pytest.skip("vLLM is not installed; run: make engine")
    return pod


def _settings_of_the_cases(config: Config) -> None:
    config["models"][0] |= {"maxModelLen": cases.MAX_MODEL_LEN, "maxNumSeqs": 2}
    config["models"][0]["extraArgs"] = ["--max-num-queued-reqs=4"]


@pytest.fixture(scope="module")
def server(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Started as the kubelet would start it, weights first; not waited for."""
    spec = server_pod("local", _settings_of_the_cases)
    folder = tmp_path_factory.mktemp("pod")
    open_to_servers(folder)
    (folder / "root").mkdir()
    made = Server(environment, spec, spec["containers"][0], folder / "root", folder / "vllm.log", free_port())
    made.lay_out()
    kind = weights.fill(environment, made.container, None, made.hub_cache, print)
    assert kind == "random"
    made.start()
    try:
        yield made
    finally:
        made.kill()
        print(made.log.read_text()[-6000:])


def _target(server: Server) -> cases.Target:
    async def terminate() -> None:
        server.terminate()

    async def gone() -> None:
        assert await cases.until(_ended, 200), "it is there 200 s after its drain"

    async def _ended() -> bool:
        return server.exit_code is not None

    return cases.Target(f"http://127.0.0.1:{server.port}", terminate, gone)


def _is_healthy(server: Server) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{server.port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _parse(environment: Environment, lines: list[list[str]]) -> list[Any]:
    """What vLLM's own parser says of each command line."""
    script = Path(__file__).with_name("parse_arguments.py")
    variables = {"VLLM_TARGET_DEVICE": "cpu", "PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [str(environment.python), str(script)], input=json.dumps(lines), env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    values: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return values


def test_every_command_line_that_we_render_parses_and_wrong_ones_are_refused_as_the_simulation_says(
    environment: Environment, server: Server
) -> None:
    """While the server loads: one process for all of them."""
    ours = {f"{stack} {m.name}": list(m.args) for stack in ("dev", "prod", "local") for m in planned(stack).models}
    for change in EXAMPLES:
        ours[str(change)] = list(planned("local", partial(_with, change)).models[0].args)
    said = _parse(environment, [*ours.values(), *(["m", *wrong] for wrong in WRONG)])
    refused = dict(zip(ours, said, strict=False))
    assert refused == dict.fromkeys(ours)
    for wrong, what in zip(WRONG, said[len(ours) :], strict=True):
        with pytest.raises(flags.UsageError) as simulated:
            flags.parse(["m", *wrong], (0, 32, 0))
        assert what is not None, f"{wrong} passes"
        assert what[0] == simulated.value.exit_code
        reason = simulated.value.text.splitlines()[-1].rpartition("error: ")[2]
        assert reason in " ".join(what[1].split()), wrong


def test_nobody_listens_while_it_loads_and_it_is_up_within_the_planned_probe(server: Server) -> None:
    seen = asyncio.run(cases.loading(_target(server)))
    if not _is_healthy(server):  # it may be up already on a fast machine
        assert seen == SEEN["loading"]
    probe = server.container["startupProbe"]
    budget = probe["periodSeconds"] * probe["failureThreshold"]
    started = time.monotonic()
    while not _is_healthy(server):
        assert server.exit_code is None, server.log.read_text()[-3000:]
        assert time.monotonic() < started + min(budget, PATIENCE_SECONDS), server.log.read_text()[-3000:]
        time.sleep(0.5)


def test_it_runs_offline_as_the_rendered_user_and_cannot_write_its_weights(server: Server) -> None:
    assert server.variables["HF_HUB_OFFLINE"] == "1"
    assert any(argument.startswith("--revision=") for argument in server.command)
    prefix = as_user(user_of(server.pod_spec, server.container))
    if not prefix:
        pytest.skip("only root can be another user here (setpriv)")
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    assert re.search(r"^Uid:\t10001\t10001\t10001", status, re.M)
    snapshot = next(server.hub_cache.glob("models--*/snapshots/*"))
    assert weights.revision_of(server.container) == snapshot.name
    tried = subprocess.run([*prefix, "touch", str(snapshot / "new")], capture_output=True, check=False)
    assert tried.returncode != 0


def test_it_has_every_series_that_rules_alerts_dashboards_and_autoscalers_read_with_their_labels(
    server: Server,
) -> None:
    asyncio.run(_ask_once(server))
    have: dict[str, list[dict[str, str]]] = {}
    for each in asyncio.run(cases.series(_target(server))):
        name, labels = labels_of(each)
        have.setdefault(name, []).append(labels)
    read = series_read()
    assert len(read) > 10, "or nothing was asked"
    assert read.keys() - have.keys() == set()
    missed = [
        (name, own) for name, chosen in read.items() for own in chosen if not any(selects(own, h) for h in have[name])
    ]
    assert missed == []
    # Rules and panels sum by model_name; the counter of refusals alone has no engine.
    assert all("model_name" in labels for name in read for labels in have[name])
    by_engine = {name for name in read if all("engine" in labels for labels in have[name])}
    assert read.keys() - by_engine <= {"vllm:admission_rejections_total"}


async def _ask_once(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        await cases.answers(session, _target(server))


def test_its_answers_say_that_they_are_random(server: Server) -> None:
    sent = {"model": cases.MODEL, "messages": [{"role": "user", "content": "What are you?"}], "max_tokens": 24}
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/v1/chat/completions", json.dumps(sent).encode(),
        {"Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        text = json.load(answer)["choices"][0]["message"]["content"]
    assert says_that_it_is_random(text), text
    card = next(server.hub_cache.glob("models--*/snapshots/*/README.md")).read_text()
    assert "random numbers" in card


def test_it_does_in_every_case_what_the_simulation_does_its_drain_last(server: Server) -> None:
    series = asyncio.run(cases.series(_target(server)))
    assert cases.families(series) == SEEN["series"]
    seen = json.loads(json.dumps(asyncio.run(cases.observe(_target(server)))))
    for case, what in SEEN["cases"].items():
        assert seen[case] == what, case
    assert server.exit_code is not None
