"""Senders repeat themselves, and many knock at once: nothing is counted twice, nothing is lost."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.journeys.system import ANA, System, firing
from tests.servers import eventually


def test_fifty_equal_posts_with_one_key_are_one_delivery(system: System):
    """ING-15"""
    body = firing("service-7", "Same again")
    with ThreadPoolExecutor(50) as senders:
        answers = list(senders.map(lambda _: system.post(body, key="one-key"), range(50)))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 200: 49}
    assert len({answer.json()["delivery"] for answer in answers}) == 1
    eventually(lambda: system.incidents("service-7"), what="the incident")
    [alert] = system.get("/alerts?service=service-7")["items"]
    assert alert["count"] == 1


def test_two_hundred_deliveries_of_one_problem_at_once_are_one_incident(system: System):
    bodies = [firing("service-8", "Everybody shouts", text=f"attempt {at}") for at in range(200)]
    with ThreadPoolExecutor(20) as senders:
        answers = list(senders.map(system.post, bodies))
    assert {answer.status_code for answer in answers} == {202}
    eventually(lambda: [alert["count"] for alert in system.get("/alerts?service=service-8")["items"]] == [200],
               within=30, what="200 signals counted on one alert")
    [incident] = system.incidents("service-8")
    system.mailed(ANA, "Everybody shouts")  # the last signal may be counted before the first page is handed over
    pages = [message for message in system.get(f"/incidents/{incident['id']}/messages") if message["user"]["email"] == ANA]
    assert (len(pages), len(system.mails(ANA, "Everybody shouts"))) == (1, 1)


def test_many_people_acknowledge_at_once_and_one_of_them_did(system: System):
    system.deliver(firing("service-9", "Who takes it"))
    incident = system.incident("service-9")
    with ThreadPoolExecutor(10) as people:
        answers = list(people.map(lambda _: system.act(incident, "acknowledge"), range(10)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert system.kinds(incident).count("incident.acknowledged") == 1
    assert system.incident("service-9")["status"] == "acknowledged"
