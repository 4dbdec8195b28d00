"""What must be true of organisations: whoever is on a roster is a member, and shows what they chose for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.models import (
    CONTACTS,
    Account,
    AddressBook,
    Audience,
    Block,
    Connection,
    Entry,
    Membership,
    Organisation,
    RosterEntry,
)
from sync.organisations.organisations import INVITED
from sync.revisions.address_books import BLOCKED, PRESENT, REMOVED
from sync.sharing import cards
from sync.sharing.visibility import Composition
from sync.verification import late
from sync.verification.reading import CHUNK, Page, Problem, chunks, matching


def rosters(session: Session) -> Iterator[str]:
    """Yield what is wrong with rosters: rows of nobody's, and those that no token can have reached."""
    revisions: dict[int, int] = dict(session.execute(select(Organisation.id, Organisation.revision)).all())
    here = RosterEntry.state != REMOVED
    columns = (RosterEntry.organisation_id, RosterEntry.owner_id, RosterEntry.revision)
    ahead = lost = 0
    for some in chunks(session.execute(select(*columns).where(here)), CHUNK):
        pairs = [(row.owner_id, row.organisation_id) for row in some]
        key = (Membership.owner_id, Membership.organisation_id)
        lost += len(set(pairs) - {tuple(row) for row in matching(session, select(*key), key, pairs)})
        ahead += sum(row.revision > revisions.get(row.organisation_id, 0) for row in some)
    if lost:
        yield f"{lost} people are on the roster of an organisation that they are not in."
    if ahead:
        yield f"{ahead} rows of rosters have a revision that their organisation has not reached."
    if waiting := len(late.members(session)):
        yield f"{waiting} rows of rosters wait for a change that has not come; run `evercard verify --repair`."


def memberships_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with what people show the organisations that they are members of."""
    theirs = Membership.owner_id == AddressBook.viewer_id
    books = select(AddressBook.viewer_id, AddressBook.rosters, *_MEMBERSHIP).outerjoin(Membership, theirs)
    found = page.rows(books.where(AddressBook.id == CONTACTS), AddressBook.viewer_id)
    rows = {owner_id: [row[1:] for row in those if row[1] is not None] for owner_id, those in found.items()}
    for owner_id, those in found.items():
        named = {each for row in those[:1] for each in (row[0] or "").split()}
        if named != {f"{row[1]:x}:{row[0]:x}" for row in rows[owner_id] if row[2] is not None}:
            yield owner_id, "The address book names other organisations than those that the person is a member of."
    if any(rows.values()):
        yield from _misshown(page, rows)


def blocks_of(page: Page) -> Iterator[Problem]:
    """Yield where somebody could see by an organisation whom they blocked, or by whom they were."""
    blocked = page.rows(select(Block.owner_id, Block.other_id), Block.owner_id)
    pairs = [(owner_id, other_id) for owner_id, rows in blocked.items() for (other_id,) in rows]
    if not pairs:
        return
    both = [*pairs, *((other_id, owner_id) for owner_id, other_id in pairs)]
    entry, connection = (Entry.viewer_id, Entry.id), (Connection.viewer_id, Connection.owner_id)
    kept = {
        tuple(row)
        for row in matching(page.session, select(*entry).where(Entry.state == BLOCKED), entry, sorted(set(both)))
    }
    known = {tuple(row) for row in matching(page.session, select(*connection), connection, sorted(set(both)))}
    # Whoever is being deleted is on no roster any more, and what they had goes step by step.
    staying = (Account.id.in_({each for pair in both for each in pair}), Account.deletion_began_at.is_(None))
    there = set(page.session.scalars(select(Account.id).where(*staying)))
    for owner_id, other_id in pairs:
        apart = {(owner_id, other_id), (other_id, owner_id)}
        if {owner_id, other_id} <= there and apart - kept - known:
            yield owner_id, "Somebody whom the person blocked is not kept apart from them in organisations."


_MEMBERSHIP = (
    Membership.organisation_id,
    Membership.id,
    Membership.joined_at,
    Membership.group_id,
    Membership.audience_id,
)


def _misshown(page: Page, rows: dict[int, list[Any]]) -> Iterator[Problem]:
    """Yield where a roster has something else of somebody than what their membership says."""
    accounts = page.rows(select(Account.id, Account.disabled_at), Account.id)
    chosen = select(Audience.owner_id, Audience.id, Audience.kind, Audience.composition)
    audiences = page.rows(chosen.where(Audience.kind == cards.ORGANISATION), Audience.owner_id)
    pairs = [(row[0], owner_id) for owner_id, those in rows.items() for row in those]
    key = (RosterEntry.organisation_id, RosterEntry.owner_id)
    found = matching(page.session, select(*key, RosterEntry.state, RosterEntry.card_id), key, pairs)
    shown = {(row[0], row[1]): (row[2], row[3]) for row in found}
    for owner_id, those in rows.items():
        made = {audience_id: composition for audience_id, _, composition in audiences[owner_id]}
        is_open = accounts[owner_id][0][0] is None
        for row in those:
            problem = _problem(row, shown.get((row[0], owner_id)), made, is_open=is_open)
            if problem:
                yield owner_id, problem


def _problem(row: Any, shown: tuple[str, int | None] | None, made: dict[int, str], *, is_open: bool) -> str:
    _, _, joined_at, group_id, audience_id = row
    if joined_at is None:
        return "" if shown == (INVITED, None) else "Somebody is invited into an organisation that does not know of it."
    if made.get(audience_id) != Composition(frozenset({group_id})).dump():
        return "An organisation is shown something else than what its group sees."
    wanted = (PRESENT, audience_id) if is_open else (REMOVED, None)
    return (
        "" if shown == wanted else "The roster of an organisation shows another card than that of its group, or none."
    )
