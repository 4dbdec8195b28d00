"""
What changed for somebody since they were last told, or last looked.

How far a person knows is kept as the revision of their address book, which finds the cards that may have changed, and
for each person as the version of that person's profile, which tells what is otherwise now. Neither is a time, so no
clock makes anything be told twice or never.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, delete, exists, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from sync.database.lists import SQLITE, among
from sync.database.prepared import read
from sync.models import CONTACTS, AddressBook, Base, Digest, DigestSeen, Entry, Membership, Profile
from sync.queries import activity, connected_people, member_news, told_members
from sync.queries.activity import GONE
from sync.revisions.address_books import PRESENT
from sync.revisions.rosters import revisions_of as rosters_now
from sync.sharing.connections import CONNECTION


@dataclass(frozen=True, slots=True)
class Position:
    """
    How far somebody has come: the *revision* of their address book, and the *versions* of profiles by owner.

    *rosters* are the revisions of those organisations of whose members the digest tells.
    """

    revision: int
    versions: Mapping[int, int]
    rosters: Mapping[int, int] = field(default_factory=dict)


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
    known = read(session, _KNOWN, {"viewer": viewer_id})
    if not known:
        return None
    before = known[0][0]
    revision = _revision(session, viewer_id)
    chosen = _told_of_members(session, viewer_id)
    rosters = rosters_now(session, chosen)
    if before >= revision and all(rosters[each] <= chosen[each] for each in rosters):
        return None
    return Position(revision, _versions(session, viewer_id, before), rosters)


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
    people = connected_people.some(session, viewer_id, told) if told else {}
    found = [ChangedCard(person.name, told[person.account_id]) for person in people.values()]
    return found + _of_members(session, viewer_id, position, people)


def note(session: Session, viewer_id: int, position: Position) -> None:
    """Note that a person has come so far. Nobody ever goes back: what is behind what is known changes nothing."""
    mine = (Digest.viewer_id == viewer_id, Digest.is_wanted.is_(True), Digest.revision <= position.revision)
    ahead = update(Digest).where(*mine).values(revision=position.revision)
    with session.begin_nested():
        # Its row is locked first, so that two at once, such as a digest and a look, write one after the other.
        if session.scalars(ahead.returning(Digest.viewer_id)).first() is None:
            return
        _keep(session, viewer_id, {**position.versions, **position.rosters})
        viewer = literal(viewer_id, BigInteger)
        gone = (~_is_there(viewer), ~_is_told_of(viewer))
        session.execute(delete(DigestSeen).where(DigestSeen.viewer_id == viewer, *gone))


def begin(session: Session, viewer_id: int) -> int:
    """Let a person know all that there is, from where their digest goes on, and return the address book's revision."""
    revision = _revision(session, viewer_id)
    session.execute(delete(DigestSeen).where(DigestSeen.viewer_id == viewer_id))
    rosters = rosters_now(session, told_members.told_from(session, viewer_id, told_members.BY_DIGEST))
    _keep(session, viewer_id, {**_versions(session, viewer_id, -1), **rosters})
    return revision


def forget(session: Session, viewer_id: int) -> None:
    """Forget how far a person has come, who gets no digest any more."""
    session.execute(delete(DigestSeen).where(DigestSeen.viewer_id == viewer_id))


def may_be_told_of_members(session: Session, viewer_ids: Collection[int]) -> set[int]:
    """Return those of these people in whose organisations something changed since, and who are told of that."""
    theirs = (among(session, Membership.owner_id, viewer_ids), Membership.digest_from.is_not(None))
    columns = (Membership.owner_id, Membership.organisation_id, Membership.digest_from)
    chosen = session.execute(select(*columns).where(*theirs)).all()
    if not chosen:
        return set()
    rosters = rosters_now(session, {organisation_id for _, organisation_id, _ in chosen})
    seen = select(DigestSeen.viewer_id, DigestSeen.owner_id, DigestSeen.version).where(
        among(session, DigestSeen.viewer_id, {viewer_id for viewer_id, *_ in chosen}),
        among(session, DigestSeen.owner_id, rosters),
    )
    known = {(viewer_id, owner_id): version for viewer_id, owner_id, version in session.execute(seen)}
    return {
        viewer_id
        for viewer_id, organisation_id, since in chosen
        if rosters.get(organisation_id, 0) > max(since or 0, known.get((viewer_id, organisation_id), 0))
    }


def is_changed() -> Sequence[ColumnElement[bool]]:
    """Whether an entry is of a card that may have changed, in a statement that joins entries and digests."""
    return *_ENTRIES, Entry.revision > Digest.revision


_KNOWN = select(Digest.revision).where(Digest.viewer_id == bindparam("viewer"), Digest.is_wanted.is_(True))
_ENTRIES = (Entry.book_id == CONTACTS, Entry.kind == CONNECTION, Entry.state == PRESENT)


def _revision(session: Session, viewer_id: int) -> int:
    book = select(AddressBook.revision).where(AddressBook.viewer_id == viewer_id, AddressBook.id == CONTACTS)
    return session.scalars(book).first() or 0


def _versions(session: Session, viewer_id: int, after: int) -> dict[int, int]:
    owners = session.scalars(select(Entry.id).where(Entry.viewer_id == viewer_id, *_ENTRIES, Entry.revision > after))
    profiles = select(Profile.owner_id, Profile.version).where(among(session, Profile.owner_id, owners.all()))
    return dict(session.execute(profiles).all())


def _told_of_members(session: Session, viewer_id: int) -> dict[int, int]:
    """Return by organisation up to which revision of its roster a person was told, or has looked."""
    chosen = told_members.told_from(session, viewer_id, told_members.BY_DIGEST)
    if not chosen:
        return {}
    mine = (DigestSeen.viewer_id == viewer_id, among(session, DigestSeen.owner_id, chosen))
    known = session.execute(select(DigestSeen.owner_id, DigestSeen.version).where(*mine)).all()
    return told_members.positions(chosen, dict(known))


def _of_members(session: Session, viewer_id: int, position: Position, told: Collection[int]) -> list[ChangedCard]:
    """Return the cards of fellow members, but those of whom is *told* already."""
    before = _told_of_members(session, viewer_id) if position.rosters else {}
    news = member_news.since(session, viewer_id, before)
    kinds = {owner_id: list(dict.fromkeys(change.kind for change in each.changes)) for owner_id, each in news.items()}
    return [ChangedCard(each.name, kinds[owner_id]) for owner_id, each in news.items() if owner_id not in told]


def _is_told_of(viewer: ColumnElement[int]) -> ColumnElement[bool]:
    mine = (Membership.owner_id == viewer, Membership.organisation_id == DigestSeen.owner_id)
    return exists().where(*mine, Membership.digest_from.is_not(None))


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
        later = case((new.excluded.version > table.c.version, new.excluded.version), else_=table.c.version)
        session.execute(new.on_conflict_do_update(index_elements=key, set_={"version": later}), rows)
