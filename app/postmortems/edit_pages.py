"""What the pages of writing show: the editor, the merge of two texts, the choice of rows, versions and their difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup

from app.core.access import Actor
from app.identity.queries import allow
from app.incidents.detail import zone_of
from app.postmortems import editing, forms, pages, queries, rules, timeline
from app.postmortems.difference import Difference, difference
from app.postmortems.models import Postmortem, PostmortemVersion, Unsaved
from app.postmortems.service import Stale


@dataclass(frozen=True)
class Editor:
    """The form of the text: `base` is the version it begins with, `kept` when the unsaved text in it was typed; `newer`:
    somebody saved since."""

    postmortem: Postmortem
    base: int
    content: rules.Content
    moments: Mapping[str, str]
    zone: str
    busy: list[Unsaved]
    kept: Unsaved | None = None
    preview: Mapping[int, Markup] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    newer: bool = False

    @property
    def id(self) -> int:
        """The document's number."""
        return self.postmortem.id


def editor(postmortem: Postmortem, by: Actor, *, content: rules.Content | None = None, base: int | None = None,
           **form: Any) -> Editor:
    """The editor with the newest text, with what this person typed and did not save, or with what is given."""
    if postmortem.state == "published":
        allow(by, "postmortem.manage", team_id=postmortem.team_id)
    kept = editing.unsaved_of(postmortem, by) if content is None else None
    text = content or (rules.content(kept.content) if kept else queries.content_of(postmortem))
    begun = base or (kept.base if kept else postmortem.version)
    moments = {name: forms.local(getattr(text, name), by) for name in rules.MOMENTS}
    return Editor(postmortem, begun, text, moments, zone_of(by),
                  editing.busy(postmortem, by), kept, newer=begun != postmortem.version, **form)


def with_preview(shown: Editor, at: int) -> Editor:
    """The editor with one section as readers will see it."""
    sections = shown.content.sections
    return replace(shown, preview={at: pages.shown(sections[at].body)}) if at < len(sections) else shown


@dataclass(frozen=True)
class MergePage:
    """Two texts that clash: what both began with, one's own and the other's, part by part; the rest is merged."""

    postmortem: Postmortem
    content: rules.Content
    clashes: list[tuple[rules.Clash, Difference, Difference]]
    moments: Mapping[str, str]
    other: PostmortemVersion
    positions: Mapping[str, int]

    @property
    def id(self) -> int:
        """The document's number."""
        return self.postmortem.id


def merge_page(postmortem: Postmortem, stale: Stale, by: Actor) -> MergePage:
    """The page of a clash; saving it begins with the version that was merged, whatever was saved since."""
    merged = stale.merged or rules.Merged(queries.content_of(postmortem))
    return MergePage(
        postmortem, merged.content, [(one, difference(one.base, one.own), difference(one.base, one.other))
                                     for one in merged.clashes],
        {name: forms.local(getattr(merged.content, name), by) for name in rules.MOMENTS},
        queries.version_of(postmortem, int(str(stale.state["version"]))),
        {f"section:{one.heading}": at for at, one in enumerate(merged.content.sections)})


@dataclass(frozen=True)
class PickerPage:
    """Every row of the timeline with a box; `typed` and `faults` belong to the form of one's own row."""

    postmortem: Postmortem
    rows: list[timeline.Row]
    zone: str
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The document's number."""
        return self.postmortem.id


def picker(postmortem: Postmortem, by: Actor, **form: Any) -> PickerPage:
    """The choice of rows."""
    if postmortem.state == "published":
        allow(by, "postmortem.manage", team_id=postmortem.team_id)
    return PickerPage(postmortem, timeline.rows_of(postmortem, queries.content_of(postmortem)), zone_of(by), **form)


@dataclass(frozen=True)
class VersionsPage:
    """All versions that this person may read, and what two of them differ in."""

    postmortem: Postmortem
    versions: list[PostmortemVersion]
    older: PostmortemVersion
    newer: PostmortemVersion
    parts: list[tuple[str, Difference]]
    may_restore: bool

    @property
    def id(self) -> int:
        """The document's number."""
        return self.postmortem.id


def versions_page(postmortem: Postmortem, by: Actor, args: Mapping[str, str]) -> VersionsPage:
    """The versions `from` and `to`; the newest and the one before unless told."""
    versions = queries.versions_of(postmortem, by)
    known = {one.number: one for one in versions}
    newer = known.get(queries.number_of(args.get("to", "")), versions[0])
    before = next((one for one in versions if one.number < newer.number and one.content != newer.content), newer)
    older = known.get(queries.number_of(args.get("from", "")), before)
    return VersionsPage(postmortem, versions, older, newer, parts(postmortem, older, newer),
                        pages.rights_of(postmortem, by)["edit"])


def parts(postmortem: Postmortem, older: PostmortemVersion, newer: PostmortemVersion) -> list[tuple[str, Difference]]:
    """What differs between two versions: title, facts that people decided, sections, rows of the timeline."""
    said = [_parts(postmortem, rules.content(one.content)) for one in (older, newer)]
    names = dict.fromkeys([*said[1], *said[0]])
    return [(name, difference(said[0].get(name, ""), said[1].get(name, ""))) for name in names
            if said[0].get(name, "") != said[1].get(name, "")]


def _parts(postmortem: Postmortem, content: rules.Content) -> dict[str, str]:
    texts = {label: getattr(content, name) for name, label in rules.FIELDS.items()}
    texts |= {one.heading: one.body for one in content.sections}
    rows = {row.key: f"{row.at:%Y-%m-%d %H:%M} UTC {row.text}" for row in timeline.rows_of(postmortem, content)
            if not row.added_by and row.key in content.hidden}
    texts["Rows that are hidden"] = "\n".join(rows[key] for key in sorted(rows))
    texts["Rows that people added"] = "\n".join(f"{row['at']} {row['text']} ({row['by']})" for row in content.rows)
    return texts


@dataclass(frozen=True)
class VersionPage:
    """One version as it was."""

    postmortem: Postmortem
    said: pages.Said
    may_restore: bool

    @property
    def id(self) -> int:
        """The document's number."""
        return self.postmortem.id


def version_page(postmortem: Postmortem, number: int, by: Actor) -> VersionPage:
    """One version, if this person may read it. Raises NotFound."""
    found = queries.version_of(postmortem, number)
    if found.publication is None and not queries.sees_draft(postmortem, by):
        found = queries.version_of(postmortem, 0)
    return VersionPage(postmortem, pages.said(postmortem, found), pages.rights_of(postmortem, by)["edit"])
