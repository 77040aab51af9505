"""A real Alertmanager, as Debian ships it, sends a real alert and its end: from its API to Ana's mailbox."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.journeys.system import ANA, TOKEN, System
from tests.servers import eventually, free_port

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIGURATION = """
route: {{receiver: oncall, group_by: [alertname, service], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: oncall
    webhook_configs: [{{url: "{url}", send_resolved: true}}]
"""

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="prometheus-alertmanager is not installed")


@pytest.fixture
def alertmanager(system: System, tmp_path: Path) -> Iterator[httpx.Client]:
    """Its API."""
    port, settings = free_port(), tmp_path / "alertmanager.yml"
    settings.write_text(CONFIGURATION.format(url=f"{system.url}/in/{TOKEN}"))
    process = subprocess.Popen(
        [str(PROGRAM), f"--config.file={settings}", f"--storage.path={tmp_path}", "--cluster.listen-address=",
         f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        eventually(lambda: is_ready(client), within=20, what="an Alertmanager that is ready")
        yield client
    process.terminate()
    process.wait(10)


def is_ready(client: httpx.Client) -> bool:
    """Whether it answers."""
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def tell(client: httpx.Client, *, lasting: float) -> None:
    """What Prometheus would: a problem since a minute that ends in so many seconds unless it is told again."""
    begun, ends = (datetime.now(UTC) + timedelta(seconds=seconds) for seconds in (-60, lasting))
    answer = client.post("/api/v2/alerts", json=[{
        "labels": {"alertname": "DiskFull", "service": "service-10", "severity": "critical"},
        "annotations": {"summary": "The disk of Ledger is full"},
        "startsAt": begun.isoformat(), "endsAt": ends.isoformat()}])
    assert answer.status_code == 200, answer.text


def test_an_alert_of_a_real_alertmanager_is_paged_and_resolved(system: System, alertmanager: httpx.Client):
    tell(alertmanager, lasting=600)
    mail = system.mailed(ANA, "The disk of Ledger is full")
    incident = system.incident("service-10")
    assert incident["severity"] == "critical" and mail.to == ANA
    tell(alertmanager, lasting=0)
    eventually(lambda: system.incident("service-10")["status"] == "resolved", what="a resolved incident")
    assert len(system.incidents("service-10")) == 1
