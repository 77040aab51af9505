"""Files beside the grid of automation and of what outsiders see, and what such an entry says; the others are in house_map.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extra:
    """A file beside the grid: its rank, why it stands alone, and whether it is public or part of the edge."""

    rank: float
    why: str
    public: bool = False
    edge: bool = False


AUTOMATION = {
    "runbooks/secret_uses": Extra(2.45, "which runbooks name a secret, apart from the secrets themselves"),
    "runbooks/vault": Extra(2.4, "secrets, their reads and commands, apart from what names them", public=True),
    "runbooks/parameters": Extra(0.5, "the part of JSON Schema that is understood; pure", public=True),
    "runbooks/subjects": Extra(2.3, "what templates can name of an incident", public=True),
    "runbooks/drafts": Extra(2.5, "from what was said to a whole runbook, every fault named"),
    "runbooks/requests": Extra(2.8, "what a target is given, and what a person is shown of it before"),
    "runbooks/executions": Extra(3.2, "commands on executions, apart from those on the library", public=True),
    "runbooks/outcomes": Extra(3.4, "what comes of a call, apart from making it"),
    "runbooks/calls": Extra(3.5, "claim, call, record: nothing else may be open during the call"),
    "runbooks/hearing": Extra(3.6, "what targets report by themselves, apart from what they answer"),
    "runbooks/callbacks": Extra(5, "the address of targets, apart from the pages of people", edge=True),
    "runbooks/runner": Extra(3.7, "the threads in which calls are made"),
    "runbooks/secret_pages": Extra(2.6, "page contexts of secrets, apart from those of runbooks"),
    "runbooks/secret_routes": Extra(5, "the routes of secrets, apart from those of runbooks", edge=True),
    "runbooks/secret_api": Extra(5, "secrets for machines, apart from runbooks", edge=True),
}

OUTSIDE = {
    "status_pages/words": Extra(-0.4, "what the system says, by language; pure", public=True),
    "status_pages/branding": Extra(-0.2, "colours and pictures; pure"),
    "status_pages/texts": Extra(-0.2, "what people write, as safe HTML; pure", public=True),
    "status_pages/bars": Extra(0.2, "how much of the last days a component was up; pure"),
    "status_pages/document": Extra(2.5, "what outsiders may know of a page, which partners are shown too", public=True),
    "status_pages/rendering": Extra(2.55, "the document as bytes for anybody", public=True),
    "status_pages/shelf": Extra(2.7, "what was rendered, kept in memory"),
    "status_pages/states": Extra(2.8, "components follow what happens, apart from what people command"),
    "status_pages/saving": Extra(2.9, "from the document's fields to a page and its components"),
    "status_pages/doors": Extra(5, "what outsiders read, apart from the pages of people", edge=True),
    "status_pages/component_routes": Extra(5, "the routes of components, apart from those of pages", edge=True),
}
