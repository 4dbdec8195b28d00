"""A database of the version before shared books, with people, an organisation and data, and what it becomes."""

from __future__ import annotations

from sqlalchemy import column, insert, inspect, table, text

from sync import verification
from sync.database.engine import Database, Session
from sync.organisations import organisations
from sync.revisions import address_books
from sync.revisions.shared_states import WRITER
from sync.shared_books import access, books, past, telling, view, writes
from sync.sign_in import credentials
from tests.engine.database.test_migrations import downgrade, seen_by
from tests.support import clubs
from tests.support.clubs import Club
from tests.support.factories import connected, field, group, put, vcard
from tests.support.shared import card

BEFORE = "0023"
#: Their tables.
NEW = {"shared_book", "organisation_book", "shared_access", "shared_change", "shared_copy"}


def tables(database: Database) -> set[str]:
    """Return the tables of a database."""
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def tokens(database: Database, *viewers: int) -> list[str]:
    """Return the state of everybody's address book."""
    with database.reading() as session:
        return [book.sync_token for viewer in viewers for book in address_books.books_of(session, viewer)]


def findings(database: Database) -> list[str]:
    """Return which promises are broken."""
    with database.reading() as session:
        return [str(each) for each in verification.findings(session)]


class Scene:
    """Anna and bert are connected, and members of a club; each has a contact of their own, and anna a device."""

    def __init__(self, database: Database) -> None:
        """Make them with this version."""
        self.database = database
        self.anna, self.bert = connected(database, "anna", "bert")
        number = field(database, self.anna)
        group(database, self.anna, "family", [self.bert], [number])
        self.club: Club = clubs.found(database)
        for each in (self.anna, self.bert):
            self.club.join(each)
            put(database, each, "a.vcf", vcard(f"own-{each}"))
        self.club.grant(self.anna, number)
        self.device, self.password = database.write(lambda s: credentials.add_device(s, self.anna, "Phone"))

    def share(self) -> int:
        """Let the club share a book that anna writes, with a contact on which bert notes something."""
        database = self.database
        book_id = database.write(lambda session: books.create(session, self.club.id, "Customers"))
        database.write(lambda session: books.grant(session, book_id, self.anna, WRITER))
        self.store(self.anna, book_id)
        self.store(self.bert, book_id, "NOTE:rings twice")
        return book_id

    def store(self, who: int, book_id: int, *said: str) -> None:
        """Let somebody store a contact in the shared book."""

        def act(session: Session) -> None:
            book = access.of_id(session, who, book_id)
            writes.write(session, book, "p.vcf", card("Plumber", *said).encode(), lambda _etag: None)

        self.database.write(act)

    def seen(self, who: int, book_id: int) -> str:
        """Return what somebody sees of the shared book."""
        with self.database.reading() as session:
            return "".join(each.text for each in view.texts(session, access.of_id(session, who, book_id)))


def test_a_database_from_before_keeps_everything_and_can_share(database: Database) -> None:
    scene = Scene(database)
    people = (scene.anna, scene.bert)
    served, states = seen_by(database, *people), tokens(database, *people)
    downgrade(database, BEFORE)
    assert not tables(database) & NEW
    database.migrate()
    assert tables(database) >= NEW
    assert (seen_by(database, *people), tokens(database, *people)) == (served, states)
    assert credentials.Gate(database).admit("anna", scene.password) is not None
    with database.reading() as session:
        assert [access.books_of(session, each) for each in people] == [[], []]
        assert access.are_shown(session, scene.anna, scene.device, is_mac=False)
        assert not access.are_shown(session, scene.anna, scene.device, is_mac=True)
    book_id = scene.share()
    assert "rings twice" in scene.seen(scene.bert, book_id)
    assert "rings twice" not in scene.seen(scene.anna, book_id)
    assert telling.work(database) == 2
    with database.reading() as session:
        assert [each.account_id for each in past.changes(session, book_id)] == [scene.anna]
    assert seen_by(database, *people) == served
    assert findings(database) == []


def columns(database: Database) -> dict[str, dict[str, bool]]:
    """Return the columns of each table, and whether a row can be made that says nothing of them."""
    with database.engine.connect() as connection:
        inspector = inspect(connection)
        return {
            name: {
                each["name"]: bool(each["nullable"] or each["default"] is not None)
                for each in inspector.get_columns(name)
            }
            for name in inspector.get_table_names()
        }


def test_the_version_before_runs_on_the_newer_tables(database: Database) -> None:
    """All that it reads is there, and what it inserts without a word of the new columns is whole to this version."""
    scene = Scene(database)
    newer = columns(database)
    downgrade(database, BEFORE)
    older = columns(database)
    database.migrate()
    for name, known in older.items():
        assert known.keys() <= newer[name].keys(), name
        assert all(newer[name][added] for added in newer[name].keys() - known.keys()), name
    said = {"viewer_id": scene.anna, "id": 77, "path": "work", "title": "Work", "epoch": 5, "revision": 0}
    assert {*said, "changed_at"} <= older["address_book"].keys()
    books_before = table("address_book", *map(column, (*said, "changed_at")))
    with database.engine.begin() as connection:
        connection.execute(insert(books_before).values(**said, changed_at=1))
    book_id = scene.share()
    with database.reading() as session:
        paths = [each.path for each in address_books.books_of(session, scene.anna) if not each.is_layer]
    assert paths == ["contacts", "work"]
    assert "Plumber" in scene.seen(scene.bert, book_id)
    assert findings(database) == []


def test_going_back_takes_what_was_shared_and_nothing_else(database: Database) -> None:
    scene = Scene(database)
    people = (scene.anna, scene.bert)
    served = seen_by(database, *people)
    scene.share()
    downgrade(database, BEFORE)
    with database.engine.connect() as connection:
        orphans = text("SELECT count(*) FROM address_book WHERE viewer_id NOT IN (SELECT id FROM account)")
        assert connection.execute(orphans).scalar_one() == 0
    database.migrate()
    assert seen_by(database, *people) == served
    assert findings(database) == []
    database.write(lambda session: organisations.remove(session, scene.club.id))
