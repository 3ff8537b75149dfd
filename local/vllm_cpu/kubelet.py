"""What a kubelet does for one container whose process really runs, with the probes, hooks and times of its Pod.

KWOK says that the pod's containers have begun; from there on this is its kubelet: weights, process, start-up, readiness
and liveness probes, restarts with back-off, preStop, SIGTERM, and SIGKILL when the grace period is over. The init
containers are not run: weights.py says what stands for the download.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from local.engine.engine import EngineState
from local.engine.flags import UsageError
from local.engine.kube import remove
from local.engine.pods import crash_status
from local.vllm_cpu.pod_status import restarts_of, running_status
from local.vllm_cpu.probes import Probe, ProbeVerdict, passes, probe_of
from local.vllm_cpu.running_pod import Machine, RunningPod
from local.vllm_cpu.server import Server, free_port

BACK_OFF_SECONDS = (0, 10, 20, 40, 80, 160, 300)
"""Before the container is started again: at once, then doubled (kubernetes 1.36.2, doBackOff)."""
FORGIVEN_AFTER_SECONDS = 600
"""A container that ran for so long begins its back-off again."""
LEAST_GRACE_SECONDS = 2.0
"""What SIGTERM gets when the preStop hook used up the grace period (kuberuntime, minimumGracePeriodInSeconds)."""
TICK_SECONDS = 0.1


async def live(member: RunningPod, machine: Machine) -> None:
    """Start after start, until the pod goes."""
    member.restarts, failures = restarts_of(member.pod), 0
    while True:
        began = time.monotonic()
        member.failure = failure = await _one_run(member, machine)
        if member.server is not None:
            member.server.kill()
        member.ready, member.state = False, EngineState.CRASHED
        member.restarts += 1
        failures = 1 if time.monotonic() - began > FORGIVEN_AFTER_SECONDS else failures + 1
        member.log(f"ERROR vllm ended with exit code {failure.exit_code}: {failure.text[-300:]}")
        status = crash_status(member.pod, failure, restarts=member.restarts)
        member.last_state = next(s["lastState"] for s in status["status"]["containerStatuses"] if "lastState" in s)
        await machine.write(member, status)
        await asyncio.sleep(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS)) - 1])
        member.failure, member.state = None, EngineState.LOADING


async def _one_run(member: RunningPod, machine: Machine) -> UsageError:
    """Starts it and probes it until it ends; why it ended."""
    try:
        await start(member, machine)
        await _probed(member, machine)
    except UsageError as failure:
        return failure
    except (OSError, shutil.Error, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        return UsageError(f"{error}\n{said.decode(errors='replace')[-2000:]}", 1)
    server = member.server
    assert server is not None
    code = server.exit_code or 0
    text = server.log.read_text(errors="replace")[-4000:].strip() if server.log.exists() else ""
    return UsageError(text or "it said nothing", code if code >= 0 else 128 - code)


async def start(member: RunningPod, machine: Machine) -> None:
    """Folders, weights, the process; the pod is not Ready until its probes say so."""
    pod, home = member.pod, machine.home(member.pod)
    (home / "root").mkdir(parents=True, exist_ok=True)
    for folder in (home / "root", home, machine.folder):
        folder.chmod(0o755)
    server = Server(machine.environment, pod.spec, pod.container, home / "root", home / "vllm.log", free_port(),
                    machine.names_port)  # fmt: skip
    server.lay_out()
    async with machine.one_at_a_time:  # the second pod finds what the first one made
        kind = await asyncio.to_thread(machine.fill, server, pod, member.log)
    member.log(f"INFO starting vllm {' '.join(server.command[1:])} with {kind} weights; its log: {server.log}")
    server.start()
    member.server, member.since = server, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    await _tell(member, machine, started=False)


async def _tell(member: RunningPod, machine: Machine, *, started: bool) -> None:
    status = running_status(
        member.pod, started=started, ready=member.ready, restarts=member.restarts, since=member.since,
        last_state=member.last_state,
    )  # fmt: skip
    await machine.write(member, status)


async def _probed(member: RunningPod, machine: Machine) -> None:
    """Until the process is gone. Raises UsageError where a probe had it ended."""
    container = member.pod.container
    probes = {kind: probe_of(container, kind) for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    await _first(_fails(member, machine, "startupProbe", probes["startupProbe"], starting=True), _gone(member))
    if not member.lives:
        return
    member.state = EngineState.SERVING
    member.log("INFO vllm serves")
    await _tell(member, machine, started=True)
    await _first(
        _fails(member, machine, "livenessProbe", probes["livenessProbe"]),
        keep_ready(member, machine, probes["readinessProbe"]),
        _gone(member),
    )


async def _first(*watches: Any) -> None:
    """Runs them until one ends; its error is ours."""
    tasks = [asyncio.create_task(watch) for watch in watches]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _gone(member: RunningPod) -> None:
    while member.lives:
        await asyncio.sleep(TICK_SECONDS)


async def _fails(
    member: RunningPod, machine: Machine, kind: str, probe: Probe | None, *, starting: bool = False
) -> None:
    """Probes; when the verdict is that it fails, ends the process as for a deletion and raises UsageError.

    While `starting` it returns with the first passed verdict, and at once where there is no probe.
    """
    if probe is None:
        if not starting:
            await asyncio.Event().wait()
        return
    verdict = ProbeVerdict(probe, None if starting else True)
    await asyncio.sleep(probe.initial_delay_seconds)
    while True:
        passing = verdict.take(await _passes(member, machine, kind, probe))
        if passing and starting:
            return
        if passing is False and member.lives:
            member.log(f"WARNING {kind} failed {probe.failure_threshold} times in a row: the container is restarted")
            await stop(member, member.pod.grace_seconds)
            raise UsageError(f"{kind} failed {probe.failure_threshold} times in a row", 137)
        await asyncio.sleep(probe.period_seconds)


async def _passes(member: RunningPod, machine: Machine, kind: str, probe: Probe) -> bool:
    """One result. What an exec that fails says is in the pod's log, as it is in the events of a real one."""
    if not probe.command:
        return await passes(machine.session, probe, member.local_port(probe.port))
    if member.server is None:
        return False
    try:
        code, said = await member.server.execute(probe.command, member.listens_on, probe.timeout_seconds)
    except OSError as error:
        code, said = None, str(error)
    if code != 0 or kind == "startupProbe":
        member.log(f"{'INFO' if code == 0 else 'WARNING'} {kind}: exit code {code}: {said[-300:]}")
    return code == 0


async def keep_ready(member: RunningPod, machine: Machine, probe: Probe | None) -> None:
    """Writes Ready as the readiness probe has it, also while the pod terminates; without a probe it is Ready."""
    if probe is None:
        member.ready = True
        await _tell(member, machine, started=True)
        await asyncio.Event().wait()
        return
    verdict = ProbeVerdict(probe, member.ready)
    await asyncio.sleep(probe.initial_delay_seconds)
    while True:
        ready = bool(verdict.take(await _passes(member, machine, "readinessProbe", probe)))
        if ready != member.ready:
            member.ready = ready
            member.log(f"INFO readiness: {'Ready' if ready else 'not Ready'}")
            await _tell(member, machine, started=True)
        await asyncio.sleep(probe.period_seconds)


async def _pre_stop(member: RunningPod, server: Server, grace_seconds: float) -> None:
    """Sleeps, or runs in the container what the hook says; a hook that fails is told of, and the end goes on."""
    command = member.pod.pre_stop_command
    if not command:
        await asyncio.sleep(member.pod.pre_stop_seconds)
        return
    try:
        code, said = await server.execute(command, member.listens_on, grace_seconds)
    except OSError as error:
        code, said = None, str(error)
    member.log(f"{'INFO' if code == 0 else 'WARNING'} preStop: exit code {code}: {said[-300:]}")


async def stop(member: RunningPod, grace_seconds: float) -> None:
    """preStop, SIGTERM, grace, SIGKILL, in the order and within the times of the kubelet."""
    server, began = member.server, time.monotonic()
    if server is None or server.exit_code is not None:
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(_first(_gone(member), _pre_stop(member, server, grace_seconds)), grace_seconds)
    if member.state is EngineState.SERVING:
        member.state = EngineState.DRAINING
    member.log("INFO SIGTERM")
    server.terminate()
    left = max(began + grace_seconds - time.monotonic(), LEAST_GRACE_SECONDS)
    with suppress(TimeoutError):
        await asyncio.wait_for(_gone(member), left)
    code = server.exit_code
    member.log(
        "WARNING the grace period is over: SIGKILL" if code is None else f"INFO vllm ended with exit code {code}"
    )
    server.kill()


async def terminate(member: RunningPod, machine: Machine) -> None:
    """A deleted pod: no more restarts, only readiness is still probed; its object goes when its process has."""
    if member.life is not None:
        member.life.cancel()
        await asyncio.gather(member.life, return_exceptions=True)
    with suppress(UsageError):
        ending = stop(member, member.pod.grace_seconds)
        if member.state is EngineState.SERVING and member.lives:
            await _first(ending, keep_ready(member, machine, probe_of(member.pod.container, "readinessProbe")))
        else:
            await ending
    member.state = EngineState.STOPPED
    await remove(machine.api, member.pod.path, member.pod.uid, member.log)
