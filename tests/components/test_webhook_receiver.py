"""The receiver that e2e tests stand behind the real Alertmanager."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.e2e.webhook import webhook


def _post(url: str, message: object) -> int:
    asked = urllib.request.Request(url, json.dumps(message).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        status: int = answer.status
        return status


def _message(name: str, status: str) -> dict[str, object]:
    return {"version": "4", "status": status, "alerts": [{"status": status, "labels": {"alertname": name}}]}


def test_an_alert_that_came_is_found_by_name_and_status() -> None:
    with webhook() as received:
        assert _post(received.url, _message("GpuXidError", "firing")) == 200
        assert received.wait_for("GpuXidError", "firing", 5)["labels"] == {"alertname": "GpuXidError"}


def test_an_alert_that_did_not_come_says_what_came_instead() -> None:
    with webhook() as received:
        _post(received.url, _message("GpuXidError", "firing"))
        with pytest.raises(TimeoutError, match="came: GpuXidError firing"):
            received.wait_for("GpuXidError", "resolved", 0.05)


def test_what_alertmanager_does_not_send_is_refused() -> None:
    with webhook() as received, pytest.raises(urllib.error.HTTPError, match="400"):
        _post(received.url, {"alerts": []})
