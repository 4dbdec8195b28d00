"""Groups as lists, in the engine: what is told, when it changes, and that nothing of it is anybody else's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from sync import verification
from sync.books.entry_heads import EntryHead
from sync.database.engine import Database, Session
from sync.errors import InvalidInput, InvalidSyncToken, NotFound
from sync.lists import device_view, list_cards, list_view
from sync.models import Base, ListState
from sync.revisions import list_states
from sync.revisions.address_books import Book, Reached
from sync.settings import Limits, Settings
from sync.sharing import connections, groups, phone_lists
from sync.sign_in import credentials
from tests.support.factories import book_in, connected, crowd, field, group, revisions, set_field
from tests.support.statements import sent


def showing(database: Database, viewer_id: int, choice: str | None = "lists") -> int:
    """Let a device in that shows lists."""

    def let_in(session: Session) -> int:
        device_id, _ = credentials.add_device(session, viewer_id, "Phone")
        phone_lists.choose(session, viewer_id, device_id, choice)
        return device_id

    return database.write(let_in)


def book(session: Session, viewer_id: int, way: str = "cards") -> Book:
    return device_view.with_lists(session, book_in(session, viewer_id), way)


def since(database: Database, viewer_id: int, reached: Reached | None, way: str = "cards") -> list[EntryHead]:
    with database.reading() as session:
        return list(list_view.heads(session, book(session, viewer_id, way), reached))


def reached(database: Database, viewer_id: int, way: str = "cards") -> Reached:
    with database.reading() as session:
        return book(session, viewer_id, way).reached


def texts(database: Database, viewer_id: int, way: str = "cards") -> list[str]:
    with database.reading() as session:
        return [entry.text for entry in list_view.texts(session, book(session, viewer_id, way))]


@pytest.mark.parametrize("way", ["cards", "categories"])
def test_a_change_of_a_group_moves_the_lists_and_nothing_else(database: Database, way: str) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    friends = group(database, anna, "Friends", [bert])
    showing(database, anna)
    for change in (
        lambda session: groups.add_member(session, anna, friends, carl),
        lambda session: groups.rename(session, anna, friends, "Mates"),
        lambda session: groups.sort(session, anna, bert, out_of=[friends]),
        lambda session: groups.remove(session, anna, friends),
    ):
        before, plain = reached(database, anna, way), revisions(database, [anna, bert, carl])
        database.write(change)
        assert revisions(database, [anna, bert, carl]) == plain
        assert reached(database, anna, way) == before._replace(lists=before.lists + 1)
        assert since(database, anna, before, way)
        assert not since(database, anna, reached(database, anna, way), way)


def test_what_changes_nothing_of_a_list_moves_none(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, bert)
    friends = group(database, anna, "Friends", [bert])
    showing(database, anna)
    before = reached(database, anna)
    database.write(lambda session: groups.add_member(session, anna, friends, bert))
    database.write(lambda session: groups.rename(session, anna, friends, "Friends"))
    set_field(database, bert, phone, "+1 555 0101")
    group(database, bert, "Others", [anna])
    assert reached(database, anna).lists == before.lists


def test_who_shows_no_lists_has_none_and_pays_for_none(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    friends = group(database, anna, "Friends")
    with sent(database.engine) as statements:
        database.write(lambda session: groups.add_member(session, anna, friends, bert))
    assert [text for text in statements if "list_state" in text] == []
    assert len([text for text in statements if "device" in text]) == 1
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(ListState)).one() == 0
        assert list_states.revision_of(session, anna) == 0


def test_a_token_is_of_one_way_of_showing(database: Database) -> None:
    anna, _ = connected(database, "anna", "bert")
    showing(database, anna)
    with database.reading() as session:
        plain = book_in(session, anna)
        books = [plain, *(book(session, anna, way) for way in ("cards", "categories"))]
    for one in books:
        for other in books:
            if one is other:
                assert one.reached_of(one.sync_token) == one.reached
            else:
                with pytest.raises(InvalidSyncToken):
                    one.reached_of(other.sync_token)
    ahead = books[1].token_of(Reached(plain.revision, 99))
    with pytest.raises(InvalidSyncToken):
        books[1].reached_of(ahead)


def test_a_list_of_more_people_than_phones_take_names_the_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_states, "MOST_MEMBERS", 3)
    anna, *others = connected(database, "anna", "bert", "carl", "dora", "emil")
    group(database, anna, "Friends", others)
    showing(database, anna)
    (text,) = [text for text in texts(database, anna) if "FN:Friends" in text]
    assert text.count("X-ADDRESSBOOKSERVER-MEMBER") == 3
    assert sum("CATEGORIES:Friends" in text for text in texts(database, anna, "categories")) == 4


def test_the_largest_list_fits_into_a_card(database: Database) -> None:
    anna, _ = connected(database, "anna", "bert")
    uid = "0b6a1f6e-4a2e-4d5c-9a43-0d4c7c1f5a11"
    content = "\n".join(["名" * 100, *([uid] * list_states.MOST_MEMBERS)])
    for version in ("3.0", "4.0"):
        assert len(list_cards.text_of(content, version, uid, 0).encode()) < Limits().card_size
    assert anna


def test_groups_that_are_gone_are_forgotten_when_they_are_many(database_url: str) -> None:
    database = Database(database_url, Settings(limits=Limits(gone_entries=3)))
    anna, _ = connected(database, "anna", "bert")
    showing(database, anna)
    with database.reading() as session:
        epoch = book_in(session, anna).epoch
    for number in range(6):
        made = group(database, anna, f"g{number}")
        database.write(lambda session, made=made: groups.remove(session, anna, made))  # type: ignore[misc]
    with database.reading() as session:
        gone = select(func.count()).select_from(ListState).where(ListState.digest.is_(None))
        assert session.scalars(gone).one() <= 4
        assert book_in(session, anna).epoch != epoch
        assert list(verification.findings(session)) == []
    database.dispose()


def test_choices_are_checked(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    device = showing(database, anna, None)
    for viewer_id, device_id, choice, error in (
        (anna, device, "pictures", InvalidInput),
        (bert, device, "lists", NotFound),
        (anna, device + 1, "lists", NotFound),
    ):
        with pytest.raises(error):
            database.write(
                lambda session, who=viewer_id, which=device_id, how=choice: phone_lists.choose(session, who, which, how)  # type: ignore[misc]
            )


def test_proposals_are_few_and_end_with_what_they_are_about(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_lists, "MOST", 2)
    anna, bert, carl, dora = connected(database, "anna", "bert", "carl", "dora")
    friends = group(database, anna, "Friends")

    def propose(*come: int) -> int:
        database.write(lambda session: phone_lists.propose(session, anna, 1, friends, come=come, go=[]))
        with database.reading() as session:
            assert len(phone_lists.proposals(session, anna)) == phone_lists.count(session, anna)
            return phone_lists.count(session, anna)

    assert propose(bert, carl, dora) == 2
    assert propose(bert) == 2
    database.write(lambda session: groups.add_members(session, anna, friends, [bert, carl, dora]))
    assert propose() == 0
    database.write(lambda session: groups.sort(session, anna, bert, out_of=[friends]))
    database.write(lambda session: connections.disconnect(session, anna, bert))
    assert propose() == 0
    database.write(lambda session: groups.remove(session, anna, friends))
    with database.reading() as session:
        rows = session.scalars(select(func.count()).select_from(Base.metadata.tables["list_proposal"])).one()
        assert rows == 0


def test_a_list_takes_as_many_statements_for_many_people_as_for_few(database: Database) -> None:
    counts = []
    for login, count in (("anna", 5), ("ben", 60)):
        (owner, _) = connected(database, login, f"{login}s-friend")
        friends = group(database, owner, "Friends", granted=[field(database, owner)])
        crowd(database, owner, count)
        showing(database, owner)
        with database.reading() as session:
            everybody = list(connections.connected_to(session, owner))
        with sent(database.engine) as statements:
            database.write(
                lambda session, who=owner, them=everybody, which=friends: groups.add_members(session, who, which, them)  # type: ignore[misc]
            )
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_verification_finds_lists_that_are_not_those_of_the_groups(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    group(database, anna, "Friends", [bert])
    showing(database, anna)
    with database.reading() as session:
        assert list(verification.findings(session)) == []
    for values in ({"content": "x"}, {"revision": 99}, {"digest": "x"}):
        with database.writing() as session:
            session.execute(update(ListState).values(values))
            assert [str(each) for each in verification.findings(session)]
            session.rollback()


def test_lists_are_right_whatever_is_changed_at_the_same_time(database: Database) -> None:
    """Whoever switches lists on while somebody is put into a group, or taken off the phone, misses neither."""
    anna, *others = connected(database, "anna", "bert", "carl", "dora")
    friends = group(database, anna, "Friends", granted=[field(database, anna)])
    device = showing(database, anna)

    def write(change: Callable[[Session], None]) -> None:
        with contextlib.suppress(NotFound):
            database.write(change)

    def move(other: int) -> None:
        for _ in range(3):
            write(lambda session: groups.add_member(session, anna, friends, other))
            write(lambda session: connections.hide(session, anna, other))
            write(lambda session: groups.remove_member(session, anna, friends, other))
            write(lambda session: connections.show(session, anna, other))
            write(lambda session: groups.add_member(session, anna, friends, other))

    def switch() -> None:
        for choice in (None, "lists") * 3:
            write(lambda session, choice=choice: phone_lists.choose(session, anna, device, choice))  # type: ignore[misc]

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(switch), *(pool.submit(move, other) for other in others)]:
            done.result()
    with database.reading() as session:
        assert [str(each) for each in verification.findings(session)] == []
    (text,) = [text for text in texts(database, anna) if "FN:Friends" in text]
    assert text.count("X-ADDRESSBOOKSERVER-MEMBER") == 3
