"""Activity: what changed in people's cards, what one changed, and earlier versions of one's own contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response

from radicale_plugin.web import people, pictures
from radicale_plugin.web.field_display import Shown, ShownCard, card_of, kind_title, shown
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.contacts import contents_of, read
from radicale_plugin.web.pictures import Address
from radicale_plugin.web.signed_in import current_person, database
from sync.books import edit_conflicts, overlays, restoring
from sync.database import accounts
from sync.database.engine import Session
from sync.digests import changes as digests
from sync.fields import FieldContent
from sync.profiles import edits
from sync.profiles.edits import FieldEdit
from sync.queries import activity, connected_people
from sync.queries.activity import CHANGED, GONE, NEW, CardChange
from sync.queries.connected_people import ConnectedPerson
from sync.revisions import versions
from sync.revisions.address_books import PRESENT
from sync.revisions.versions import KeptVersion
from sync.sharing.connections import CONNECTION

blueprint = Blueprint("activity", __name__, url_prefix="/activity")

#: Changes, or versions, on one page.
COUNT = 20
#: How many of one's own changes stand beside them.
_OWN = 3
_WHAT = {NEW: lazy("New"), CHANGED: lazy("Changed"), GONE: lazy("Not shown to you any more")}


@dataclass(frozen=True, slots=True)
class Told:
    """What became of somebody's field: *line* says what it is now, absent where it is gone."""

    what: str
    title: str
    line: Shown | None


@dataclass(frozen=True, slots=True)
class Kept:
    """
    An earlier version of an entry of one's own address book.

    *name* is the contact's, or that of the person to whose card one added something; *is_own* tells the two apart.
    """

    entry_id: int
    revision: int
    name: str
    is_own: bool
    is_gone: bool
    replaced_at: int
    card: ShownCard


@dataclass(frozen=True, slots=True)
class Disputed:
    """
    A field that two devices changed: *now* is what it says, and *other* what it would say, absent for nothing.

    *name* is what the entry is called, empty for one's own card; *is_added* says that it was added to somebody's card.
    """

    id: int
    title: str
    name: str
    is_added: bool
    device: str
    found_at: int
    now: Shown | None
    other: Shown | None


@blueprint.get("/")
def index() -> Response:
    """Show what changed last in people's cards."""
    me, number = current_person().account_id, people.number_of_page()
    with database().reading() as session:
        found = activity.latest(session, me, count=COUNT + 1, offset=(number - 1) * COUNT)
        names = connected_people.some(session, me, [change.owner_id for change in found])
        own = edits.edits_of(session, me, count=_OWN) if number == 1 else []
        conflicts = _conflicts(session, me) if number == 1 else []
        position = digests.reached(session, me) if number == 1 else None
    if position is not None:
        # Whoever has seen it here need not be told by e-mail.
        database().write_if_free(lambda session: digests.note(session, me, position))
    mine = [(edit, list(dict.fromkeys(_title(field) for field in edit.fields))) for edit in own]
    return page(
        "activity/index.html",
        changes=[(change, _told(change)) for change in found[:COUNT]],
        names=names,
        mine=mine,
        conflicts=conflicts,
        number=number,
        has_more=len(found) > COUNT,
    )


@blueprint.get("/conflicts/<int:conflict_id>/picture")
def disputed_picture(conflict_id: int) -> Response:
    """Answer with one of the pictures that two devices made of one."""
    with database().reading() as session:
        found = edit_conflicts.of_person(session, current_person().account_id)
    either = (content for told in found if told.id == conflict_id for content in (told.won, told.lost))
    return pictures.answer(pictures.of_fields(either))


@blueprint.post("/conflicts/<int:conflict_id>/take")
def take(conflict_id: int) -> Response:
    """Take what the other device had made of a field."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: edit_conflicts.take_other(session, me, conflict_id))):
        say(_("It says the other thing now, and your devices fetch it."))
    return go("activity.index")


@blueprint.post("/conflicts/<int:conflict_id>/leave")
def leave(conflict_id: int) -> Response:
    """Leave a field as it is."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: edit_conflicts.dismiss(session, me, conflict_id))):
        say(_("It stays as it is."))
    return go("activity.index")


@blueprint.get("/contacts")
def contacts() -> Response:
    """Show what devices replaced or deleted of one's own contacts and additions."""
    me, number = current_person().account_id, people.number_of_page()
    with database().reading() as session:
        found = versions.of_person(session, me, count=COUNT + 1, offset=(number - 1) * COUNT)
        kept = _kept(session, found[:COUNT])
    return page("activity/contacts.html", kept=kept, number=number, has_more=len(found) > COUNT)


@blueprint.get("/contacts/<int:entry_id>/<int:revision>")
def version(entry_id: int, revision: int) -> Response:
    """Show one earlier version."""
    with database().reading() as session:
        (kept,) = _kept(session, [versions.find(session, current_person().account_id, entry_id, revision)])
    return page("activity/version.html", kept=kept)


@blueprint.get("/contacts/<int:entry_id>/<int:revision>/picture")
def past_picture(entry_id: int, revision: int) -> Response:
    """Answer with a picture of an earlier version."""
    with database().reading() as session:
        found = versions.find(session, current_person().account_id, entry_id, revision)
        return pictures.answer(pictures.of_fields(_contents(found) or ()))


@blueprint.post("/contacts/<int:entry_id>/<int:revision>/restore")
def restore(entry_id: int, revision: int) -> Response:
    """Bring an earlier version back."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: restoring.bring_back(session, me, entry_id, revision))):
        say(_("It is back, and your devices fetch it. What was there until now can be brought back in turn."))
    return go("activity.contacts")


def _conflicts(session: Session, me: int) -> list[Disputed]:
    found = edit_conflicts.of_person(session, me)
    others = {told.entry_id for told in found if told.kind == CONNECTION}
    names = connected_people.some(session, me, others)
    logins = accounts.logins(session, others)
    return [_disputed(told, names, logins) for told in found]


def _disputed(told: edit_conflicts.Told, names: Mapping[int, ConnectedPerson], logins: Mapping[int, str]) -> Disputed:
    either, address = told.won or told.lost, pictures.at("activity.disputed_picture", conflict_id=told.id)
    name = read(told.text, address).name if told.text else ""
    if told.kind == CONNECTION:
        name = names[told.entry_id].name if told.entry_id in names else logins.get(told.entry_id, "")
    return Disputed(
        told.id,
        kind_title(either.kind) if either is not None else "",
        name,
        told.kind == CONNECTION,
        told.device,
        told.found_at,
        _line(told.won, address),
        _line(told.lost, address),
    )


def _told(change: CardChange) -> list[Told]:
    address = pictures.at("members.picture" if change.by_organisation else "people.photo", account_id=change.owner_id)
    return [Told(str(_WHAT[each.what]), kind_title(each.kind), _line(each.content, address)) for each in change.changes]


def _line(content: FieldContent | None, address: Address) -> Shown | None:
    return shown(content, address) if content is not None else None


def _title(edit: FieldEdit) -> str:
    either = edit.after or edit.before
    return kind_title(either.kind) if either is not None else ""


def _kept(session: Session, found: Sequence[KeptVersion]) -> list[Kept]:
    others = {entry.id for entry, _version in found if entry.kind == CONNECTION}
    names = connected_people.some(session, current_person().account_id, others)
    logins = accounts.logins(session, others)
    return [_version(each, names, logins) for each in found]


def _version(found: KeptVersion, names: Mapping[int, ConnectedPerson], logins: Mapping[int, str]) -> Kept:
    entry, kept = found
    is_own = entry.kind != CONNECTION
    known = names.get(entry.id)
    name = _("Contact without a name") if is_own else known.name if known else logins.get(entry.id, "")
    address = pictures.at("activity.past_picture", entry_id=entry.id, revision=kept.revision)
    contents = _contents(found)
    card = ShownCard(name, "", []) if contents is None else card_of(contents, name, address)
    is_gone = is_own and entry.state != PRESENT
    return Kept(entry.id, kept.revision, card.name if is_own else name, is_own, is_gone, kept.replaced_at, card)


def _contents(found: KeptVersion) -> list[FieldContent] | None:
    """Return the fields of a version, None of one that is not quite a card."""
    entry, kept = found
    if entry.kind == CONNECTION:
        return overlays.load(kept.content.decode())
    return contents_of(kept.content.decode(errors="replace"))
