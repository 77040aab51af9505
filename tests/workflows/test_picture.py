"""The picture of a workflow: boxes apart, and no arrow behind one."""

from __future__ import annotations

import random
import re

from app.workflows.picture import HEIGHT, WIDTH, draw
from tests.workflows.stories import edges, note, when


def hidden(picture):
    """Boxes behind which an arrow runs; it may bend only where no box stands."""
    found = []
    for arrow in picture.arrows:
        x, y = 0.0, 0.0
        for sign, text in re.findall("([MVC])([^MVC]*)", arrow.path):
            *_, to, down = [x, *map(float, text.split())] if sign == "V" else map(float, text.split())
            found += [box.id for box in picture.boxes if sign != "M" and y < box.y + HEIGHT and down > box.y
                      and (sign == "C" or box.x < x < box.x + WIDTH)]
            x, y = to, down
    return found


def drawn(nodes, *lines):
    return draw({"trigger": {"event": "manual"}, "nodes": nodes, "edges": edges(*dict.fromkeys(lines))}, {})


def test_an_arrow_that_skips_steps_runs_beside_them():
    fork = {"id": "c", "kind": "condition", "when": when("incident.severity", "eq", "high")}
    picture = drawn([fork, note("a"), note("b"), note("end")], "trigger>c", "c.then>a", "a>b", "b>end", "c.else>end")
    assert not hidden(picture) and len({box.x for box in picture.boxes}) == 2


def test_no_graph_hides_an_arrow():
    """Whatever leads where, and everything is within the picture."""
    for seed in range(60):
        dice, names = random.Random(seed), [f"n{at}" for at in range(seed % 12 + 1)]
        picture = drawn([note(name) for name in names], *(
            f"{dice.choice(['trigger', *names[:at]])}>{name}" for at, name in enumerate(names) for _ in range(3)))
        assert not hidden(picture) and all(0 <= box.x <= picture.width - WIDTH for box in picture.boxes)
