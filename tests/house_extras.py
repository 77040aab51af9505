"""Files beside the grid of automation, of alerts in, of learning and of what outsiders see; the others are in house_map.py."""

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
    "runbooks/library_pages": Extra(2.9, "page contexts of the library, apart from those of runs"),
    "runbooks/review_pages": Extra(2.9, "page contexts of approvals, apart from those of the library"),
    "runbooks/controls": Extra(0.7, "parameters as controls of a form; pure"),
    "runbooks/run_pages": Extra(2.9, "page contexts of runs, apart from those of the library"),
    "runbooks/rehearsal": Extra(2.9, "asking a target without running anything"),
    "runbooks/run_routes": Extra(5, "the routes of runs, apart from those of the library", edge=True),
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
    "status_pages/recurrence": Extra(0.6, "when planned maintenance takes place; pure"),
    "status_pages/maintenance_models": Extra(1.2, "tables of maintenance and news, apart from those of pages"),
    "status_pages/subscriber_models": Extra(1.3, "tables of subscribers, apart from those of pages"),
    "status_pages/announcing": Extra(2.75, "what subscribers are to be told, in the transaction of the fact"),
    "status_pages/windows": Extra(2.85, "windows as time passes, apart from what people command"),
    "status_pages/maintenance": Extra(3.1, "commands on maintenance, apart from those on pages", public=True),
    "status_pages/notices": Extra(3.2, "commands on notices, apart from those on pages", public=True),
    "status_pages/auto_notices": Extra(3.3, "notices that a page writes by itself"),
    "status_pages/templates": Extra(3.1, "commands on texts that are kept"),
    "status_pages/subscribing": Extra(3.2, "commands on subscriptions", public=True),
    "status_pages/reader_sending": Extra(3.5, "claim, call, record: nothing else may be open during the call"),
    "status_pages/reader_ticks": Extra(4, "what is done for subscribers as time passes, apart from pages"),
    "status_pages/notice_forms": Extra(4.1, "the composer, apart from the forms of pages"),
    "status_pages/maintenance_forms": Extra(4.1, "the forms of maintenance, apart from those of pages"),
    "status_pages/reader_doors": Extra(5.1, "where outsiders subscribe, apart from what they read", edge=True),
    "status_pages/notice_routes": Extra(5, "the routes of notices, apart from those of pages", edge=True),
    "status_pages/maintenance_routes": Extra(5, "the routes of maintenance, apart from those of pages", edge=True),
    "status_pages/reader_routes": Extra(5, "the routes of subscribers, apart from those of pages", edge=True),
    "status_pages/feeds": Extra(2.6, "the document for programs of readers"),
    "status_pages/front": Extra(5.2, "pages on hosts of their own, before the application"),
    "status_pages/exporting": Extra(3.5, "copies: claim, write with nothing open, record"),
    "status_pages/export_ticks": Extra(4, "what is done for copies as time passes, apart from pages"),
    "status_pages/saving": Extra(2.9, "from the document's fields to a page and its components"),
    "status_pages/doors": Extra(5, "what outsiders read, apart from the pages of people", edge=True),
    "status_pages/component_routes": Extra(5, "the routes of components, apart from those of pages", edge=True),
}


# Alerts in: the doors, the road from delivery to incident, and its pages.
INGEST = {
    "ingest/busy": Extra(2.95, "the mark of a flood, which the drain weighs"),
    "ingest/noise": Extra(3.51, "grouping, storms and flapping, apart from the steps of the pipeline"),
    "ingest/opening": Extra(3.52, "where a new problem goes, apart from reading and counting it"),
    "ingest/playing": Extra(3.65, "stored deliveries played again at their own times", public=True),
    "ingest/simulation": Extra(3.7, "what would happen: the real road, taken back"),
    "ingest/why": Extra(2.9, "the context of the page that explains one incident"),
    "ingest/simulate_pages": Extra(4.2, "the page of the simulation, with what was typed"),
    "ingest/explain_routes": Extra(5, "the routes of the pages that explain", edge=True),
    "ingest/routing": Extra(0.5, "the compiled table of routes and its trace; pure"),
    "ingest/route_store": Extra(2.9, "the stored routes, apart from integrations", public=True),
    "ingest/route_pages": Extra(4.2, "the pages of routes, with what was typed when a form is refused"),
    "ingest/routing_routes": Extra(5, "the routes of the pages of routes, apart from those of integrations", edge=True),
    "ingest/guide": Extra(-0.2, "text as the pages show it; pure", public=True),
    "ingest/refusals": Extra(0.5, "wrong tokens counted in Redis", public=True),
    "ingest/testing": Extra(1.5, "how a test delivery is marked and known"),
    "ingest/credentials": Extra(2.4, "tokens and secrets of integrations"),
    "ingest/readers": Extra(2.5, "which plugin reads a delivery, and as what it reads it"),
    "ingest/looking": Extra(2.6, "what senders ask about their own deliveries and alerts"),
    "ingest/asking": Extra(3.4, "what senders want done beside what they report"),
    "ingest/inspection": Extra(2.8, "the context of one delivery's page"),
    "ingest/genuine": Extra(2.6, "what plugins may say at the door, apart from storing"),
    "ingest/trouble": Extra(3.6, "what is done about deliveries that can't be read, apart from draining them"),
    "ingest/keeping": Extra(3.6, "how long deliveries are kept, apart from working on them"),
    "ingest/route_trial": Extra(4.1, "a typed route asked of stored deliveries"),
    "ingest/switching": Extra(3.3, "plugins on and off, and what that holds, apart from integrations"),
    "ingest/mapping": Extra(0.5, "a payload as a tree, and the mapping that grows by choosing from it; pure"),
    "ingest/mapping_pages": Extra(2.9, "the page of a mapping, with what was typed"),
    "ingest/mapping_routes": Extra(5, "the routes of mappings, apart from those of integrations", edge=True),
    "ingest/plugin_pages": Extra(3.6, "page contexts of plugins, apart from those of integrations"),
    "ingest/plugin_routes": Extra(5, "the routes of plugins, apart from those of integrations", edge=True),
    "ingest/plugin_api": Extra(5, "plugins for machines, apart from deliveries", edge=True),
    "ingest/mailroom": Extra(3.8, "the door for mail: another protocol, the same insert"),
    "ingest/door": Extra(2.8, "the one insert that every way in shares", public=True),
    "ingest/saving": Extra(2.9, "one command on integrations, with all its checks"),
    "ingest/pipeline": Extra(3.6, "the steps from delivery to incident, apart from the commands on integrations"),
    "ingest/renewal": Extra(3.2, "commands on credentials, old and new, apart from those on integrations"),
    "ingest/renewal_routes": Extra(5, "the routes of credentials, apart from those of integrations", edge=True),
    "ingest/trial": Extra(3.5, "a test is sent with nothing open"),
    "ingest/doors": Extra(5, "the routes of senders, apart from the pages of people", edge=True),
}

LEARNING = {
    "postmortems/timeline": Extra(2.7, "the rows of the log, apart from reading documents"),
    "postmortems/facts": Extra(1.5, "what was recorded of incidents, apart from reading documents"),
    "postmortems/difference": Extra(0.2, "what two texts differ in; pure"),
    "postmortems/documents": Extra(2.8, "what machines get, apart from reading"),
    "postmortems/notices": Extra(3.1, "what people are told, apart from why"),
    "postmortems/editing": Extra(3.2, "commands beside the text"),
    "postmortems/reviewing": Extra(3.4, "commands of review and publication, apart from those on the text"),
    "postmortems/sharing": Extra(3.2, "share links, and what somebody outside may read"),
    "postmortems/items": Extra(3.2, "commands on action items, apart from those on documents"),
    "postmortems/patterns": Extra(3.2, "commands on templates, and how a team writes"),
    "postmortems/item_queries": Extra(2.4, "reads on action items, apart from those on documents", public=True),
    "postmortems/item_pages": Extra(4.2, "the pages of action items, with what was typed when a form is refused"),
    "postmortems/item_routes": Extra(5.1, "the routes of action items, apart from those of documents", edge=True),
    "postmortems/item_api": Extra(5.1, "action items for machines, apart from documents", edge=True),
    "postmortems/exports": Extra(4.5, "what is taken away, apart from what is read here"),
    "postmortems/paper_routes": Extra(5.1, "the routes of what is taken away and shared", edge=True),
    "postmortems/metrics": Extra(2.6, "figures about many documents, apart from reading one"),
    "postmortems/pattern_pages": Extra(4.2, "the pages of templates, habits and figures"),
    "postmortems/pattern_routes": Extra(5.1, "the routes of templates, habits and figures", edge=True),
    "postmortems/pattern_api": Extra(5.1, "the same for machines, with comments and share links", edge=True),
    "postmortems/tickets": Extra(3.5, "action items as issues elsewhere: nothing else may be open during a call"),
    "postmortems/pages": Extra(4.2, "the page of a document, with what was typed when a form is refused"),
    "postmortems/list_pages": Extra(4.2, "the list and its filters, apart from the page of one document"),
    "postmortems/new_page": Extra(4.2, "the form that begins one"),
    "postmortems/edit_pages": Extra(4.4, "the pages of writing, apart from that of reading"),
    "postmortems/edit_routes": Extra(5.1, "the routes of writing, apart from those of reading", edge=True),
}
