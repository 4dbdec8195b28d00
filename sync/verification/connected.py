"""What must be true between people who are connected: on both sides, in groups, and in each other's address books."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select

from sync.models import Audience, Block, Connection, Entry, FieldException, Member, PublicFriend
from sync.revisions.address_books import HIDDEN, PRESENT
from sync.sharing.connections import CONNECTION
from sync.sharing.visibility import CONNECTED, Composition
from sync.verification.owners import composition_in
from sync.verification.reading import Page, Problem, chunks, matching, names_of


def connections_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with people's connections, and with the entries that these make in other people's books."""
    found = [each for owner in _connections(page) for each in owner]
    names = names_of(page.session, {viewer_id for _, viewer_id, _ in found})
    for owner_id, viewer_id, problem in found:
        yield owner_id, f"{names[viewer_id]} {problem}"


def between(page: Page) -> Iterator[Problem]:
    """Yield what is wrong between people and others whom they blocked or published."""
    met = (Connection.owner_id == Block.owner_id) & (Connection.viewer_id == Block.other_id)
    blocked = page.rows(select(Block.owner_id).join(Connection, met), Block.owner_id)
    known = (Connection.owner_id == PublicFriend.owner_id) & (Connection.viewer_id == PublicFriend.friend_id)
    unknown = select(PublicFriend.owner_id).outerjoin(Connection, known).where(Connection.viewer_id.is_(None))
    published = page.rows(unknown, PublicFriend.owner_id)
    for account_id in page.logins:
        if blocked[account_id]:
            yield account_id, "The person is connected to somebody whom they have blocked."
        if published[account_id]:
            yield account_id, "Somebody is a public friend without being connected."


#: Owner, viewer, and what is wrong with the viewer.
_Found = tuple[int, int, str]


def _connections(page: Page) -> Iterator[Iterator[_Found]]:
    people, audiences = _compositions(page), _audiences(page)
    left = {(owner_id, viewer_id) for owner_id, viewers in people.items() for viewer_id in viewers}
    columns = (Connection.owner_id, Connection.viewer_id, Connection.audience_id, Connection.hidden)
    chosen = select(*columns).where(page.theirs(Connection.owner_id)).execution_options(yield_per=1_000)
    for rows in chunks(row for row in page.session.execute(chosen) if row.owner_id in page.logins):
        left.difference_update((row.owner_id, row.viewer_id) for row in rows)
        yield _one_sided(page, rows)
        yield _misplaced(rows, people, audiences)
        yield _unshown(page, rows)
    lost = "is in a group or has an exception without being connected."
    yield ((owner_id, viewer_id, lost) for owner_id, viewer_id in sorted(left))


def _one_sided(page: Page, rows: Sequence[Any]) -> Iterator[_Found]:
    there = (Connection.viewer_id, Connection.owner_id)
    pairs = [(row.owner_id, row.viewer_id) for row in rows]
    back = {tuple(row) for row in matching(page.session, select(*there), there, pairs)}
    for owner_id, viewer_id in pairs:
        if (owner_id, viewer_id) not in back:
            yield owner_id, viewer_id, "is not connected back."


def _misplaced(
    rows: Sequence[Any],
    people: dict[int, dict[int, Composition]],
    audiences: dict[tuple[int, int], Composition | None],
) -> Iterator[_Found]:
    for owner_id, viewer_id, audience_id, _ in rows:
        if audiences.get((owner_id, audience_id)) != people[owner_id].get(viewer_id, CONNECTED):
            yield owner_id, viewer_id, "is in another audience than their groups and exceptions make."


def _unshown(page: Page, rows: Sequence[Any]) -> Iterator[_Found]:
    key = (Entry.viewer_id, Entry.id)
    chosen = select(*key, Entry.state, Entry.card_id).where(Entry.kind == CONNECTION)
    found = matching(page.session, chosen, key, [(row.viewer_id, row.owner_id) for row in rows])
    entries = {(owner_id, viewer_id): (state, card_id) for viewer_id, owner_id, state, card_id in found}
    for owner_id, viewer_id, audience_id, hidden in rows:
        if (owner_id, viewer_id) not in entries:
            yield owner_id, viewer_id, "has no entry for the connection."
            continue
        state, card_id = entries[owner_id, viewer_id]
        wanted = HIDDEN if hidden else PRESENT
        if state != wanted:
            yield owner_id, viewer_id, f"has an entry that is {state}, not {wanted}."
        if card_id != audience_id:
            yield owner_id, viewer_id, "has an entry that shows another card than that of their audience."


def _audiences(page: Page) -> dict[tuple[int, int], Composition | None]:
    rows = page.rows(select(Audience.owner_id, Audience.id, Audience.composition), Audience.owner_id)
    return {(owner_id, each): composition_in(text) for owner_id, those in rows.items() for each, text in those}


def _compositions(page: Page) -> dict[int, dict[int, Composition]]:
    """Return by owner and viewer what those are to the owner who are in a group or have an exception."""
    members = page.rows(select(Member.owner_id, Member.viewer_id, Member.group_id), Member.owner_id)
    columns = (FieldException.owner_id, FieldException.viewer_id, FieldException.field_id, FieldException.allowed)
    exceptions = page.rows(select(*columns), FieldException.owner_id)
    return {owner_id: _of_owner(members[owner_id], exceptions[owner_id]) for owner_id in page.logins}


def _of_owner(members: Sequence[Any], exceptions: Sequence[Any]) -> dict[int, Composition]:
    groups: dict[int, set[int]] = {}
    fields: dict[tuple[int, bool], set[int]] = {}
    for viewer_id, group_id in members:
        groups.setdefault(viewer_id, set()).add(group_id)
    for viewer_id, field_id, allowed in exceptions:
        fields.setdefault((viewer_id, allowed), set()).add(field_id)
    return {
        viewer_id: Composition(
            frozenset(groups.get(viewer_id, ())),
            frozenset(fields.get((viewer_id, True), ())),
            frozenset(fields.get((viewer_id, False), ())),
        )
        for viewer_id in groups.keys() | {viewer_id for viewer_id, _ in fields}
    }
