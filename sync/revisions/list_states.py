"""
Groups as lists: what devices that show them are told, and when it changed.

A device can show its person's groups as lists, in one of two ways: each group is a card that names its members, or each
person's card names their groups as categories. Both are told from `sync.models.ListState`, which is what the groups,
their members and the address book say, written down by the transaction that changes one of these. So a poll asks for
one more number of a row that it reads anyway, what changed since is an index range, and a device that shows no lists
costs and sees nothing: neither its revision nor its ETags move.

It goes by the rules of `sync.revisions.address_books`: the number is `AddressBook.lists_revision`, raised under the
lock of the book, and a token of such a device names both. Nobody sees more by a list: what a member's card shows is
decided by the groups themselves.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync.database.engine import settings_of
from sync.database.lists import among
from sync.models import CONTACTS, AddressBook, Device, Entry, Group, ListState, Member, new_id
from sync.push import news
from sync.revisions import address_books
from sync.revisions.address_books import PRESENT

#: What a device may be told to show: lists as its program reads them, or always categories.
LISTS, CATEGORIES = "lists", "categories"
#: The ways in which lists are shown, as tokens name them.
CARDS = "cards"
GROUP, PERSON = "group", "person"
#: Members that a list names at most: a card of more is larger than phones take (client fact I-18).
MOST_MEMBERS = 2_500
_CONNECTION = "connection"
_Key = tuple[str, int]


def shown_by(session: Session, viewer_ids: Collection[int]) -> list[int]:
    """Return which of these people have a device that shows lists."""
    if not viewer_ids:
        return []
    showing = (Device.lists.is_not(None), Device.revoked_at.is_(None))
    found = select(Device.viewer_id).where(among(session, Device.viewer_id, viewer_ids), *showing)
    return sorted(set(session.scalars(found)))


def lock(session: Session, viewer_ids: Iterable[int]) -> None:
    """Let nobody else change these people's address books until the transaction ends."""
    address_books.lock_all(session, viewer_ids)


def renew(session: Session, viewer_id: int, at: int) -> None:
    """
    Write down what a person's lists are now, and tell the devices that show them what is another than before.

    The caller holds the lock of the person's address book.
    """
    wanted, present = told_of(session, viewer_id)
    there = _digests(session, viewer_id)
    left = [entry_id for kind, entry_id in there if kind == PERSON and entry_id not in present]
    _forget(session, viewer_id, left)
    digests = {key: digest_of(content) for key, content in wanted.items()}
    changed: dict[_Key, str | None] = {key: wanted[key] for key in wanted if there.get(key) != digests[key]}
    for kind, entry_id in there.keys() - wanted.keys():
        if kind == GROUP and there[kind, entry_id] is not None:
            changed[kind, entry_id] = None
        elif kind == PERSON and entry_id in present and there[kind, entry_id] != digest_of(""):
            changed[kind, entry_id] = ""
    if changed:
        _write(session, viewer_id, changed, there, at)


def told_of(session: Session, viewer_id: int) -> tuple[dict[_Key, str], Mapping[int, str]]:
    """
    Return what `ListState.content` is to be of a person's groups and of the people in them, by kind and id.

    Also the UIDs of all connected people who are in the address book.
    """
    present = _present(session, viewer_id)
    mine = (Group.owner_id == viewer_id, Group.kind == GROUP)
    names: dict[int, str] = dict(session.execute(select(Group.id, Group.name).where(*mine)).all())
    members: dict[int, list[str]] = {group_id: [] for group_id in names}
    groups: dict[int, list[str]] = {}
    rows = select(Member.group_id, Member.viewer_id).where(Member.owner_id == viewer_id)
    for group_id, person_id in session.execute(rows.order_by(Member.group_id, Member.viewer_id)):
        if person_id in present and group_id in names:
            members[group_id].append(present[person_id])
            groups.setdefault(person_id, []).append(names[group_id])
    found = {(GROUP, key): "\n".join([names[key], *uids[:MOST_MEMBERS]]) for key, uids in members.items()}
    people = {(PERSON, key): "\n".join(sorted(those)) for key, those in groups.items()}
    return found | people, present


def _present(session: Session, viewer_id: int) -> dict[int, str]:
    here = (Entry.viewer_id == viewer_id, Entry.kind == _CONNECTION, Entry.state == PRESENT)
    return {entry_id: uid or "" for entry_id, uid in session.execute(select(Entry.id, Entry.uid).where(*here))}


def offer_again(session: Session, viewer_id: int, group_id: int, at: int) -> None:
    """Let the devices fetch the card of a group once more: what one of them made of it is not what it is."""
    address_books.lock(session, viewer_id, CONTACTS)
    key = (ListState.viewer_id == viewer_id, ListState.kind == GROUP, ListState.id == group_id)
    before = session.scalars(select(ListState.changed_at).where(*key)).first()
    if before is not None:
        revision = _raise(session, viewer_id, at)
        # Its ETag must be another one, also within one second.
        session.execute(update(ListState).where(*key).values(revision=revision, changed_at=max(at, before + 1)))


def revision_of(session: Session, viewer_id: int) -> int:
    """Return how often a person's lists have changed."""
    mine = (AddressBook.viewer_id == viewer_id, AddressBook.id == CONTACTS)
    return session.scalars(select(AddressBook.lists_revision).where(*mine)).first() or 0


def digest_of(content: str) -> str:
    """Return the hash of what is told of a list."""
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _digests(session: Session, viewer_id: int) -> dict[_Key, str | None]:
    mine = select(ListState.kind, ListState.id, ListState.digest).where(ListState.viewer_id == viewer_id)
    return {(kind, entry_id): digest for kind, entry_id, digest in session.execute(mine)}


def _write(
    session: Session, viewer_id: int, changed: Mapping[_Key, str | None], there: Collection[_Key], at: int
) -> None:
    _make_room(session, viewer_id)
    revision = _raise(session, viewer_id, at)
    new, known = [], []
    for (kind, entry_id), content in changed.items():
        key = {"viewer_id": viewer_id, "kind": kind, "id": entry_id}
        digest = digest_of(content) if content is not None else None
        values = {**key, "revision": revision, "changed_at": at, "digest": digest, "content": content}
        if (kind, entry_id) in there:
            known.append(values)
        else:
            new.append({**values, "uid": str(uuid.uuid4()) if kind == GROUP else None})
    if known:
        session.execute(update(ListState), known)
    if new:
        session.execute(insert(ListState), new)


def _raise(session: Session, viewer_id: int, at: int) -> int:
    mine = (AddressBook.viewer_id == viewer_id, AddressBook.id == CONTACTS)
    raised = update(AddressBook).where(*mine).values(lists_revision=func.coalesce(AddressBook.lists_revision, 0) + 1)
    revision = session.scalars(raised.returning(AddressBook.lists_revision)).one()
    news.note_lists(session, viewer_id, CONTACTS, at)
    return revision or 0


def _forget(session: Session, viewer_id: int, person_ids: Collection[int]) -> None:
    """Let go of what is told of people who are not in the address book, which tells that itself."""
    if person_ids:
        mine = (ListState.viewer_id == viewer_id, ListState.kind == PERSON)
        session.execute(delete(ListState).where(*mine, among(session, ListState.id, person_ids)))


def _make_room(session: Session, viewer_id: int) -> None:
    """Let go of which groups are gone where these are too many; the devices then fetch everything once."""
    gone: tuple[ColumnElement[bool], ...] = (
        ListState.viewer_id == viewer_id,
        ListState.kind == GROUP,
        ListState.digest.is_(None),
    )
    count = session.scalars(select(func.count()).select_from(ListState).where(*gone)).one()
    if count >= settings_of(session).limits.gone_entries:
        session.execute(delete(ListState).where(*gone))
        mine = (AddressBook.viewer_id == viewer_id, AddressBook.id == CONTACTS)
        session.execute(update(AddressBook).where(*mine).values(epoch=new_id()))
