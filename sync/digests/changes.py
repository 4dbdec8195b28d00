"""
What changed for somebody since they were last told, or last looked.

How far a person knows is kept as the revision of their address book, which finds the cards that may have changed, and
for each person as the version of that person's profile, which tells what is otherwise now. Neither is a time, so no
clock makes anything be told twice or never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, exists, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from sync.database.lists import SQLITE, among
from sync.models import CONTACTS, AddressBook, Base, Digest, DigestSeen, Entry, Profile
from sync.queries import activity, connected_people
from sync.queries.activity import GONE
from sync.revisions.address_books import PRESENT
from sync.sharing.connections import CONNECTION


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody has come: the *revision* of their address book, and the *versions* of profiles by owner."""

    revision: int
    versions: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ChangedCard:
    """Somebody whose card says something new, by the *name* that one may call them, and the kinds of these fields."""

    name: str
    kinds: Sequence[str]


def reached(session: Session, viewer_id: int) -> Position | None:
    """
    Return how far a person comes who looks now, None where they get no digest or know it all.

    The versions are those of the people whose cards may have changed since.
    """
    known = select(Digest.revision).where(Digest.viewer_id == viewer_id, Digest.is_wanted.is_(True))
    before = session.scalars(known).first()
    revision = _revision(session, viewer_id)
    if before is None or before >= revision:
        return None
    return Position(revision, _versions(session, viewer_id, before))


def cards_since(session: Session, viewer_id: int, position: Position) -> list[ChangedCard]:
    """
    Return whose cards say something new at this *position*, by name, and of which kinds of fields.

    What was taken back is not told, nor is what changed and changed back; whoever is new in the address book is not,
    either, for their card has not changed.
    """
    before = select(DigestSeen.owner_id, DigestSeen.version).where(
        DigestSeen.viewer_id == viewer_id, among(session, DigestSeen.owner_id, list(position.versions))
    )
    changes = activity.since(session, viewer_id, dict(session.execute(before).all()))
    kinds = {
        owner_id: list(dict.fromkeys(change.kind for change in found if change.what != GONE))
        for owner_id, found in changes.items()
    }
    told = {owner_id: those for owner_id, those in kinds.items() if those}
    people = connected_people.some(session, viewer_id, told)
    return [ChangedCard(person.name, told[person.account_id]) for person in people.values()]


def note(session: Session, viewer_id: int, position: Position) -> None:
    """Note that a person has come so far. Nobody ever goes back: what is behind what is known changes nothing."""
    mine = (Digest.viewer_id == viewer_id, Digest.is_wanted.is_(True))
    ahead = update(Digest).where(*mine, Digest.revision < position.revision).values(revision=position.revision)
    with session.begin_nested():
        # Its row is locked first, so that two at once, such as a digest and a look, write one after the other.
        if session.scalars(ahead.returning(Digest.viewer_id)).first() is None:
            return
        _keep(session, viewer_id, position.versions)
        viewer = literal(viewer_id, BigInteger)
        session.execute(delete(DigestSeen).where(DigestSeen.viewer_id == viewer, ~_is_there(viewer)))


def begin(session: Session, viewer_id: int) -> int:
    """Let a person know all that there is, from where their digest goes on, and return the address book's revision."""
    revision = _revision(session, viewer_id)
    session.execute(delete(DigestSeen).where(DigestSeen.viewer_id == viewer_id))
    _keep(session, viewer_id, _versions(session, viewer_id, -1))
    return revision


def forget(session: Session, viewer_id: int) -> None:
    """Forget how far a person has come, who gets no digest any more."""
    session.execute(delete(DigestSeen).where(DigestSeen.viewer_id == viewer_id))


def is_changed() -> Sequence[ColumnElement[bool]]:
    """Whether an entry is of a card that may have changed, in a statement that joins entries and digests."""
    return *_ENTRIES, Entry.revision > Digest.revision


_ENTRIES = (Entry.book_id == CONTACTS, Entry.kind == CONNECTION, Entry.state == PRESENT)


def _revision(session: Session, viewer_id: int) -> int:
    book = select(AddressBook.revision).where(AddressBook.viewer_id == viewer_id, AddressBook.id == CONTACTS)
    return session.scalars(book).first() or 0


def _versions(session: Session, viewer_id: int, after: int) -> dict[int, int]:
    owners = session.scalars(select(Entry.id).where(Entry.viewer_id == viewer_id, *_ENTRIES, Entry.revision > after))
    profiles = select(Profile.owner_id, Profile.version).where(among(session, Profile.owner_id, owners.all()))
    return dict(session.execute(profiles).all())


def _is_there(viewer: ColumnElement[int]) -> ColumnElement[bool]:
    mine = (Entry.viewer_id == viewer, Entry.id == DigestSeen.owner_id)
    return exists().where(*mine, Entry.card_id.is_not(None))


def _keep(session: Session, viewer_id: int, versions: Mapping[int, int]) -> None:
    rows = [{"viewer": viewer_id, "owner": owner_id, "at": version} for owner_id, version in sorted(versions.items())]
    if rows:
        table = Base.metadata.tables["digest_seen"]
        put = sqlite.insert if session.get_bind().dialect.name == SQLITE else postgresql.insert
        new = put(table).values(viewer_id=bindparam("viewer"), owner_id=bindparam("owner"), version=bindparam("at"))
        key = [table.c.viewer_id, table.c.owner_id]
        session.execute(new.on_conflict_do_update(index_elements=key, set_={"version": new.excluded.version}), rows)
