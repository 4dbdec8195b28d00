"""
People, fields, groups and connections in one line each, and what a device would be served.

Each function is a transaction of its own, so that a test reads as the story that it tells.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import insert, select, update

from sync import fields
from sync.accounts import registration
from sync.books import entries
from sync.books.entries import EntryHead, EntryText
from sync.database.engine import Database, Session
from sync.fields import FieldContent
from sync.models import (
    CONTACTS,
    Account,
    AddressBook,
    Connection,
    DisclosedAudience,
    Entry,
    Job,
    Member,
    Profile,
    new_id,
)
from sync.profiles import profiles
from sync.revisions import address_books
from sync.revisions.address_books import PRESENT, Book
from sync.revisions.fan_out import FAN_OUT
from sync.sharing import cards, connections, grants, groups
from sync.sharing.changes import change
from sync.sharing.connections import CONNECTION
from sync.sharing.visibility import CONNECTIONS, STRANGERS, Composition
from sync.vcard import parse_one

MOBILE = "+86 138 0013 8000"


def person(database: Database, login: str = "") -> int:
    """Register a person and return their id; without *login* they get one that nobody has."""
    return database.write(lambda session: registration.create(session, login or f"p{secrets.token_hex(6)}"))


def people(database: Database, *logins: str) -> list[int]:
    """Register a person for each login."""
    return [person(database, login) for login in logins]


def content(kind: str = "mobile", text: str = MOBILE, label: str = "") -> FieldContent:
    """Say what a field is to say."""
    return fields.field_from_text(kind, text, label)


def field(database: Database, owner_id: int, kind: str = "mobile", text: str = MOBILE, label: str = "") -> int:
    """Add a field to a profile and return its id; nobody is granted it."""
    return database.write(lambda session: profiles.add_field(session, owner_id, content(kind, text, label)))


def set_field(database: Database, owner_id: int, field_id: int, text: str, kind: str = "mobile") -> None:
    """Give a field another value."""
    database.write(lambda session: profiles.set_field(session, owner_id, field_id, content(kind, text)))


def group(
    database: Database, owner_id: int, name: str, members: Iterable[int] = (), granted: Sequence[int] = ()
) -> int:
    """Make a group of *members*, who must be connected to the owner, and grant it the fields *granted*."""

    def make(session: Session) -> int:
        group_id = groups.create(session, owner_id, name)
        if granted:
            grants.grant(session, owner_id, group_id, granted)
        for viewer_id in members:
            groups.add_member(session, owner_id, group_id, viewer_id)
        return group_id

    return database.write(make)


def strangers(database: Database, owner_id: int) -> int:
    """Return the id of a person's built-in group of anybody."""
    with database.reading() as session:
        return groups.find(session, owner_id, STRANGERS).id


def everybody_connected(database: Database, owner_id: int) -> int:
    """Return the id of a person's built-in group of all connections."""
    with database.reading() as session:
        return groups.find(session, owner_id, CONNECTIONS).id


def connect(database: Database, one: int, *others: int) -> None:
    """Connect a person to each of *others*."""
    for other in others:
        database.write(lambda session, other=other: connections.connect(session, one, other))  # type: ignore[misc]


def connected(database: Database, *logins: str) -> list[int]:
    """Register people of whom the first is connected to each of the others."""
    ids = people(database, *logins)
    connect(database, *ids)
    return ids


def crowd(database: Database, owner_id: int, count: int, group_ids: Iterable[int] = ()) -> list[int]:
    """
    Connect *count* new people to an owner at once, all in these groups of the owner's, and return their ids in order.

    They have an address book with the owner's entry, and no profile's content of their own.
    """
    viewers = sorted(new_id() for _ in range(count))
    chosen = frozenset(group_ids)

    def make(session: Session) -> None:
        with change(session, owner_id) as under_way:
            at = under_way.at
            card_id = cards.audience_for(under_way, owner_id, Composition(chosen))

            def add(model: type[object], row: Callable[[int], dict[str, object]]) -> None:
                session.execute(insert(model), [row(viewer_id) for viewer_id in viewers])

            add(Account, lambda viewer: {"id": viewer, "login": f"v{viewer:x}", "created_at": at})
            add(Profile, lambda viewer: {"owner_id": viewer, "changed_at": at})
            add(AddressBook, lambda viewer: _book_row(viewer, at))
            for group_id in sorted(chosen):
                add(
                    Member,
                    lambda viewer, group_id=group_id: {  # type: ignore[misc]
                        "owner_id": owner_id,
                        "group_id": group_id,
                        "viewer_id": viewer,
                    },
                )
            add(
                Connection,
                lambda viewer: {"owner_id": owner_id, "viewer_id": viewer, "audience_id": card_id, "connected_at": at},
            )
            add(Entry, lambda viewer: _entry_row(viewer, owner_id, card_id, at))
            since = session.scalars(select(Profile.version).where(Profile.owner_id == owner_id)).one()
            add(
                DisclosedAudience,
                lambda viewer: {"owner_id": owner_id, "viewer_id": viewer, "since": since, "audience_id": card_id},
            )

    database.write(make)
    return viewers


def _book_row(viewer_id: int, at: int) -> dict[str, object]:
    return {
        "viewer_id": viewer_id,
        "id": CONTACTS,
        "path": address_books.CONTACTS_PATH,
        "title": address_books.DEFAULT_TITLE,
        "epoch": new_id(),
        "revision": 1,
        "changed_at": at,
    }


def _entry_row(viewer_id: int, owner_id: int, card_id: int, at: int) -> dict[str, object]:
    return {
        "viewer_id": viewer_id,
        "id": owner_id,
        "book_id": CONTACTS,
        "href": f"{uuid.uuid4()}.vcf",
        "uid": str(uuid.uuid4()),
        "kind": CONNECTION,
        "state": PRESENT,
        "revision": 1,
        "changed_at": at,
        "card_id": card_id,
    }


def pending(database: Database) -> int:
    """Count the jobs of the fan-out that are not done."""
    with database.reading() as session:
        return len(session.execute(select(Job.bucket, Job.id).where(Job.kind == FAN_OUT)).all())


def age(database: Database, seconds: int = 100) -> None:
    """Let everything in the database have happened *seconds* earlier, so that a new REV differs from an old one."""

    def make_older(session: Session) -> None:
        for model in (Entry, AddressBook, Profile):
            session.execute(update(model).values(changed_at=model.changed_at - seconds))

    database.write(make_older)


def book_in(session: Session, viewer_id: int) -> Book:
    """Read the state of a person's address book in this transaction."""
    book = address_books.find_book(session, viewer_id, address_books.CONTACTS_PATH)
    assert book is not None
    return book


def book(database: Database, viewer_id: int) -> Book:
    """Read the state of a person's address book."""
    with database.reading() as session:
        return book_in(session, viewer_id)


def revisions(database: Database, viewer_ids: Iterable[int]) -> dict[int, int]:
    """Read the revision of each person's address book."""
    with database.reading() as session:
        return {viewer_id: book_in(session, viewer_id).revision for viewer_id in viewer_ids}


def changes(database: Database, viewer_id: int, since: int | None = None) -> list[EntryHead]:
    """Return what a device is told that asks for changes after a revision, or for everything."""
    with database.reading() as session:
        return list(entries.heads(session, book_in(session, viewer_id), since))


def contents(database: Database, viewer_id: int, version: str = "3.0") -> list[EntryText]:
    """Return every entry that a device is served."""
    with database.reading() as session:
        return list(entries.texts(session, book_in(session, viewer_id), version))


def href_of(database: Database, viewer_id: int, owner_id: int) -> str:
    """Return the name of the owner's entry in the viewer's book, gone or not."""
    with database.reading() as session:
        entry = session.get(Entry, (viewer_id, owner_id))
        assert entry is not None
        return entry.href


def served(database: Database, viewer_id: int, owner_id: int, version: str = "3.0") -> EntryText | None:
    """Return the owner's entry as the viewer's devices are served it, or None when it is not there."""
    href = href_of(database, viewer_id, owner_id)
    with database.reading() as session:
        found = list(entries.texts(session, book_in(session, viewer_id), version, hrefs=[href]))
    return found[0] if found else None


def without_rev(text: str) -> list[str]:
    """Return the lines of a card but for the one that says when it was changed."""
    return [line for line in text.splitlines() if not line.startswith("REV:")]


def values_in(text: str, *names: str) -> list[str]:
    """Return the values of the properties of these names in a vCard."""
    return [item.value for item in parse_one(text.encode()).properties if item.name in names]


def seen(database: Database, viewer_id: int, owner_id: int) -> set[str]:
    """Return what the viewer is served of the owner, without what every card has: the values of all other lines."""
    entry = served(database, viewer_id, owner_id)
    assert entry is not None
    unsaid = {"VERSION", "UID", "REV", "FN", "N"}
    return {item.value for item in parse_one(entry.text.encode()).properties if item.name not in unsaid}


def vcard(uid: str = "one", *lines: str, name: str = "Private Person") -> bytes:
    """Write a vCard as a client sends it."""
    body = [f"UID:{uid}", f"FN:{name}", f"N:{name};;;;", *lines]
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *body, "END:VCARD", ""]).encode()


def anyway(_etag: str | None) -> None:
    """Check nothing, as for a request without preconditions."""


def put(database: Database, viewer_id: int, href: str, data: bytes) -> EntryHead:
    """Store a private entry, whatever is there; returns it as it is listed from then on."""
    stored = database.write(lambda session: entries.write(session, book_in(session, viewer_id), href, data, anyway))
    return stored._replace(as_sent=False)


def delete(database: Database, viewer_id: int, href: str) -> None:
    """Delete an entry, whatever it is by now."""
    database.write(lambda session: entries.remove(session, book_in(session, viewer_id), href, anyway))
