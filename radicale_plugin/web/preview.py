"""The very card that a group, a person or strangers get, or would get, as pages show it to its owner."""

from __future__ import annotations

from dataclasses import dataclass

from radicale_plugin.web.audiences import group_title
from radicale_plugin.web.field_display import ShownCard, shown_card
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.signed_in import current_person
from sync.database.engine import Session
from sync.queries import connected_people, previews
from sync.sharing import groups
from sync.sharing.visibility import STRANGER, STRANGERS, UNCHANGED, Adjustment, composition_in, composition_of

VERSIONS = ("3.0", "4.0")
PERSON = "person-"
GROUP = "group-"


@dataclass(frozen=True, slots=True)
class Preview:
    """What somebody gets. *who* is what they are called in the address; *is_saved* is false of what would be."""

    who: str
    title: str
    card: ShownCard
    text: str
    is_saved: bool


def preview_of(session: Session, who: str, adjustment: Adjustment = UNCHANGED) -> Preview:
    """Return what *who* gets, or would get after *adjustment*."""
    kind, number, title = chosen(session, who)
    text = text_for(session, kind, number, VERSIONS[0], adjustment)
    return Preview(
        who=f"{kind}{number}" if kind else "",
        title=title,
        card=shown_card(text, current_person().login),
        text=_without_pictures(text),
        is_saved=adjustment == UNCHANGED,
    )


def chosen(session: Session, who: str) -> tuple[str, int | None, str]:
    """Return for whom a preview is: what they are called in addresses, the id, and a title; strangers by default."""
    owner_id = current_person().account_id
    kind, number = who[: who.find("-") + 1], as_id(who[who.find("-") + 1 :])
    if kind == PERSON and number is not None and (found := connected_people.find(session, owner_id, number)):
        return PERSON, number, found.name
    for group in groups.groups_of(session, owner_id) if kind == GROUP else ():
        if group.id == number and group.kind != STRANGERS:
            return GROUP, number, group_title(group)
    return "", None, _("Strangers")


def text_for(session: Session, kind: str, number: int | None, version: str, adjustment: Adjustment = UNCHANGED) -> str:
    """Return the vCard for what `chosen` returned."""
    owner_id = current_person().account_id
    if kind == PERSON and number is not None:
        if adjustment == UNCHANGED:
            return previews.for_person(session, owner_id, number, version)
        composition = composition_of(session, owner_id, number)
    else:
        composition = composition_in(session, owner_id, number) if number is not None else STRANGER
    return previews.for_audience(session, owner_id, composition, version, adjustment)


def _without_pictures(text: str) -> str:
    """Return the text of a card without the many lines that only a program can read."""
    lines: list[str] = []
    cut = False
    for line in text.splitlines():
        is_more = line.startswith(" ")
        cut = cut and is_more
        if not is_more and line.upper().startswith("PHOTO"):
            cut = True
            lines.append(f"{line[:60]}…")
        elif not cut:
            lines.append(line)
    return "\n".join(lines)
