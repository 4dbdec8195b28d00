"""
The tables and the SQL can be spread over machines by person.

`tests/engine/conftest.py` judges every statement of every test of the engine; here are the tables, and the judge.
"""

from __future__ import annotations

import pytest
from sqlalchemy import (
    Boolean,
    Delete,
    Insert,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    UniqueConstraint,
    Update,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from sync.database import entry_cards
from sync.models import (
    AddressBook,
    Base,
    Card,
    Connection,
    Entry,
    Field,
    Grant,
    Group,
    Job,
    Member,
    Overlay,
    PrivateCard,
    RateLimit,
)
from sync.sign_in import credentials
from tests.support.statements import faults, faults_of_text

TABLES = list(Base.metadata.sorted_tables)
#: The columns that hold the account id by which a person's rows are found. Tables spread by them live side by side.
PERSON = {"account.id"} | {
    f"{table.name}.{key}" for table in TABLES for key in ("owner_id", "viewer_id") if table.info.get("spread_by") == key
}
#: Tables that are not a person's: what is found by a name, secrets of the server, and the outbox.
OTHERS = {
    "rate_limit.key": "a count for accounts, sources and pairs",
    "search_key.key": "an index by what is looked for",
    "fault.bucket": "what could not be done of the outbox",
    "given_up.bucket": "what was given up of the outbox",
    "errand.bucket": "what requests leave to the worker",
    "job.bucket": "the outbox",
    "login_name.name": "a claim",
    "message.bucket": "the outbox",
    "organisation.id": "what many people have together",
    "organisation_book.organisation_id": "what books an organisation has, for all of its members",
    "organisation_identity.digest": "a claim",
    "organisation_look.source": "a few rows",
    "push_host.host": "what all workers know of a host, by its name",
    "roster_change.organisation_id": "what members changed, beside the roster",
    "roster_entry.organisation_id": "who is in an organisation, for all of its members",
    "scim_key.digest": "a claim",
    "scim_token.digest": "an index by secret",
    "scim_user.id": "what an organisation calls somebody",
    "server_secret.name": "a few rows",
    "shared_book.id": "what many people have together; its contacts are the entries of that id",
    "shared_change.book_id": "who changed what in it, beside its entries",
    "shared_copy.book_id": "what devices have of it, beside its entries",
    "suppression.digest": "an index by address",
    "next_end.bucket": "when something ends next, for whoever looks for what is due",
    "one_time_token.digest": "an index by secret",
}
PLAIN = (Boolean, Integer, LargeBinary, String)

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def spread(table: Table) -> str:
    """Return the column that spreads a table."""
    return f"{table.name}.{table.info['spread_by']}"


@every_table
def test_a_table_is_spread_by_person_or_is_named_here_with_its_reason(table: Table) -> None:
    assert spread(table) in PERSON | OTHERS.keys()


@every_table
def test_the_column_that_spreads_a_table_leads_its_keys_and_indexes(table: Table) -> None:
    keys = [key.columns for key in table.constraints if isinstance(key, PrimaryKeyConstraint | UniqueConstraint)]
    leaders = {next(iter(columns)).name for columns in [*keys, *(index.columns for index in table.indexes)]}
    assert leaders == {table.info["spread_by"]}


@every_table
def test_a_foreign_key_stays_with_one_person(table: Table) -> None:
    for constraint in table.foreign_key_constraints:
        pairs = {
            (f"{table.name}.{element.parent.name}", f"{constraint.referred_table.name}.{element.column.name}")
            for element in constraint.elements
        }
        assert (spread(table), spread(constraint.referred_table)) in pairs
        assert not constraint.deferrable


@every_table
def test_the_database_makes_no_value_by_itself(table: Table) -> None:
    for column in table.columns:
        assert column.server_default is None, column
        assert column.server_onupdate is None, column
        assert column.identity is None, column
        assert column.computed is None, column
        assert table.autoincrement_column is not column, column
        assert column.default is None or column.default.is_scalar, column


@every_table
def test_types_are_those_that_every_database_knows(table: Table) -> None:
    assert [column for column in table.columns if not isinstance(column.type, PLAIN)] == []


@every_table
def test_constraints_have_names(table: Table) -> None:
    assert [item for item in table.constraints if not item.name] == []
    assert [item for item in table.indexes if not item.name] == []


ENTRY_WITH_CARD = entry_cards.together(select(Entry.href), Card.body_3)
GOOD: dict[str, Select[*tuple[object, ...]] | Insert | Update | Delete] = {
    "a read of one person": select(Field).where(Field.owner_id == 1),
    "a read of several": select(Entry).where(Entry.viewer_id.in_([1, 2])),
    "a join inside one person": select(Group.name).join(
        Member, (Member.owner_id == Group.owner_id) & (Member.group_id == Group.id)
    ),
    "an entry and its card": ENTRY_WITH_CARD.where(Entry.viewer_id == 1),
    "an entry, its card, its bytes and its overlay": ENTRY_WITH_CARD.outerjoin(
        PrivateCard, (PrivateCard.viewer_id == Entry.viewer_id) & (PrivateCard.entry_id == Entry.id)
    ).outerjoin(Overlay, (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id)),
    "a lock inside one bucket": select(Job.id).where(Job.bucket == 1).with_for_update(skip_locked=True),
    "a value from the same people, who are named to both tables": update(Entry)
    .where(
        Entry.viewer_id.in_([1, 2]),
        AddressBook.viewer_id.in_([1, 2]),
        AddressBook.viewer_id == Entry.viewer_id,
    )
    .values(revision=AddressBook.revision),
    "what expired": delete(RateLimit).where(RateLimit.full_at < 1),
    "a row that is made of one more of the same person's": insert(Grant).values(
        owner_id=bindparam("owner"),
        field_id=select(Field.id).where(Field.owner_id == bindparam("owner")).scalar_subquery(),
    ),
    "a delete by absence": delete(Card).where(
        Card.owner_id == bindparam("owner"), ~exists().where(Connection.owner_id == bindparam("owner"))
    ),
    "a count": select(func.count()).where(Job.bucket == 1),
}
BAD: dict[str, Select[*tuple[object, ...]] | Insert | Update | Delete] = {
    "a clock of the database": update(Entry).where(Entry.viewer_id == 1).values(changed_at=func.now()),
    "a dice of the database": select(func.random()),
    "an advisory lock": select(func.pg_advisory_xact_lock(1)),
    "a lock over all buckets": select(Job.id).where(Job.due_at < 1).with_for_update(skip_locked=True),
    "a lock of what only perhaps is one bucket": select(Job.id)
    .where(or_(Job.bucket == 1, Job.due_at < 1))
    .with_for_update(),
    "a change of the spreading column": update(Job).where(Job.bucket == 1).values(bucket=2),
    "a change of another key column": update(Entry).where(Entry.viewer_id == 1).values(id=2),
    "a join of two people": select(Entry.href).join(Connection, Connection.viewer_id == Entry.viewer_id),
    "an entry and its card, for several machines": select(Entry.href, Card.body_3)
    .outerjoin(Card, (Card.owner_id == Entry.id) & (Card.id == Entry.card_id))
    .where(Entry.viewer_id == 1),
    "a card by half its key": select(Card.body_3).join(Entry, Card.owner_id == Entry.id),
    "an update from another person": update(Entry)
    .where(Entry.viewer_id == 1, Entry.id == Connection.owner_id, Connection.hidden.is_(True))
    .values(state="hidden"),
    "a value from another person": update(Entry)
    .where(Entry.viewer_id == 1)
    .values(revision=select(AddressBook.revision).where(AddressBook.viewer_id == Entry.id).scalar_subquery()),
    "a value from the same people, who are named to one table": update(Entry)
    .where(Entry.viewer_id.in_([1, 2]))
    .values(revision=select(AddressBook.revision).where(AddressBook.viewer_id == Entry.viewer_id).scalar_subquery()),
    "rows of everybody": update(Entry).where(Entry.state == "removed").values(digest=None),
    "a delete by the absence of anybody's": delete(Card).where(
        Card.owner_id == 1, ~exists().where(Connection.owner_id == Card.owner_id)
    ),
    "rows made of everybody's": insert(Grant).from_select(
        ["owner_id", "group_id", "field_id"], select(Field.owner_id, bindparam("group"), Field.id)
    ),
    "a row that is made of one more of somebody else's": insert(Grant).values(
        owner_id=bindparam("owner"),
        field_id=select(Field.id).where(Field.owner_id == bindparam("other")).scalar_subquery(),
    ),
    "no condition at all": select(Entry.href, Member.group_id),
    "rows of one person made of another's": insert(Entry).from_select(
        ["viewer_id"],
        select(Member.viewer_id).join(AddressBook, AddressBook.viewer_id == Member.viewer_id),
    ),
}


@pytest.mark.parametrize("statement", GOOD.values(), ids=GOOD)
def test_the_judge_lets_pass(statement: Select[*tuple[object, ...]]) -> None:
    assert faults(statement) == []


@pytest.mark.parametrize("statement", BAD.values(), ids=BAD)
def test_the_judge_finds(statement: Select[*tuple[object, ...]]) -> None:
    assert len(faults(statement)) == 1


@pytest.mark.parametrize(
    "sql",
    ["NOTIFY changes", "LISTEN changes", "UPDATE entry SET href = ''", "SELECT href FROM entry", "LOCK TABLE entry"],
)
def test_the_judge_finds_what_is_sent_as_text(sql: str) -> None:
    assert faults_of_text(sql) != []


@pytest.mark.parametrize("sql", ["BEGIN IMMEDIATE", "PRAGMA foreign_keys = ON", "SELECT 1", "SAVEPOINT one"])
def test_the_judge_lets_text_pass_that_changes_nothing(sql: str) -> None:
    assert faults_of_text(sql) == []


def test_letting_a_device_in_reads_one_row_each_of_one_persons_tables() -> None:
    """The statement that goes around SQLAlchemy joins its three tables by the account, which it is given."""
    words = credentials._CHECK.split()
    sources = [words[at + 1] for at, word in enumerate(words) if word in ("FROM", "JOIN")]
    assert sources == ["device", "account", "address_book"]
    conditions = " ".join(words).partition(" FROM ")[2]
    assert "JOIN account ON account.id = device.viewer_id JOIN" in conditions
    assert "JOIN address_book ON address_book.viewer_id = device.viewer_id AND address_book.id = 1 " in conditions
    assert "WHERE device.viewer_id = ? AND device.id = ? AND" in conditions
    assert not {"OR", "FOR", "UPDATE"} & set(words)


def test_letting_a_device_in_by_an_address_reads_one_more_of_the_same_persons_tables() -> None:
    """Of few people, who are given: those who share the address."""
    words = credentials._CHECK_ADDRESS.split()
    sources = [words[at + 1] for at, word in enumerate(words) if word in ("FROM", "JOIN")]
    assert sources == ["device", "account", "address_book", "address"]
    conditions = " ".join(words).partition(" FROM ")[2]
    assert "JOIN address ON address.owner_id = device.viewer_id AND" in conditions
    assert "WHERE device.viewer_id IN (?, ?, ?, ?) AND device.id = ? AND" in conditions
    assert not {"OR", "FOR", "UPDATE"} & set(words)
