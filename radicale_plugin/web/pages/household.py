"""Fields that several people have on their cards: what one shares, is offered and carries, and what ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, request

from radicale_plugin.web import pictures
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

    @property
    def same(self) -> int | None:
        """Which of them says the same already: to have both would be to have it twice."""
        return next((own for own, held in self.instead if self.line and held.text == self.line.text), None)


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
    return _done(
        lambda session, me: offers.offer(session, me, field_id, other_id),
        _("They are asked. Nothing is on their card before they agree."),
    )


@blueprint.post("/accept")
def accept() -> Response:
    """Carry what somebody offered."""
    share, instead, seen = _offered(), as_id(request.form.get("instead", "")), request.form.get("seen", "")
    return _done(
        lambda session, _me: offers.accept(session, share, instead_of=instead, seen=seen or None),
        _("It is on your card, and follows theirs. Who sees it is yours to say."),
    )


@blueprint.post("/decline")
def decline() -> Response:
    """Say no to what somebody offered."""
    share = _offered()
    return _done(lambda session, _me: offers.decline(session, share), _("Nothing changed on your card."))


@blueprint.post("/leave")
def leave() -> Response:
    """Carry something no more."""
    field_id, keep = _posted("field"), "delete" not in request.form
    return _done(
        lambda session, me: parting.leave(session, me, field_id, keep=keep),
        _("It is your own now: it stays as it is, and does not follow any more.")
        if keep
        else _("It is gone from your card."),
    )


@blueprint.post("/take-back")
def take_back() -> Response:
    """Share something with somebody no more."""
    field_id, carrier_id = _posted("field"), _posted("carrier")
    return _done(
        lambda session, me: parting.take_back(session, Share(me, field_id, carrier_id)),
        _("It is yours alone. Who carried it keeps what they have."),
    )


@blueprint.post("/dismiss")
def dismiss() -> Response:
    """Take a note off."""
    share = Share(_posted("owner"), _posted("field"), _posted("carrier"))
    return _done(lambda session, me: parting.dismiss(session, me, share))


def _posted(name: str) -> int:
    """Return the id that a form has under *name*; none is nobody's."""
    return as_id(request.form.get(name, "")) or 0


def _offered() -> Share:
    """Return what a form says that one was offered."""
    return Share(_posted("owner"), _posted("field"), current_person().account_id)


def _done(change: Callable[[Session, int], object], told: str = "") -> Response:
    """Make a change of the person who asks, say *told* of it or why it was refused, and show how it stands."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: change(session, me))) and told:
        say(told)
    return go("household.index")


def _shared(session: Session, me: int) -> list[Row]:
    found = shares.shared_by(session, me)
    names = _names(session, me, {each.share.carrier_id for each in found})
    lines = _lines(session, me)

    def row(each: Shared) -> Row:
        share = each.share
        return Row(share, each.state, each.changed_at, names[share.carrier_id], lines.get(share.field_id))

    return [row(each) for each in found]


def _carried(session: Session, me: int) -> list[Row]:
    found = shares.carried_by(session, me)
    names = _names(session, me, {each.share.owner_id for each in found})
    lines = _lines(session, me)
    free = [(each.kind, each.id) for each in shares.free_fields(session, me)]

    def row(each: Carried) -> Row:
        line, instead = lines.get(each.field_id or 0), tuple[tuple[int, Shown], ...]()
        if each.said is not None:
            line = shown(each.said, pictures.at("people.photo", account_id=each.share.owner_id))
            instead = tuple((own, lines[own]) for kind, own in free if kind == each.said.kind)
        seen = each.said.digest if each.said is not None else ""
        name = names[each.share.owner_id]
        return Row(each.share, each.state, each.changed_at, name, line, each.field_id, seen, instead)

    return [row(each) for each in found]


def _names(session: Session, me: int, person_ids: set[int]) -> dict[int, str]:
    """Return what these people are called; whom one is not connected to any more is somebody."""
    known = connected_people.some(session, me, person_ids)
    return {each: known[each].name if each in known else _("Somebody") for each in person_ids}


def _lines(session: Session, owner_id: int) -> dict[int, Shown]:
    return {field.id: shown(content_of(field)) for field in fields_of(session, owner_id)}
