"""Sixty thousand deliveries on one integration, while another one's problems are paged as ever (ING-06); for `make soak`."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter

import pytest

from bench.load import Client, flat_out
from tests.journeys.system import ANA, TOKEN, System, firing
from tests.servers import eventually

NUMBER = int(os.environ.get("FLOOD", "60000"))
SENDERS, PROBLEMS, OTHER = 20, 100, "token-of-another-0123456789"


def delivery(client: Client, token: str, title: str, service: str, text: str) -> bytes:
    """One more firing of a problem, in words that no other delivery has."""
    return client.request("POST", f"/in/{token}", json.dumps(firing(service, title, text=text)).encode())


async def flood(system: System) -> tuple[Counter[int], list[float]]:
    """Twenty senders send as fast as they are answered: the answers by status; and how long each page of the other took."""
    client, beside = Client(system.port), Client(system.port)
    sending = asyncio.create_task(flat_out(client, (
        lambda at=at: delivery(client, TOKEN, f"Flood {at % PROBLEMS:02}", f"service-{at % 20}", f"for the {at}th time")
        for at in range(NUMBER)), hands=SENDERS))
    took: list[float] = []
    while not sending.done():
        title, began = f"Beside {len(took):04}", time.time()
        await beside.send(delivery(beside, OTHER, title, "service-20", ""), began)
        await asyncio.to_thread(system.mailed, ANA, title, within=60)
        took.append(time.time() - began)
        await asyncio.sleep(5)
    client.close()
    beside.close()
    return Counter(answer.status for answer in sending.result()), took


def counted(system: System) -> int:
    """How many signals of the flood are counted so far."""
    alerts = system.get("/alerts?limit=200")["items"]
    return sum(alert["count"] for alert in alerts if alert["title"].startswith("Flood"))


@pytest.mark.soak
def test_a_flood_is_taken_whole_and_keeps_no_other_sender_waiting(system: System):
    """ING-06."""
    system.oncall("apply", "-", given=json.dumps({"version": 1, "integrations": [
        {"key": "another", "plugin": "alertmanager", "team": "payments", "token": OTHER}]}))
    statuses, took = asyncio.run(flood(system))
    print(f"{len(took)} pages beside it, worst {max(took):.2f} s")
    assert statuses == {202: NUMBER}
    eventually(lambda: counted(system) == NUMBER, within=300, every=1, what=f"{NUMBER} counted signals")
    assert max(took) <= 5
