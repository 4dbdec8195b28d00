"""
The members of one of a person's organisations, by name, page by page, whom the person has by this organisation.

They are those whom the person's devices have by its roster and not otherwise: whoever is connected stands among the
connections, whoever is hidden, blocked, or in another organisation that was joined before, is not listed by this one.
So nobody is found here by more than what is shown of them.
"""

from __future__ import annotations

import itertools

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from sync.database import accounts
from sync.database.lists import among
from sync.errors import NotFound
from sync.models import CONTACTS, Card, CardListKey, Entry, RosterEntry
from sync.queries import paging
from sync.queries.connected_people import PAGE, ConnectedPerson, Page
from sync.queries.paging import Place, Sorted
from sync.revisions import entry_cards, rosters
from sync.revisions.address_books import PRESENT, REMOVED
from sync.revisions.entry_cards import ROSTERS
from sync.sharing.connections import CONNECTION
from sync.vcard import headlines

_BY_NAME = func.coalesce(CardListKey.sort_key, literal(b""))
_KEYS = (CardListKey.owner_id == RosterEntry.owner_id) & (CardListKey.id == RosterEntry.card_id)
_BEGINNING = func.substr(Card.body_3, 1, headlines.BEGINNING)


def page_of(session: Session, person_id: int, organisation_id: int, text: str = "", place: Place | None = None) -> Page:
    """
    Return a page of the members whom a person has by an organisation, with a *text* those who are called so.

    Raises:
        NotFound: The person is no member of it.
    """
    joined = [each for _, each in rosters.named_by(session, person_id)]
    if organisation_id not in joined or not rosters.find(session, f"0:{organisation_id:x}"):
        raise NotFound("There is no such organisation.")
    earlier = list(itertools.takewhile(lambda each: each != organisation_id, joined))
    here = (RosterEntry.organisation_id == organisation_id, RosterEntry.state == PRESENT)
    rows = select(RosterEntry.owner_id).outerjoin(CardListKey, _KEYS).where(*here)
    rows = rows.where(~among(session, RosterEntry.owner_id, _had_otherwise(session, person_id, earlier)))
    meant = paging.is_called(session, CardListKey, text) if text else None
    listed = Sorted(rows, meant, RosterEntry.owner_id, (_BY_NAME, RosterEntry.owner_id), _BY_NAME)
    cut = paging.cut(session, listed, place or Place(), PAGE)
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


def _had_otherwise(session: Session, person_id: int, earlier: list[int]) -> set[int]:
    """Return whom the person has by themselves, hides or is kept apart from, or has by *earlier* organisations."""
    mine = (Entry.viewer_id == person_id, Entry.book_id == CONTACTS, Entry.kind == CONNECTION)
    own = session.scalars(select(Entry.id).where(*mine, Entry.state != REMOVED)).all()
    there = (among(session, RosterEntry.organisation_id, earlier), RosterEntry.state == PRESENT)
    return {person_id, *own, *session.scalars(select(RosterEntry.owner_id).where(*there)).all()}
