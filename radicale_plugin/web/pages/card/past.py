"""Every state that one's own card ever had, and the way back to it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request

from radicale_plugin.web.field_display import Shown, card_of, shown
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy, ngettext
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.card.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.fields import FieldContent
from sync.profiles import edits, profiles
from sync.profiles.edits import ADDED, CHANGED, MOVED, REMOVED, FieldEdit
from sync.sharing import history

#: Edits on one page.
COUNT = 20
_WHAT = {ADDED: lazy("Added"), CHANGED: lazy("Changed"), MOVED: lazy("Moved"), REMOVED: lazy("Removed")}


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a field, in words."""

    what: str
    title: str
    before: Shown | None
    after: Shown | None


@blueprint.get("/history")
def history_page() -> Response:
    """Show what was made of the card, newest first."""
    person = current_person()
    number = max(1, min(as_id(request.args.get("page", "1")) or 1, 1_000_000))
    with database().reading() as session:
        found = edits.edits_of(session, person.account_id, count=COUNT + 1, offset=(number - 1) * COUNT)
        latest = edits.latest(session, person.account_id)
    shown_edits = [(edit, [_told(field) for field in _without_shoved(edit.fields)]) for edit in found[:COUNT]]
    return page("card/history.html", edits=shown_edits, latest=latest, number=number, has_more=len(found) > COUNT)


@blueprint.get("/history/<int:version>")
def state(version: int) -> Response:
    """Show the card as it was, and what going back to that would change."""
    person = current_person()
    with database().reading() as session:
        before = history.fields_at(session, person.account_id, version)
        latest = edits.latest(session, person.account_id)
        now = history.fields_at(session, person.account_id, latest)
        at = history.changed_at(session, person.account_id, version)
    changes = [_told(field) for field in edits.between(now, before)]
    contents = [FieldContent.load(field.kind, field.content) for field in before]
    card = card_of(contents, person.login)
    return page("card/state.html", card=card, changes=changes, version=version, latest=latest, at=at)


@blueprint.post("/history/<int:version>/restore")
def restore(version: int) -> Response:
    """Go back to an earlier state."""
    person = current_person()
    seen = as_id(request.form.get("seen", ""))
    count: list[int] = []

    def change() -> None:
        count.append(
            database().write(
                lambda session: profiles.restore(session, person.account_id, version, seen=-1 if seen is None else seen)
            )
        )

    if attempt(change):
        say(
            ngettext(
                "Your card is as it was: %(num)s field changed. What came back is seen by nobody until you say so.",
                "Your card is as it was: %(num)s fields changed. What came back is seen by nobody until you say so.",
                count[-1],
            )
        )
        return go("card.index")
    return go("card.history_page")


def _told(edit: FieldEdit) -> Told:
    before = shown(edit.before) if edit.before else None
    after = shown(edit.after) if edit.after else None
    either = after or before
    title = either.heading if either else _("A field")
    return Told(
        str(_WHAT[edit.what]),
        title,
        before if edit.what in (CHANGED, REMOVED) else None,
        after if edit.what in (CHANGED, ADDED) else None,
    )


def _without_shoved(found: list[FieldEdit]) -> list[FieldEdit]:
    """Leave out what only made room for something else."""
    others = [edit for edit in found if edit.what != MOVED]
    return others or found
