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
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

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


def latest(session: Session, viewer_id: int) -> list[MemberChange]:
    """Return the last change of each fellow member's card, newest first."""
    found = []
    for each in _fellows(session, viewer_id, None):
        last = seen_fields.last_change(each.version, each.disclosed)
        if last is not None and (changes := _told(each, *last)):
            at = max(noted.at for noted in each.noted)
            found.append(MemberChange(each.member.owner_id, _name(each.member), at, changes))
    return sorted(found, key=lambda each: -each.at)


def since(session: Session, viewer_id: int, known: Mapping[int, int]) -> list[MemberChange]:
    """
    Return what fellow members show that is new or changed since these revisions of rosters, by organisation, are known.

    Only organisations are asked of which the reader wants to be told. What was changed back, or is not shown any more,
    is nothing new.
    """
    found = []
    for each in _fellows(session, viewer_id, known):
        changes = seen_fields.news_since(each.version, each.disclosed)
        if changes:
            found.append(MemberChange(each.member.owner_id, _name(each.member), each.noted[-1].at, changes))
    return sorted(found, key=lambda each: (each.name.casefold(), each.owner_id))


def _fellows(session: Session, viewer_id: int, known: Mapping[int, int] | None) -> list[_Fellow]:
    """Return whom organisations show who changed something, after what is *known* where that is said."""
    book = address_books.find_book(session, viewer_id, CONTACTS_PATH)
    if book is None or not roster_rows.are_shown(book):
        return []
    noted = _noted(session, book, known)
    owners = {owner_id for _, owner_id in noted}
    shown = [
        each
        for each in (roster_rows.members(session, book, owners, body=_BEGINNING) if owners else ())
        if (each.organisation_id, each.owner_id) in noted
    ]
    if known is None:
        shown = sorted(shown, key=lambda each: -noted[each.organisation_id, each.owner_id][-1].revision)[:MOST]
    return _compared(session, book, shown, noted)


def _noted(session: Session, book: Book, known: Mapping[int, int] | None) -> dict[tuple[int, int], list[_Noted]]:
    """Return by organisation and owner the changes that may be news, in their order."""
    mine = (Membership.owner_id == book.viewer_id, Membership.joined_at.is_not(None))
    columns = (Membership.organisation_id, Membership.told_from, Membership.joined_at, Membership.is_told)
    joined = {row[0]: row[1:] for row in session.execute(select(*columns).where(*mine)).all()}
    there = {roster.organisation_id for roster in book.rosters}
    found = defaultdict[tuple[int, int], list[_Noted]](list)
    for _, organisation_id in rosters.named_by(session, book.viewer_id):
        # Until one that was deleted is tidied up, nothing says when the others began to show whom it had shown.
        if organisation_id not in there or organisation_id not in joined:
            break
        told_from, joined_at, is_told = joined[organisation_id]
        if known is not None and (organisation_id not in known or not is_told):
            continue
        after = max(told_from or 0, known[organisation_id] if known is not None else 0)
        for owner_id, *change in roster_changes.after(session, organisation_id, after, book.viewer_id):
            noted = _Noted(*change)
            if told_from is not None or noted.at > (joined_at or 0):
                found[organisation_id, owner_id].append(noted)
    return found


def _compared(
    session: Session, book: Book, shown: Sequence[MemberEntry], noted: Mapping[tuple[int, int], Sequence[_Noted]]
) -> list[_Fellow]:
    order = {roster.organisation_id: place for place, roster in enumerate(book.rosters)}
    stays = seen_fields.stays(session, [book.viewer_id, *order], [each.owner_id for each in shown]) if shown else []
    by_owner = defaultdict[int, list[seen_fields.Stay]](list)
    for stay in stays:
        by_owner[stay.owner_id].append(stay)
    here = {
        each.owner_id: [stay for stay in by_owner[each.owner_id] if stay.viewer_id == each.organisation_id]
        for each in shown
    }
    disclosed = seen_fields.disclosed(session, here) if here else {}
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


def _name(member: MemberEntry) -> str:
    return headlines.name_in(member.body)


_BEGINNING = func.substr(Card.body_3, 1, headlines.BEGINNING)
