"""Threads that want the same at one moment are served in one go, and none spoils the other's."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.together import Together


def test_who_comes_alone_is_served_alone():
    assert Together(lambda wishes: [wish * 2 for wish in wishes]).ask(21) == 42


def test_those_who_come_during_the_work_share_the_next_and_each_gets_its_own():
    begun, going, batches = threading.Event(), threading.Event(), []

    def work(wishes: Sequence[int]) -> list[int]:
        batches.append(sorted(wishes))
        begun.set()
        going.wait(5)
        return [wish * 10 for wish in wishes]

    together = Together(work)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(together.ask, 0)
        begun.wait(5)
        others = [pool.submit(together.ask, number) for number in range(1, 6)]
        while len(together._waiting) < 5:
            pass
        going.set()
        assert [first.result(5), *(other.result(5) for other in others)] == [0, 10, 20, 30, 40, 50]
    assert batches == [[0], [1, 2, 3, 4, 5]]


def refusing(bad: set[int], tried: list[list[int]]):
    """Work that fails whole when one of the bad ones is in it."""
    def work(wishes: Sequence[int]) -> list[int]:
        tried.append(list(wishes))
        if bad & set(wishes):
            raise ValueError("a bad one")
        return list(wishes)
    return work


def asked_at_once(together: Together[int, int], wishes: list[int]) -> list[object]:
    """What each gets, all of them waiting while the lock is held elsewhere."""
    with ThreadPoolExecutor(len(wishes)) as pool:
        with together._lock:
            futures = [pool.submit(together.ask, wish) for wish in wishes]
            while len(together._waiting) < len(wishes):
                pass
        return [future.exception(5) or future.result() for future in futures]


def test_one_bad_wish_fails_alone():
    found = asked_at_once(Together(refusing({2}, [])), [1, 2, 3])
    assert (found[0], type(found[1]), found[2]) == (1, ValueError, 3)


def test_what_makes_all_hopeless_is_not_tried_again_for_each():
    tried: list[list[int]] = []
    found = asked_at_once(Together(refusing({2}, tried), hopeless=(ValueError,)), [1, 2, 3])
    assert {type(fault) for fault in found} == {ValueError}
    assert len(tried) == 1


def test_nobody_waits_for_ever_when_the_one_who_works_is_stopped():
    def stopped(wishes: Sequence[int]) -> list[int]:
        raise SystemExit

    with pytest.raises(SystemExit):
        Together(stopped).ask(1)
