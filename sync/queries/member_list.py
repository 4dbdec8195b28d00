"""
The members of one of a person's organisations, by name, page by page, whom the person has by this organisation.

They are those whom the person's devices have by its roster and not otherwise: whoever is connected stands among the
connections, whoever is hidden, blocked, or in another organisation that was joined before, is not listed by this one.
So nobody is found here by more than what is shown of them.
"""

from __future__ import annotations

import itertools

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from sync.database import accounts, entry_cards
from sync.database.distribution import TOGETHER, is_distributed
from sync.database.entry_cards import ROSTERS
from sync.database.lists import among
from sync.errors import NotFound
from sync.models import CONTACTS, Card, CardListKey, Entry, RosterEntry
from sync.queries import lists_apart, paging
from sync.queries.connected_people import PAGE, ConnectedPerson, Page
from sync.queries.paging import Listing, Place, Sorted
from sync.revisions import rosters
from sync.revisions.address_books import HIDDEN, PRESENT, REMOVED
from sync.sharing.connections import CONNECTION
from sync.vcard import headlines

_BY_NAME = func.coalesce(CardListKey.sort_key, literal(b""))
_KEYS = (CardListKey.owner_id == RosterEntry.owner_id) & (CardListKey.id == RosterEntry.card_id)
_BEGINNING = func.substr(Card.body_3, 1, headlines.BEGINNING)


def page_of(
    session: Session,
    person_id: int,
    organisation_id: int,
    text: str = "",
    place: Place | None = None,
    *,
    hidden: bool = False,
) -> Page:
    """
    Return a page of the members whom a person has by an organisation, with a *text* those who are called so.

    Those who are *hidden*, whom they took off their devices, are a list of their own.

    Raises:
        NotFound: The person is no member of it.
    """
    joined = [each for _, each in rosters.named_by(session, person_id)]
    if organisation_id not in joined or not rosters.find(session, f"0:{organisation_id:x}"):
        raise NotFound("There is no such organisation.")
    earlier = list(itertools.takewhile(lambda each: each != organisation_id, joined))
    here = (RosterEntry.organisation_id == organisation_id, RosterEntry.state == PRESENT)
    rows = select(RosterEntry.owner_id).where(*here)
    theirs, otherwise = _decided(session, person_id, earlier)
    rows = rows.where(~among(session, RosterEntry.owner_id, otherwise if hidden else otherwise | theirs))
    if hidden:
        rows = rows.where(among(session, RosterEntry.owner_id, theirs))
    cut = paging.cut(_listing(session, rows, organisation_id, text), place or Place(), PAGE)
    named = select(RosterEntry.owner_id).where(*here, among(session, RosterEntry.owner_id, cut.ids))
    chosen = session.execute(entry_cards.chosen(session, named, _BEGINNING, kind=ROSTERS))
    shown = entry_cards.read(session, chosen, organisation_id, _BEGINNING, kind=ROSTERS)
    beginnings: dict[int, str] = {each: beginning for each, beginning in shown if beginning is not None}
    logins = accounts.logins(session, list(beginnings))
    found = [
        ConnectedPerson(each, logins[each], headlines.name_in(beginnings[each]) or logins[each])
        for each in cut.ids
        if each in logins
    ]
    return Page(found, cut.number, cut.pages, cut.total, cut.letters)


def _listing(session: Session, rows: Select[int], organisation_id: int, text: str) -> Listing:
    if is_distributed(session):
        parts = paging.parts_of_call(text) if text else None
        return lists_apart.read(session, rows, organisation_id, ROSTERS, parts)
    together = rows.outerjoin(CardListKey, _KEYS).execution_options(**{TOGETHER: True})
    meant = paging.is_called(session, CardListKey, text) if text else None
    return Sorted(session, together, meant, RosterEntry.owner_id, (_BY_NAME, RosterEntry.owner_id), _BY_NAME)


def _decided(session: Session, person_id: int, earlier: list[int]) -> tuple[set[int], set[int]]:
    """Return which members the person hides, and whom they have by themselves or by *earlier* organisations, or not."""
    mine = (Entry.viewer_id == person_id, Entry.book_id == CONTACTS, Entry.kind == CONNECTION)
    own = session.execute(select(Entry.id, Entry.state, Entry.card_id).where(*mine, Entry.state != REMOVED)).all()
    hidden = {owner_id for owner_id, state, card_id in own if state == HIDDEN and card_id is None}
    there = (among(session, RosterEntry.organisation_id, earlier), RosterEntry.state == PRESENT)
    others = session.scalars(select(RosterEntry.owner_id).where(*there)).all()
    return hidden, {person_id, *(owner_id for owner_id, _, _ in own if owner_id not in hidden), *others}
