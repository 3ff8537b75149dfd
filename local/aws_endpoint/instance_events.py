"""What EC2 tells of instances through EventBridge: changes of state, and that a spot instance is taken back.

moto tells nothing of its own accord. Rules that match lead the announcement to their targets, as put_events does; that
EC2's detail types are announced, and how: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-state-changes.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html.
"""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from moto.backends import get_backend
from moto.ec2.models.instances import Instance

STATE_CHANGE = "EC2 Instance State-change Notification"
SPOT_WARNING = "EC2 Spot Instance Interruption Warning"
NOTICE_SECONDS = 120.0
"""How long EC2 leaves a spot instance after its warning."""


def install() -> None:
    """Patches moto's class; once per process."""
    Instance.terminate = _announced(Instance.terminate)


def _announced(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def terminate(self: Any) -> Any:
        if self.state == "terminated":  # idempotent; moto would end its interface again
            return copy.copy(self._state)
        before = original(self)
        for state in ("shutting-down", "terminated"):
            announce(self, STATE_CHANGE, {"instance-id": self.id, "state": state})
        return before

    return terminate


def announce(instance: Any, detail_type: str, detail: Mapping[str, Any]) -> None:
    """To the targets of matching rules on the default event bus of the instance's account and region.

    Without put_events: moto's transforms the input first, with a library that nothing else here needs.
    """
    ec2 = instance.ec2_backend
    events = get_backend("events")[ec2.account_id][ec2.region_name]
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": "aws.ec2",
        "account": ec2.account_id,
        "time": time.time(),
        "region": ec2.region_name,
        "resources": [f"arn:{ec2.partition}:ec2:{ec2.region_name}:{ec2.account_id}:instance/{instance.id}"],
        "detail": dict(detail),
    }
    for rule in list(events.describe_event_bus("default").rules.values()):
        if rule.state == "ENABLED":
            rule.send_to_targets(event, transform_input=False)


def take_back(instance: Any, notice_seconds: float = NOTICE_SECONDS) -> None:
    """Warns of a spot instance's end, and ends it after the notice. Raises ValueError for another kind of instance."""
    if instance.lifecycle != "spot":
        raise ValueError(f"{instance.id} is no spot instance")
    announce(instance, SPOT_WARNING, {"instance-id": instance.id, "instance-action": "terminate"})
    end = threading.Timer(notice_seconds, _end, (instance,))
    end.daemon = True
    end.start()


def _end(instance: Any) -> None:
    instance.terminate()
