"""Fields that several people have on their cards: what one shares, is offered and carries, and what ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, request

from radicale_plugin.web.field_display import Shown, shown
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import Session
from sync.household import offers, parting, shares
from sync.household.pairs import Share
from sync.household.shares import CARRIED, DECLINED, OFFERED, Carried, Shared
from sync.queries import connected_people
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of

blueprint = Blueprint("household", __name__, url_prefix="/household")


@dataclass(frozen=True, slots=True)
class Row:
    """
    A field that is shared, and with whom; *line* is absent where one does not have it any more.

    *state* is how it stands, *seen* by what it is told whether an offer was changed since, *instead* what of one's own
    could follow it, by id.
    """

    share: Share
    state: str
    at: int
    name: str
    line: Shown | None
    field_id: int | None = None
    seen: str = ""
    instead: tuple[tuple[int, Shown], ...] = ()


@blueprint.get("/")
def index() -> Response:
    """Show all of it; with a person, what one could share with them."""
    me = current_person().account_id
    with database().reading() as session:
        other_id = as_id(request.args.get("person", ""))
        who = connected_people.find(session, me, other_id) if other_id is not None else None
        free = [(each.id, shown(content_of(each))) for each in shares.free_fields(session, me)]
        shared, carried = _shared(session, me), _carried(session, me)
    return page(
        "household/index.html",
        who=who,
        free=free,
        offers=[each for each in carried if each.state == OFFERED],
        carried=[each for each in carried if each.state == CARRIED],
        shared=[each for each in shared if each.state in (OFFERED, CARRIED)],
        ended=[each for each in carried if each.state not in (OFFERED, CARRIED)],
        refused=[each for each in shared if each.state == DECLINED],
        left=[each for each in shared if each.state not in (OFFERED, CARRIED, DECLINED)],
    )


@blueprint.post("/offer")
def offer() -> Response:
    """Offer somebody a field."""
    field_id, other_id = _posted("field"), _posted("carrier")
    if _done(lambda session, me: offers.offer(session, me, field_id, other_id)):
        say(_("They are asked. Nothing is on their card before they agree."))
    return go("household.index")


@blueprint.post("/accept")
def accept() -> Response:
    """Carry what somebody offered."""
    owner_id, field_id = _posted("owner"), _posted("field")
    instead, seen = as_id(request.form.get("instead", "")), request.form.get("seen", "")
    if _done(
        lambda session, me: offers.accept(session, Share(owner_id, field_id, me), instead_of=instead, seen=seen or None)
    ):
        say(_("It is on your card, and follows theirs. Who sees it is yours to say."))
    return go("household.index")


@blueprint.post("/decline")
def decline() -> Response:
    """Say no to what somebody offered."""
    owner_id, field_id = _posted("owner"), _posted("field")
    if _done(lambda session, me: offers.decline(session, Share(owner_id, field_id, me))):
        say(_("Nothing changed on your card."))
    return go("household.index")


@blueprint.post("/leave")
def leave() -> Response:
    """Carry something no more."""
    field_id, keep = _posted("field"), "delete" not in request.form
    if _done(lambda session, me: parting.leave(session, me, field_id, keep=keep)):
        say(_("It is your own now.") if keep else _("It is gone from your card."))
    return go("household.index")


@blueprint.post("/take-back")
def take_back() -> Response:
    """Share something with somebody no more."""
    field_id, carrier_id = _posted("field"), _posted("carrier")
    if _done(lambda session, me: parting.take_back(session, Share(me, field_id, carrier_id))):
        say(_("It is yours alone. Who carried it keeps what they have."))
    return go("household.index")


@blueprint.post("/dismiss")
def dismiss() -> Response:
    """Take a note off."""
    share = Share(_posted("owner"), _posted("field"), _posted("carrier"))
    _done(lambda session, me: parting.dismiss(session, me, share))
    return go("household.index")


def _posted(name: str) -> int:
    """Return the id that a form has under *name*; none is nobody's."""
    return as_id(request.form.get(name, "")) or 0


def _done(change: Callable[[Session, int], object]) -> bool:
    me = current_person().account_id
    return attempt(lambda: database().write(lambda session: change(session, me)))


def _shared(session: Session, me: int) -> list[Row]:
    found = shares.shared_by(session, me)
    names = connected_people.some(session, me, {each.share.carrier_id for each in found})
    lines = _lines(session, me)

    def row(each: Shared) -> Row:
        name, line = names.get(each.share.carrier_id), lines.get(each.share.field_id)
        return Row(each.share, each.state, each.changed_at, name.name if name else _("Somebody"), line)

    return [row(each) for each in found]


def _carried(session: Session, me: int) -> list[Row]:
    found = shares.carried_by(session, me)
    names = connected_people.some(session, me, {each.share.owner_id for each in found})
    lines = _lines(session, me)
    free = [(each.kind, each.id) for each in shares.free_fields(session, me)]

    def row(each: Carried) -> Row:
        name = names.get(each.share.owner_id)
        line, instead = lines.get(each.field_id or 0), tuple[tuple[int, Shown], ...]()
        if each.said is not None:
            line = shown(each.said)
            instead = tuple((own, lines[own]) for kind, own in free if kind == each.said.kind)
        seen = each.said.digest if each.said is not None else ""
        called = name.name if name else _("Somebody")
        return Row(each.share, each.state, each.changed_at, called, line, each.field_id, seen, instead)

    return [row(each) for each in found]


def _lines(session: Session, owner_id: int) -> dict[int, Shown]:
    return {field.id: shown(content_of(field)) for field in fields_of(session, owner_id)}
