"""Verification finds nothing in a database that the engine wrote, and names whatever somebody else did to it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

import psycopg
import pytest
from sqlalchemy import insert, update

from sync import verification
from sync.books import overlays
from sync.database.engine import Database, Session
from sync.models import Connection, Entry, Overlay
from sync.revisions import address_books
from sync.sharing import connections, grants, groups
from sync.sign_in import credentials
from tests.support import factories
from tests.support.databases import plain

#: What the damage can be done to, besides the ids of a `World`.
PLACES = {
    "of_family": (
        "owner_id = {anna} AND id = (SELECT audience_id FROM connection WHERE owner_id = {anna} AND viewer_id = {bo})"
    ),
    "of_audience": (
        "owner_id = {anna} AND audience_id = "
        "(SELECT audience_id FROM connection WHERE owner_id = {anna} AND viewer_id = {bo})"
    ),
    "kept": "viewer_id = {anna} AND href = 'kept.vcf'",
    "gone": "viewer_id = {anna} AND href = 'gone.vcf'",
    "kept_id": "(SELECT id FROM entry WHERE viewer_id = {anna} AND href = 'kept.vcf')",
    "gone_id": "(SELECT id FROM entry WHERE viewer_id = {anna} AND href = 'gone.vcf')",
}


@dataclass(frozen=True)
class World:
    """Ids of the people, and of what the damage is done to."""

    database: Database
    anna: int
    bo: int
    chiara: int
    dan: int
    eve: int
    mobile: int
    family: int
    device: int


@pytest.fixture
def world(staged: tuple[Database, World]) -> World:
    """Return who is in a database of their own."""
    database, world = staged
    return replace(world, database=database)


def stage(database: Database) -> World:
    """Somebody with groups, an exception, a hidden entry, a former connection, private entries and a device."""
    anna, bo, chiara, dan, eve = factories.connected(database, "anna", "bo", "chiara", "dan", "eve")
    mobile = factories.field(database, anna)
    email = factories.field(database, anna, "email", "anna@x.example")
    family = factories.group(database, anna, "family", [bo, chiara], [mobile])

    def go_on(session: Session) -> int:
        grants.except_person(session, anna, chiara, [mobile], allowed=False)
        grants.except_person(session, anna, dan, [email], allowed=True)
        connections.hide(session, dan, anna)
        connections.disconnect(session, anna, eve)
        return credentials.add_device(session, bo, "Phone")[0]

    device = database.write(go_on)
    factories.put(database, anna, "kept.vcf", factories.vcard("kept"))
    factories.put(database, anna, "gone.vcf", factories.vcard("gone"))
    factories.delete(database, anna, "gone.vcf")
    return World(database, anna, bo, chiara, dan, eve, mobile, family, device)


#: What is wrong is found by the same statements everywhere; that these run everywhere, other tests show.
one_engine = pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)


def findings(database: Database) -> list[str]:
    with database.reading() as session:
        return [str(finding) for finding in verification.findings(session)]


def damage(world: World, *statements: str) -> None:
    """Run SQL on a connection of its own, on which no foreign key is looked after."""
    ids = {name: getattr(world, name) for name in World.__annotations__ if name != "database"}
    places = {name: place.format(**ids) for name, place in PLACES.items()}
    blob = "BLOB" if world.database.is_sqlite else "BYTEA"
    written = [statement.format(**ids, **places, blob=blob) for statement in statements]
    if world.database.is_sqlite:
        connection = sqlite3.connect(str(world.database.url.database), isolation_level=None)
        for statement in written:
            assert connection.execute(statement).rowcount, statement
        connection.close()
        return
    with psycopg.connect(plain(world.database.url), autocommit=True) as server:
        server.execute("SET session_replication_role = replica")
        for statement in written:
            assert server.execute(statement.encode()).rowcount, statement


def test_what_the_engine_wrote_is_as_it_should_be(world: World) -> None:
    assert findings(world.database) == []


def test_everybody_is_counted(world: World) -> None:
    seen: list[int] = []
    with world.database.reading() as session:
        assert list(verification.findings(session, seen.append)) == []
        assert sum(seen) == verification.size(session) == 5


def test_a_new_epoch_leaves_nothing_to_find(world: World) -> None:
    damage(world, "UPDATE device SET synced_revision = 99 WHERE viewer_id = {bo}")
    assert len(findings(world.database)) == 1
    world.database.write(address_books.begin_new_epoch)
    assert findings(world.database) == []


@one_engine
@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM login_name WHERE name = 'bo'", "bo: The login is claimed by nobody."),
        (
            "UPDATE login_name SET account_id = {anna} WHERE name = 'bo'",
            "bo: The login is claimed by another account.",
        ),
        ("INSERT INTO login_name VALUES ('nobody', 5)", "1 rows of login_name belong to no row of account."),
        ("DELETE FROM profile WHERE owner_id = {bo}", "bo: There is no profile."),
        (
            "UPDATE contact_group SET kind = 'group' WHERE owner_id = {bo} AND kind = 'strangers'",
            "bo: There are 0 groups of strangers, not one.",
        ),
        (
            "UPDATE contact_group SET kind = 'strangers' WHERE owner_id = {anna} AND kind = 'group'",
            "anna: There are 2 groups of strangers, not one.",
        ),
        ("DELETE FROM address_book WHERE viewer_id = {bo}", "bo: There is no address book for connections."),
        (
            "UPDATE audience SET kind = 'viewers' WHERE owner_id = {bo} AND kind = 'self'",
            "bo: There are 0 audiences for the person's own card, not one.",
        ),
        (
            "DELETE FROM entry WHERE viewer_id = {bo} AND id = {bo}",
            "bo: There is no entry for the person's own card.",
        ),
        (
            "UPDATE entry SET state = 'removed' WHERE viewer_id = {bo} AND id = {bo}",
            "bo: The entry for the person's own card does not show it.",
        ),
        (
            "UPDATE device SET synced_revision = 99 WHERE viewer_id = {bo}",
            (
                "bo: Device {device} has a revision that the address book has not reached; "
                "if a backup was put back, run `evercard restored`."
            ),
        ),
        ("DELETE FROM account WHERE id = {bo}", "1 rows of login_name belong to no row of account."),
        ("DELETE FROM account WHERE id = {bo}", "1 rows of profile belong to no row of account."),
        ("DELETE FROM account WHERE id = {bo}", "1 rows of device belong to no row of account."),
        (
            "INSERT INTO job VALUES (1, 1, 'fan_out', 5, 5, 0, 0, 0, 0, NULL)",
            "1 rows of job belong to no row of account.",
        ),
        (
            "INSERT INTO job VALUES (16, 1, 'fan_out', {bo}, 5, 0, 0, 0, 0, NULL)",
            "1 rows of job are where nobody looks for what there is to do.",
        ),
        (
            "INSERT INTO next_end VALUES (20, {bo}, 1, NULL)",
            "1 rows of next_end are where nobody looks for what there is to do.",
        ),
        (
            "INSERT INTO job VALUES (1, 1, 'other', {bo}, 5, 0, 0, 0, 0, NULL)",
            "The outbox holds jobs of the kind 'other', which nobody does.",
        ),
        (
            "INSERT INTO own_search_key VALUES ({bo}, 'name:bo')",
            "bo: The directory has keys by which the person does not want to be found.",
        ),
        (
            "INSERT INTO preferences VALUES ({bo}, 0, 1, 1, 0, 'confirm', NULL, NULL, NULL, 1, NULL, 0, NULL)",
            "bo: The directory has keys by which the person does not want to be found.",
        ),
        (
            "DELETE FROM search_key WHERE account_id = {bo}",
            "bo: The directory does not have the keys that the person is listed under.",
        ),
        (
            "INSERT INTO search_key VALUES ('name:bo', {bo})",
            "The directory has 6 keys, and people are listed under 5.",
        ),
        (
            "INSERT INTO block VALUES ({anna}, {bo}, 0)",
            "anna: The person is connected to somebody whom they have blocked.",
        ),
        (
            "INSERT INTO public_friend VALUES ({anna}, {eve}, 0)",
            "anna: Somebody is a public friend without being connected.",
        ),
    ],
)
def test_damage_to_a_person_is_named(world: World, statement: str, finding: str) -> None:
    damage(world, statement)
    assert finding.format(device=world.device) in findings(world.database)


@one_engine
@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            "UPDATE card SET body_3 = body_3 || 'EMAIL:a@b' WHERE {of_family}",
            "anna: The card of the audience of family is not what the profile and the grants say now.",
        ),
        (
            "UPDATE card SET body_4 = body_4 || 'EMAIL:a@b' WHERE {of_family}",
            "anna: The hash of the card of the audience of family is not that of its text.",
        ),
        (
            "UPDATE card SET digest = 'x' WHERE {of_family}",
            "anna: The hash of the card of the audience of family is not that of its text.",
        ),
        (
            "DELETE FROM field_grant WHERE owner_id = {anna} AND group_id = {family}",
            "anna: The card of the audience of family is not what the profile and the grants say now.",
        ),
        (
            "UPDATE field SET content = replace(content, '138', '139') WHERE id = {mobile}",
            "anna: The card of the audience for the person's own card is not what the profile and the grants say now.",
        ),
        (
            "UPDATE field SET content = replace(content, '138', '139') WHERE id = {mobile}",
            "anna: The newest state in the history of the profile is not the profile.",
        ),
        ("UPDATE field SET content = '[' WHERE id = {mobile}", "anna: A field of the profile cannot be read."),
        ("DELETE FROM card WHERE {of_family}", "anna: The audience of family has no card."),
        (
            "UPDATE card_list_key SET called = 'x' WHERE {of_family}",
            "anna: What lists know of the card of the audience of family is not what it says.",
        ),
        (
            "DELETE FROM card_list_key WHERE {of_family}",
            "anna: What lists know of the card of the audience of family is not what it says.",
        ),
        (
            "UPDATE audience SET composition = '' WHERE {of_family}",
            "anna: The composition of audience {audience} cannot be read.",
        ),
        (
            "UPDATE audience SET digest = 'x' WHERE {of_family}",
            "anna: The audience of family cannot be found by its hash.",
        ),
        (
            "UPDATE audience SET composition = '[[5],[],[]]' WHERE {of_family}",
            "anna: The audience of ? is made of groups or fields that do not exist.",
        ),
        (
            "UPDATE audience SET composition = '[[],[5],[]]' WHERE {of_family}",
            "anna: The audience of connections with 1 exceptions is made of groups or fields that do not exist.",
        ),
        (
            "DELETE FROM disclosed_field WHERE {of_audience}",
            "anna: It is not noted rightly which fields audience {audience} is shown.",
        ),
        (
            "DELETE FROM disclosed_audience WHERE owner_id = {anna} AND viewer_id = {bo}",
            "anna: It is not noted in which audience bo is.",
        ),
        (
            "UPDATE disclosed_audience SET until = NULL WHERE owner_id = {anna} AND viewer_id = {eve}",
            "anna: eve is noted to be in an audience without being connected.",
        ),
        ("DELETE FROM field WHERE id = {mobile}", "1 rows of field_grant belong to no row of field."),
        ("DELETE FROM field WHERE id = {mobile}", "1 rows of field_exception belong to no row of field."),
        ("DELETE FROM contact_group WHERE id = {family}", "1 rows of field_grant belong to no row of contact_group."),
        ("DELETE FROM contact_group WHERE id = {family}", "2 rows of member belong to no row of contact_group."),
        ("DELETE FROM audience WHERE {of_family}", "1 rows of card belong to no row of audience."),
        ("DELETE FROM audience WHERE {of_family}", "1 rows of connection belong to no row of audience."),
    ],
)
def test_damage_to_what_an_owner_shows_is_named(world: World, statement: str, finding: str) -> None:
    with world.database.reading() as session:
        found = session.get(Connection, (world.anna, world.bo))
        assert found is not None
    damage(world, statement)
    assert finding.format(audience=found.audience_id) in findings(world.database)


@one_engine
@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            "DELETE FROM connection WHERE owner_id = {bo} AND viewer_id = {anna}",
            "anna: bo is not connected back.",
        ),
        (
            "DELETE FROM member WHERE owner_id = {anna} AND viewer_id = {bo}",
            "anna: bo is in another audience than their groups and exceptions make.",
        ),
        (
            "DELETE FROM field_exception WHERE owner_id = {anna} AND viewer_id = {chiara}",
            "anna: chiara is in another audience than their groups and exceptions make.",
        ),
        (
            "INSERT INTO member VALUES ({anna}, {family}, {eve})",
            "anna: eve is in a group or has an exception without being connected.",
        ),
        (
            "UPDATE field_exception SET viewer_id = 5 WHERE owner_id = {anna} AND viewer_id = {chiara}",
            "anna: Account 5, which does not exist, is in a group or has an exception without being connected.",
        ),
        (
            "DELETE FROM entry WHERE viewer_id = {bo} AND id = {anna}",
            "anna: bo has no entry for the connection.",
        ),
        (
            "UPDATE entry SET state = 'present' WHERE viewer_id = {dan} AND id = {anna}",
            "anna: dan has an entry that is present, not hidden.",
        ),
        (
            "UPDATE connection SET hidden = true WHERE owner_id = {anna} AND viewer_id = {bo}",
            "anna: bo has an entry that is present, not hidden.",
        ),
        (
            "UPDATE entry SET card_id = 5 WHERE viewer_id = {bo} AND id = {anna}",
            "anna: bo has an entry that shows another card than that of their audience.",
        ),
        (
            "UPDATE entry SET state = 'present' WHERE viewer_id = {eve} AND id = {anna}",
            "eve: The entry {href} shows the card of anna without a connection.",
        ),
        (
            "UPDATE entry SET card_id = 5 WHERE viewer_id = {eve} AND id = {anna}",
            "eve: The entry {href} is removed and still names a card.",
        ),
        (
            "UPDATE entry SET uid = NULL WHERE viewer_id = {eve} AND id = {anna}",
            "eve: The entry {href} is a connection's and is kept like a private one.",
        ),
        (
            "UPDATE entry SET digest = 'x' WHERE viewer_id = {eve} AND id = {anna}",
            "eve: The entry {href} has a hash that is not that of its overlay.",
        ),
        (
            "INSERT INTO overlay (viewer_id, entry_id, content, digest) VALUES ({eve}, {anna}, '[]', 'x')",
            "eve: The entry {href} has an overlay whose hash is not that of its text.",
        ),
        (
            "INSERT INTO overlay (viewer_id, entry_id, content, digest) VALUES ({eve}, {anna}, '', 'x')",
            "eve: The entry {href} has an overlay that cannot be read.",
        ),
        (
            "UPDATE entry SET kind = 'other' WHERE viewer_id = {eve} AND id = {anna}",
            "eve: The entry {href} is of a kind that does not exist.",
        ),
        (
            "UPDATE entry SET revision = 0 WHERE viewer_id = {eve} AND id = {anna}",
            "eve: The entry {href} has a revision that its address book has not reached.",
        ),
        (
            "UPDATE entry SET revision = 99 WHERE viewer_id = {eve} AND id = {anna}",
            "eve: The entry {href} has a revision that its address book has not reached.",
        ),
        (
            "UPDATE address_book SET revision = 1 WHERE viewer_id = {eve}",
            "eve: The entry {href} has a revision that its address book has not reached.",
        ),
        ("DELETE FROM address_book WHERE viewer_id = {eve}", "2 rows of entry belong to no row of address_book."),
    ],
)
def test_damage_to_a_connection_is_named(world: World, statement: str, finding: str) -> None:
    href = factories.href_of(world.database, world.eve, world.anna)
    damage(world, statement)
    assert finding.format(href=href) in findings(world.database)


@one_engine
@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM private_card WHERE entry_id = {kept_id}", "kept.vcf has lost its text."),
        ("UPDATE entry SET digest = 'x' WHERE {kept}", "kept.vcf has a hash that is not that of its text."),
        ("UPDATE entry SET uid = 'x' WHERE {kept}", "kept.vcf is filed under another UID than its own."),
        ("UPDATE entry SET card_id = 5 WHERE {kept}", "kept.vcf is private and names a card."),
        (
            "UPDATE private_card SET data = CAST('BEGIN:VCARD' AS {blob}) WHERE entry_id = {kept_id}",
            "kept.vcf cannot be read: line 1: The card that begins here has no END:VCARD.",
        ),
        ("UPDATE entry SET state = 'removed' WHERE {kept}", "kept.vcf is deleted and something of it is left."),
        ("UPDATE entry SET uid = 'x' WHERE {gone}", "gone.vcf is deleted and something of it is left."),
        (
            "INSERT INTO private_card VALUES ({anna}, {gone_id}, CAST('x' AS {blob}))",
            "gone.vcf is deleted and something of it is left.",
        ),
    ],
)
def test_damage_to_a_private_entry_is_named(world: World, statement: str, finding: str) -> None:
    damage(world, statement)
    assert f"anna: The entry {finding}" in findings(world.database)


@one_engine
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contact_list_key SET sort_key = CAST('x' AS {blob}) WHERE entry_id = {kept_id}",
        "DELETE FROM contact_list_key WHERE entry_id = {kept_id}",
    ],
)
def test_a_list_that_knows_another_contact_is_found(world: World, statement: str) -> None:
    damage(world, statement)
    assert findings(world.database) == ["anna: What lists know of the entry kept.vcf is not what it says."]


def test_a_list_that_knows_other_numbers_than_were_added_is_found(world: World) -> None:
    text = overlays.dump([factories.content()])
    digest = overlays.digest_of(text)

    def add(session: Session) -> None:
        added = {"viewer_id": world.anna, "entry_id": world.bo, "content": text, "digest": digest}
        session.execute(insert(Overlay).values(**added, reached="", number_key=b"", digits=""))
        session.execute(update(Entry).where(Entry.viewer_id == world.anna, Entry.id == world.bo).values(digest=digest))

    world.database.write(add)
    href = factories.href_of(world.database, world.anna, world.bo)
    assert findings(world.database) == [f"anna: What lists know of the entry {href} is not what it says."]


def test_bytes_without_an_entry_are_found(world: World) -> None:
    damage(world, "DELETE FROM entry WHERE {kept}")
    assert findings(world.database) == ["1 rows of private_card belong to no row of entry."]


def test_tables_that_were_changed_are_found(world: World) -> None:
    with world.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE card ADD COLUMN another INTEGER")
    found = findings(world.database)
    with world.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE card DROP COLUMN another")
    assert found == ["The tables differ from those of this version of Evercard in 1 places."]


def test_a_finding_holds_no_value_of_a_field(world: World) -> None:
    damage(world, "UPDATE card SET body_3 = 'TEL:+1 555' WHERE {of_family}")
    assert "+1 555" not in str(findings(world.database))


def test_groups_of_the_same_composition_are_no_damage(database: Database) -> None:
    """Two audiences become one in meaning when a group is deleted; each viewer may stay in theirs."""
    owner, one, other = factories.connected(database, "owner", "one", "other")
    first = factories.group(database, owner, "first", [one])
    factories.group(database, owner, "second", [one, other])
    database.write(lambda session: groups.remove(session, owner, first))
    assert findings(database) == []
