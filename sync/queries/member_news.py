"""
What fellow members changed of what an organisation sees, for somebody who has them by that organisation.

It is told from the last changes of each roster (`sync.revisions.roster_changes`), which are rows of members and not of
pairs, and from what the organisation was shown. Who is a fellow member, and by which organisation, is what the reader's
devices show now: whom the reader has by a connection, hides, or is kept apart from is none, and whoever left is none.

Nothing is news that changed before the reader saw the owner by this organisation: not what was before they joined, nor
while they saw the owner by a connection or by an organisation that they joined before. Coming and going are no news,
either. What is not shown any more is named by its kind alone, and only where nothing of the reader's own came between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from sync.database import accounts
from sync.database.prepared import read
from sync.models import Card, Membership
from sync.organisations import roster_rows
from sync.organisations.roster_rows import MemberEntry
from sync.queries import seen_fields
from sync.queries.seen_fields import GONE, Disclosed, FieldChange
from sync.revisions import address_books, roster_changes, rosters
from sync.revisions.address_books import CONTACTS_PATH, Book
from sync.vcard import headlines

#: So many members stand in the activity of one person.
MOST = 100
#: So many are compared at a time with what the organisation was shown of them.
_BATCH = 20


@dataclass(frozen=True, slots=True)
class MemberNews:
    """A fellow member, by the *name* that the organisation knows, and what of their card is new or changed."""

    name: str
    changes: list[FieldChange]


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A fellow member, by the *name* that the organisation knows, and what *changes* of their card were made *at*."""

    owner_id: int
    name: str
    at: int
    changes: list[FieldChange]


class _Noted(NamedTuple):
    """A change of a member's: the roster's *revision*, the *version* of their profile, and its time."""

    revision: int
    version: int
    at: int


@dataclass(frozen=True, slots=True)
class _Fellow:
    """A member, the changes that may be news, and after which *version* of their profile one is."""

    member: MemberEntry
    noted: Sequence[_Noted]
    version: int
    disclosed: Sequence[Disclosed]


def latest(session: Session, viewer_id: int, most: int) -> list[MemberChange]:
    """Return the last change of each fellow member's card, newest first, so many at most."""
    book = address_books.find_book(session, viewer_id, CONTACTS_PATH)
    if book is None or not roster_rows.are_shown(book):
        return []
    noted = _noted(session, book)
    shown = iter(_shown(session, book, noted)[:MOST])
    found: list[MemberChange] = []
    while len(found) < most and (some := list(islice(shown, _BATCH))):
        for each in _compared(session, book, some, noted):
            last = seen_fields.last_change(each.version, each.disclosed)
            if last is not None and (changes := _told(each, *last)):
                name, at = headlines.name_in(each.member.body), each.noted[-1].at
                found.append(MemberChange(each.member.owner_id, name, at, changes))
    return found[:most]


def since(session: Session, viewer_id: int, told: Mapping[int, int]) -> dict[int, MemberNews]:
    """
    Return by owner what is new or changed of fellow members' cards since their rosters had these revisions.

    *told* has the revision that the viewer was told up to by organisation; of others nothing is told. What was changed
    back, or is not shown any more, is nothing new.
    """
    book = address_books.find_book(session, viewer_id, CONTACTS_PATH) if told else None
    if book is None or not roster_rows.are_shown(book):
        return {}
    noted = _noted(session, book, told)
    shown = _shown(session, book, noted)
    logins = accounts.logins(session, [each.owner_id for each in shown])
    found = {}
    for start in range(0, len(shown), _BATCH):
        for each in _compared(session, book, shown[start : start + _BATCH], noted):
            if changes := seen_fields.news_since(each.version, each.disclosed):
                name = headlines.name_in(each.member.body) or logins.get(each.member.owner_id, "")
                found[each.member.owner_id] = MemberNews(name, changes)
    return found


def _shown(session: Session, book: Book, noted: Mapping[tuple[int, int], Sequence[_Noted]]) -> list[MemberEntry]:
    """Return who of those that changed something is a member by the organisation that saw it, the last first."""
    owners = {owner_id for _, owner_id in noted}
    there = roster_rows.members(session, book, owners, body=_BEGINNING) if owners else ()
    found = [each for each in there if (each.organisation_id, each.owner_id) in noted]
    return sorted(found, key=lambda each: (-noted[each.organisation_id, each.owner_id][-1].at, each.owner_id))


_JOINED = select(Membership.organisation_id, Membership.told_from, Membership.joined_at).where(
    Membership.owner_id == bindparam("member"), Membership.joined_at.is_not(None)
)


def _noted(session: Session, book: Book, told: Mapping[int, int] | None = None) -> dict[tuple[int, int], list[_Noted]]:
    """
    Return by organisation and owner the changes that may be news, in their order.

    *told* are by organisation the revisions that the reader was told up to: they are told of no other organisation.
    """
    rows = read(session, _JOINED, {"member": book.viewer_id})
    joined = {organisation_id: (told_from, joined_at or 0) for organisation_id, told_from, joined_at in rows}
    there = {roster.organisation_id for roster in book.rosters}
    found = defaultdict[tuple[int, int], list[_Noted]](list)
    for _, organisation_id in rosters.named_by(session, book.viewer_id):
        # Until one that was deleted is tidied up, nothing says when the others began to show whom it had shown.
        if organisation_id not in there or organisation_id not in joined:
            break
        told_from, joined_at = joined[organisation_id]
        if told is not None and organisation_id not in told:
            continue
        after = max(told_from or 0, (told or {}).get(organisation_id, 0))
        for owner_id, *change in roster_changes.after(session, organisation_id, after, book.viewer_id):
            noted = _Noted(*change)
            if told_from is not None or noted.at > joined_at:
                found[organisation_id, owner_id].append(noted)
    return found


def _compared(
    session: Session, book: Book, shown: Sequence[MemberEntry], noted: Mapping[tuple[int, int], Sequence[_Noted]]
) -> list[_Fellow]:
    order = {roster.organisation_id: place for place, roster in enumerate(book.rosters)}
    stays = seen_fields.stays(session, [book.viewer_id, *order], [each.owner_id for each in shown])
    by_owner = defaultdict[int, list[seen_fields.Stay]](list)
    for stay in stays:
        by_owner[stay.owner_id].append(stay)
    here = {
        each.owner_id: [stay for stay in by_owner[each.owner_id] if stay.viewer_id == each.organisation_id]
        for each in shown
    }
    disclosed = seen_fields.disclosed(session, here)
    found = []
    for each in shown:
        changes = noted[each.organisation_id, each.owner_id]
        earlier = [
            stay
            for stay in by_owner[each.owner_id]
            if stay.viewer_id == book.viewer_id or order[stay.viewer_id] < order[each.organisation_id]
        ]
        begun = _begun(here[each.owner_id], earlier, changes)
        found.append(_Fellow(each, changes, begun, disclosed[each.owner_id]))
    return found


def _begun(here: Sequence[seen_fields.Stay], earlier: Iterable[seen_fields.Stay], noted: Sequence[_Noted]) -> int:
    """Return the version of a profile that the reader knows: they saw it by this organisation, or before."""
    before = [stay.until if stay.until is not None else seen_fields.NEVER for stay in earlier]
    return max(noted[0].version - 1, seen_fields.beginning(here), *before)


def _told(fellow: _Fellow, version: int, changes: Sequence[FieldChange]) -> list[FieldChange]:
    """Leave out what is gone where something of the reader's own may have kept the owner from them meanwhile."""
    own = fellow.member.own
    at = next((noted.at for noted in fellow.noted if noted.version == version), 0)
    return [each for each in changes if each.what != GONE or own is None or own.changed_at < at]


_BEGINNING = func.substr(Card.body_3, 1, headlines.BEGINNING)
