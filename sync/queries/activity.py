"""
Activity: what changed last in the cards of the people whom a person is connected to, as the person was shown it.

It is read from what is kept of every profile and of who was shown what (`sync.sharing.history`,
`sync.disclosure`), so it says nothing that the person's devices were not told. What somebody does not show
any more is named by its kind alone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from sync.database import accounts, entry_cards
from sync.database.distribution import is_distributed
from sync.database.lists import among
from sync.database.prepared import read
from sync.models import Card, Entry
from sync.queries import member_news, seen_fields
from sync.queries.seen_fields import CHANGED, GONE, NEW, FieldChange, Stay
from sync.revisions.address_books import PRESENT
from sync.sharing.connections import CONNECTION

__all__ = ["CHANGED", "GONE", "NEW", "CardChange", "FieldChange", "latest", "since"]


@dataclass(frozen=True, slots=True)
class CardChange:
    """
    The last change of somebody's card. *changes* is empty where all of it is new: the two were just connected.

    *by_organisation* says that the reader has them as a fellow member; *name* is what that card calls them then.
    """

    owner_id: int
    login: str
    at: int
    changes: list[FieldChange]
    by_organisation: bool = False
    name: str = ""


def latest(session: Session, viewer_id: int, *, count: int = 20, offset: int = 0) -> list[CardChange]:
    """
    Return the last change of each connection's and each fellow member's card, newest first, *count* after *offset*.

    People whose entries the person hid are left out. Of members those changes are told that `member_news` has.
    """
    fellows = [(each.at, each.owner_id, each) for each in member_news.latest(session, viewer_id, offset + count)]
    if not fellows:
        return _of_connections(session, viewer_id, _newest_rows(session, viewer_id, count, offset))
    rows = _newest_rows(session, viewer_id, offset + count, 0)
    both = [(entry_at, owner_id, None) for owner_id, entry_at, _ in rows] + fellows
    chosen = sorted(both, key=lambda each: (-each[0], each[1]))[offset : offset + count]
    ids = {owner_id for _, owner_id, fellow in chosen if fellow is None}
    found = _of_connections(session, viewer_id, [row for row in rows if row[0] in ids])
    connected = {each.owner_id: each for each in found}
    names = accounts.logins(session, [owner_id for _, owner_id, fellow in chosen if fellow is not None])
    return [connected[owner_id] if each is None else _fellow(each, names) for _, owner_id, each in chosen]


def _newest_rows(session: Session, viewer_id: int, count: int, offset: int) -> list[Any]:
    newest = functools.partial(_newest, is_apart=is_distributed(session))
    found = read(session, newest, {"viewer": viewer_id, "count": count, "offset": offset})
    return list(entry_cards.read(session, found, viewer_id, Card.changed_at))


def _fellow(change: member_news.MemberChange, logins: Mapping[int, str]) -> CardChange:
    login = logins.get(change.owner_id, "")
    return CardChange(
        change.owner_id, login, change.at, change.changes, by_organisation=True, name=change.name or login
    )


def _of_connections(session: Session, viewer_id: int, rows: Sequence[Any]) -> list[CardChange]:
    owners = [owner_id for owner_id, _, _ in rows]
    names = accounts.logins(session, owners)
    stays = _stays(session, viewer_id, owners)
    disclosed = seen_fields.disclosed(session, stays)
    found = {owner_id: _last_change(stays[owner_id], disclosed[owner_id]) for owner_id in owners}
    times = seen_fields.times(session, {owner_id: version for owner_id, (version, _) in found.items()})
    latest_changes = []
    for owner_id, entry_at, card_at in rows:
        version, changes = found[owner_id]
        # A version that changed no field of the profile changed who sees what.
        moved = not changes or any(stay.since == version for stay in stays[owner_id])
        at = times.get((owner_id, version)) or (entry_at if moved else card_at)
        latest_changes.append(CardChange(owner_id, names.get(owner_id, ""), at, changes))
    return latest_changes


def since(session: Session, viewer_id: int, versions: Mapping[int, int]) -> dict[int, list[FieldChange]]:
    """
    Return by owner what somebody is shown now that is new or changed since these versions of the owners' profiles.

    What was changed back, or is not shown any more, is nothing new; neither is anything of an owner who was not shown
    to them without a break since then. Such owners are left out.
    """
    present = select(Entry.id).where(
        Entry.viewer_id == viewer_id,
        among(session, Entry.id, list(versions)),
        Entry.kind == CONNECTION,
        Entry.state == PRESENT,
    )
    owners = session.scalars(present).all()
    stays = _stays(session, viewer_id, owners)
    disclosed = seen_fields.disclosed(session, stays)
    found = {}
    for owner_id in owners:
        version = versions[owner_id]
        was_there = stays[owner_id] and seen_fields.beginning(stays[owner_id]) <= version
        if was_there and (changes := seen_fields.news_since(version, disclosed[owner_id])):
            found[owner_id] = changes
    return found


def _stays(session: Session, viewer_id: int, owners: Iterable[int]) -> dict[int, list[Stay]]:
    owners = list(owners)
    found: dict[int, list[Stay]] = {owner_id: [] for owner_id in owners}
    for stay in seen_fields.stays(session, [viewer_id], owners):
        found[stay.owner_id].append(stay)
    return found


def _last_change(stays: list[Stay], disclosed: list[seen_fields.Disclosed]) -> tuple[int, list[FieldChange]]:
    """Return the version of the profile with which a card became what it is, and what changed then."""
    began = seen_fields.beginning(stays)
    return seen_fields.last_change(began, disclosed) or (began, [])


@functools.cache
def _newest(_dialect: str, *, is_apart: bool) -> Select[*tuple[Any, ...]]:
    entries = (
        select(Entry.id, Entry.changed_at)
        .where(Entry.viewer_id == bindparam("viewer"), Entry.kind == CONNECTION, Entry.state == PRESENT)
        .order_by(Entry.changed_at.desc(), Entry.id)
        .limit(bindparam("count"))
        .offset(bindparam("offset"))
    )
    return entry_cards.apart(entries) if is_apart else entry_cards.together(entries, Card.changed_at)
