"""
Many people in seconds, as the engine would have made them one by one.

The engine makes one person, the *pattern*; all others are copies of the pattern's rows with ids, logins and random
names of their own, written with the driver's own means. Among them stand *hubs*, made by the engine too, each connected
with a number of the others. A hub shows one field to everybody and another to ten people only, so it has two audiences.
`check` compares a sample with what the engine says.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import Table, func, insert, select, update

from benchmarks import databases
from sync import fields, verification
from sync.accounts import registration
from sync.database.engine import Database, Session
from sync.fields import FieldContent
from sync.models import (
    CONTACTS,
    AddressBook,
    Audience,
    Base,
    Connection,
    DisclosedAudience,
    Entry,
    Member,
    Profile,
    new_id,
    now,
)
from sync.pictures.cutting import whole_card
from sync.profiles import profiles
from sync.revisions.address_books import PRESENT
from sync.sharing import cards, grants, groups
from sync.sharing.changes import change
from sync.sharing.connections import CONNECTION
from sync.sharing.visibility import STRANGER, Composition, composition_of, fields_of
from sync.sign_in import credentials
from sync.vcard import parse_one

FEW = 10
#: So many people can be verified in full in a moment; of more, a sample is.
VERIFIABLE = 100
#: Of the length of every other login, so that the lines of a card fold where the engine would fold them.
_PATTERN = "p0000000"
_CARD = f"""BEGIN:VCARD
VERSION:3.0
FN:Erika {_PATTERN} Mustermann
N:Mustermann;Erika;{_PATTERN};;
TEL;TYPE=CELL:+49 170 1234567
TEL;TYPE=HOME:+49 30 7654321
EMAIL;TYPE=WORK:{_PATTERN}@example.com
EMAIL;TYPE=HOME:erika.{_PATTERN}@example.net
ADR;TYPE=HOME:;;Lindenstraße 12;Berlin;;10969;Germany
ORG:Example & Sons;Accounts
TITLE:Head of accounts
URL:https://example.com/~{_PATTERN}
BDAY:1980-04-12
NOTE:Met at the conference\\, wants to see the <plans> and the drawings that go with them.
END:VCARD
"""


@dataclass(frozen=True, slots=True)
class Hub:
    """A person whom *size* others are connected with; *shown_to_all* and *shown_to_few* are ids of fields."""

    id: int
    login: str
    password: str
    size: int
    shown_to_all: int
    shown_to_few: int
    everyone: int
    few: int


@dataclass(frozen=True, slots=True)
class _Person:
    id: int
    login: str


Row = tuple[Any, ...]


def build(database: Database, sizes: Sequence[int], *, with_cards: bool, picture: int = 0) -> list[Hub]:
    """
    Fill an empty *database* with hubs of these *sizes* and as many others as the largest needs.

    *with_cards* gives those others a profile, which strangers may see, with a *picture* of so many octets.
    """
    hubs = [database.write(partial(_make_hub, size=size)) for size in sizes]
    surround(database, hubs, with_cards=with_cards, picture=picture)
    return hubs


def surround(database: Database, hubs: Sequence[Hub], *, with_cards: bool, picture: int = 0) -> None:
    """Connect *hubs*, whose accounts are there, with as many others as they are to have."""
    rng = random.Random(1)
    pattern, version, card_id = database.write(partial(_make_pattern, with_cards=with_cards, picture=picture))
    sizes = [hub.size for hub in hubs]
    ids = sorted({rng.randrange(1, 2**63) for _ in range(max(sizes))})
    crowd = [_Person(account_id, f"p{number:07}") for number, account_id in enumerate(ids, 1)]
    members = [sorted(rng.sample(crowd, hub.size), key=lambda person: person.id) for hub in hubs]
    load = _loader(database)
    revisions = dict.fromkeys(ids, 1)
    entries: list[Row] = []
    for hub, viewers in zip(hubs, members, strict=True):
        few = {person.id for person in rng.sample(viewers, min(FEW, len(viewers)))}
        both = (Composition(frozenset({hub.everyone})), Composition(frozenset({hub.everyone, hub.few})))
        hub_version, *audiences = database.write(partial(_audiences, owner_id=hub.id, compositions=both))
        at = now()
        for person in viewers:
            revisions[person.id] += 1
            audience = audiences[person.id in few]
            entries.append(_entry(person.id, hub.id, revisions[person.id], at, audience))
        first = database.write(partial(_raise, hub=hub))
        entries += [_entry(hub.id, person.id, number, at, card_id) for number, person in enumerate(viewers, first)]
        seen = [(person.id, audiences[person.id in few]) for person in viewers]
        load(Connection.__table__, [(hub.id, viewer, audience, False, at) for viewer, audience in seen])
        load(DisclosedAudience.__table__, [(hub.id, viewer, hub_version, None, audience) for viewer, audience in seen])
        load(Member.__table__, [(hub.id, group, person.id) for group, person in _memberships(hub, viewers, few)])
    pictures = {row["digest"]: row["data"] for row in _rows(database, Base.metadata.tables["picture"], pattern)}
    for table in Base.metadata.sorted_tables:
        if rows := _rows(database, table, pattern):
            load(table, _copies(table, rows, pattern, crowd, revisions, pictures))
    load(Entry.__table__, sorted(entries))
    pairs = sorted((person.id, hub.id) for hub, viewers in zip(hubs, members, strict=True) for person in viewers)
    load(Connection.__table__, ((*pair, card_id, False, now()) for pair in pairs))
    load(DisclosedAudience.__table__, ((*pair, version, None, card_id) for pair in pairs))
    databases.tidy(database)


def check(database: Database, hub: Hub, sample: int = 20) -> None:
    """
    Make sure that the engine would have made the same.

    Raises:
        AssertionError: It would not.
    """
    with database.reading() as session:
        if hub.size <= VERIFIABLE:
            _require([str(finding) for finding in verification.findings(session)], [])
        rows = session.execute(select(Connection.viewer_id).where(Connection.owner_id == hub.id)).scalars().all()
        _require(len(rows), hub.size)
        for viewer_id in random.Random(2).sample(rows, min(sample, len(rows))):
            _check_pair(session, hub.id, viewer_id)
            _check_pair(session, viewer_id, hub.id)
            highest = select(func.max(Entry.revision)).where(Entry.viewer_id == viewer_id)
            book = select(AddressBook.revision).where(AddressBook.viewer_id == viewer_id)
            _require(session.scalars(highest).one(), session.scalars(book).one())

    def nothing_changes(session: Session) -> None:
        for owner_id in [hub.id, *rows[:sample]]:
            version = session.scalars(select(Profile.version).where(Profile.owner_id == owner_id)).one()
            refreshed = cards.refresh(session, owner_id, fields_of(session, owner_id), version, now())
            _require(list(refreshed.changed), [])

    database.write(nothing_changes)


def _check_pair(session: Session, owner_id: int, viewer_id: int) -> None:
    key = (Connection.owner_id == owner_id, Connection.viewer_id == viewer_id)
    audience_id = session.scalars(select(Connection.audience_id).where(*key)).one()
    audience = session.get_one(Audience, (owner_id, audience_id))
    _require(audience.composition, composition_of(session, owner_id, viewer_id).dump())
    entry = session.get_one(Entry, (viewer_id, owner_id))
    _require((entry.card_id, entry.kind, entry.state), (audience_id, CONNECTION, PRESENT))


def _require(made: object, wanted: object) -> None:
    if made != wanted:
        raise AssertionError("The engine would have made other rows.")


def _make_pattern(session: Session, *, with_cards: bool, picture: int) -> tuple[_Person, int, int]:
    person = _Person(registration.create(session, _PATTERN), _PATTERN)
    if with_cards:
        card = parse_one(_CARD.replace("\n", "\r\n").encode())
        if picture:
            photo = fields.media.photo(random.Random(3).randbytes(picture), "3.0")
            contents = [*fields.fields_of(card), FieldContent("photo", "3.0", (photo,))]
            profiles.add_fields(session, person.id, contents)
        else:
            profiles.import_card(session, person.id, card)
        strangers = groups.groups_of(session, person.id)[-1]
        field_ids = [field.id for field in fields_of(session, person.id)]
        grants.grant(session, person.id, strangers.id, field_ids)
    version, card_id = _audiences(session, person.id, [STRANGER])
    return person, version, card_id


def _make_hub(session: Session, size: int) -> Hub:
    login = f"hub{size}"
    return hub_of(session, registration.create(session, login), login, size)


def hub_of(session: Session, account_id: int, login: str, size: int) -> Hub:
    """Give somebody what a hub shows, and return them as one."""
    shown_to_all = profiles.add_field(session, account_id, fields.field_from_text("phone", "+49 30 1"))
    shown_to_few = profiles.add_field(session, account_id, fields.field_from_text("email", "hub@example.com"))
    everyone = groups.create(session, account_id, "everyone")
    few = groups.create(session, account_id, "few")
    grants.grant(session, account_id, everyone, [shown_to_all])
    grants.grant(session, account_id, few, [shown_to_few])
    password = credentials.add_device(session, account_id, "benchmark")[1]
    return Hub(account_id, login, password, size, shown_to_all, shown_to_few, everyone, few)


def _audiences(session: Session, owner_id: int, compositions: Sequence[Composition]) -> list[int]:
    """Make audiences with their cards, and return the version of the profile and the ids of the audiences."""
    with change(session, owner_id) as under_way:
        made = [cards.audience_for(under_way, owner_id, composition) for composition in compositions]
        return [under_way.versions[owner_id], *made]


def _memberships(hub: Hub, viewers: Iterable[_Person], few: set[int]) -> Iterator[tuple[int, _Person]]:
    for person in viewers:
        yield hub.everyone, person
        if person.id in few:
            yield hub.few, person


def _raise(session: Session, hub: Hub) -> int:
    """Let a hub's address book have as many revisions more as it gets entries, and return the first of them."""
    book = AddressBook.viewer_id == hub.id
    revision = session.scalars(select(AddressBook.revision).where(book)).one()
    session.execute(update(AddressBook).where(book).values(revision=revision + hub.size))
    return revision + 1


def _entry(viewer_id: int, owner_id: int, revision: int, at: int, card_id: int) -> Row:
    href, uid = f"{uuid.uuid4()}.vcf", str(uuid.uuid4())
    return viewer_id, owner_id, CONTACTS, href, uid, CONNECTION, PRESENT, revision, at, card_id, None, None


def _rows(database: Database, table: Table, person: _Person) -> list[dict[str, Any]]:
    column = table.c[table.info["spread_by"]]
    found_by = {"name": person.login, "key": f"login:{person.login}"}
    key = {"owner_id": person.id, "viewer_id": person.id, "id": person.id, **found_by}.get(column.name)
    # Not every id is an account's; what is told by another kind of key is nobody's here.
    if key is None or not isinstance(key, column.type.python_type):
        return []
    with database.reading() as session:
        return [dict(row) for row in session.execute(select(table).where(column == key)).mappings()]


def _copies(
    table: Table,
    rows: list[dict[str, Any]],
    pattern: _Person,
    crowd: Iterable[_Person],
    revisions: Mapping[int, int],
    pictures: Mapping[str, str],
) -> Iterator[Row]:
    made: dict[str, Callable[[_Person], Any]] = {"epoch": lambda _: new_id()}
    if table.name == "entry":
        made |= {"href": lambda _: f"{uuid.uuid4()}.vcf", "uid": lambda _: str(uuid.uuid4())}
    if table.name == "address_book":
        made["revision"] = lambda person: revisions[person.id]
    changing = [[_changed(name, value, pattern, made) for name, value in row.items()] for row in rows]
    names = list(rows[0])
    for person in crowd:
        for makers in changing:
            values = [make(person) if callable(make) else make for make in makers]
            if table.name == "card":
                values[names.index("digest")] = _digest(dict(zip(names, values, strict=True)), pictures)
            yield tuple(values)


def _digest(card: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """Return the hash of a card, which is that of its texts with the picture in them."""
    texts = [card["body_3"], card["body_4"]]
    if card["picture"] is not None:
        data = pictures[card["picture"]]
        texts = [whole_card(text, at, data) for text, at in zip(texts, (card["at_3"], card["at_4"]), strict=True)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]


def _changed(name: str, value: Any, pattern: _Person, made: Mapping[str, Callable[[_Person], Any]]) -> Any:
    if name in made:
        return made[name]
    if value == pattern.id:
        return lambda person: person.id
    if isinstance(value, str) and pattern.login in value:
        return lambda person: value.replace(pattern.login, person.login)
    if name == "digits":
        return lambda person: str(value).replace(pattern.login[1:], person.login[1:])
    if isinstance(value, bytes) and pattern.login.encode() in value:
        return lambda person: value.replace(pattern.login.encode(), person.login.encode())
    return value


def _loader(database: Database) -> Callable[[Any, Iterable[Row]], None]:
    return _load_sqlite(database) if database.is_sqlite else _load_postgresql(database)


def _load_sqlite(database: Database) -> Callable[[Any, Iterable[Row]], None]:
    def load(table: Table, rows: Iterable[Row]) -> None:
        statement = str(insert(table).compile(dialect=database.engine.dialect))
        connection = database.engine.raw_connection()
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute("BEGIN IMMEDIATE")
        cursor.executemany(statement, list(rows))
        cursor.execute("COMMIT")
        cursor.execute("PRAGMA foreign_keys = ON")
        connection.close()

    return load


def _load_postgresql(database: Database) -> Callable[[Any, Iterable[Row]], None]:
    def load(table: Table, rows: Iterable[Row]) -> None:
        columns = SQL(", ").join(Identifier(column.name) for column in table.columns)
        statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table.name), columns)
        with psycopg.connect(databases.plain(databases.url_of(database))) as connection:
            # Keys are right by construction; looking each up again would take most of the time.
            connection.execute("SET session_replication_role = replica")
            with connection.cursor().copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)

    return load
