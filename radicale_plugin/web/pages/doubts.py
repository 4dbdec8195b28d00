"""What is not right any more: said by who holds a card, and looked at by its owner."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request

from radicale_plugin.web import pictures
from radicale_plugin.web.field_display import Shown, shown
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.books import doubts
from sync.database.engine import Session
from sync.errors import NotFound
from sync.queries import connected_people
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of

blueprint = Blueprint("doubts", __name__, url_prefix="/doubts")


@dataclass(frozen=True, slots=True)
class Doubted:
    """A field of one's own, and who doubts it, with the time of each."""

    id: int
    line: Shown
    holders: list[tuple[str, int]]


@blueprint.get("/")
def index() -> Response:
    """Show what others say is not right any more on one's card."""
    with database().reading() as session:
        found = _doubted(session, current_person().account_id)
    return page("doubts/index.html", doubted=found)


@blueprint.post("/<int:field_id>/dismiss")
def dismiss(field_id: int) -> Response:
    """Say that a field is right."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: doubts.dismiss(session, me, field_id))):
        say(_("It stays as it is. Nobody is told what you decided."))
    return go("doubts.index")


@blueprint.get("/of/<int:account_id>")
def of(account_id: int) -> Response:
    """Show what of somebody's card one could say is not right any more."""
    me = current_person().account_id
    with database().reading() as session:
        who = connected_people.find(session, me, account_id)
        if who is None:
            raise NotFound("These two are not connected.")
        held = doubts.held_fields(session, me, account_id)
        said = doubts.said_by(session, me, account_id)
    address = pictures.at("people.photo", account_id=account_id)
    rows = [(doubts.key_of(field), shown(content_of(field), address)) for field in held]
    return page("doubts/of.html", who=who, rows=rows, said=said)


@blueprint.post("/of/<int:account_id>")
def tell(account_id: int) -> Response:
    """Tell somebody that something on their card is not right any more."""
    me, key = current_person().account_id, request.form.get("key", "")

    def change(session: Session) -> None:
        held = doubts.held_fields(session, me, account_id)
        found = next((field.id for field in held if doubts.key_of(field) == key), 0)
        doubts.doubt(session, me, account_id, found)

    if attempt(lambda: database().write(change)):
        say(_("They are told that you say so. Nothing else changes."))
    return go("people.one", account_id=account_id)


def _doubted(session: Session, owner_id: int) -> list[Doubted]:
    found = doubts.doubts_of(session, owner_id)
    names = connected_people.some(session, owner_id, [each.viewer_id for each in found])
    lines = {field.id: shown(content_of(field)) for field in fields_of(session, owner_id)}
    holders: dict[int, list[tuple[str, int]]] = {}
    for each in found:
        if each.viewer_id in names:
            holders.setdefault(each.field_id, []).append((names[each.viewer_id].name, each.said_at))
    return [Doubted(field_id, lines[field_id], who) for field_id, who in holders.items()]
