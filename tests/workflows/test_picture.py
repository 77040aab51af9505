"""The picture of a workflow: boxes apart, and no arrow behind one."""

from __future__ import annotations

import random
import re

import pytest

from app.core.db import session
from app.core.errors import Invalid
from app.workflows import documents, queries
from app.workflows.models import Workflow
from app.workflows.picture import HEIGHT, WIDTH, draw
from tests.workflows.stories import edges, note, when, workflow


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


def test_a_place_is_kept_with_the_draft_in_versions_and_documents(house, signed_in, ana):
    """Moved, saved, changed, exported and taken back."""
    workflow("flow", note("a"), note("b"), team="payments")
    browser, place = signed_in(ana), {"x": 480, "y": 36}

    def press(do="place", **more):
        browser.post("/workflows/flow/build/step", data={"do": do, "node": "a", **more})
        return browser.get("/workflows/flow/build?step=a").text
    assert 'x="480.0" y="36' in press(x="480", y="36").replace('y="36.0"', 'y="36"')
    browser.post("/workflows/flow/build/configure", data={"node": "a", "with.body": "other"})
    browser.post("/workflows/flow/build/save")
    session.rollback()
    saved = session.query(Workflow).filter_by(key="flow").one()
    document = queries.workflow_document(saved)
    assert saved.number == 2 and document["nodes"][0]["at"] == place and documents.normal(document)["nodes"][0]["at"] == place
    press(x="-4", y="9000")
    assert "Let the picture place it" in press("up") and "Let the picture place it" not in press()


@pytest.mark.parametrize("at", [{"x": 1}, {"x": 1, "y": -1}, {"x": 1, "y": 5001}, {"x": 1.5, "y": 1}, {"x": True, "y": 1}, [1, 1], "here"])
def test_a_place_that_is_none_is_refused(house, at):
    """By a sentence at the node."""
    with pytest.raises(Invalid) as refused:
        workflow("flow", note("a", at=at))
    assert [problem.field for problem in refused.value.problems] == ["nodes[0].at"]


def test_the_short_form_has_places_too():
    """`type: add_note` does not take it for what the action asks for."""
    made = documents.normal({"trigger": "manual", "nodes": [{"id": "a", "type": "add_note", "body": "x", "at": {"x": 1, "y": 2}}]})
    assert made["nodes"][0]["at"] == {"x": 1, "y": 2} and made["nodes"][0]["with"] == {"body": "x"}
