"""All scenarios, in the order in which they run: neighbours need the stack in neighbouring states."""

from __future__ import annotations

from local.faults.cluster_faults import CLUSTER
from local.faults.drift import DRIFT
from local.faults.engine_kills import KILLS
from local.faults.secrecy import SECRECY
from local.faults.server_faults import SERVERS, WITH_METRICS
from local.faults.state_faults import STATES

SCENARIOS = (*KILLS, *SECRECY, *SERVERS, *CLUSTER, *STATES, *DRIFT, *WITH_METRICS)
