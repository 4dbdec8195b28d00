"""
Lists that the database sorts, searches and cuts into pages are what Python makes of the whole list, and of no more.

`tests.support.whole_lists` is the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import delete, select, update

from sync.contacts import own_contacts
from sync.database import entry_cards
from sync.database.engine import Database, Session
from sync.errors import NotThereYet
from sync.models import CardListKey, ContactListKey, Entry, Overlay, Profile
from sync.profiles import profiles, renewing
from sync.queries import connected_people
from sync.queries.connected_people import Wanted
from sync.queries.paging import Place
from sync.sharing import connections, grants, groups
from tests.support import whole_lists
from tests.support.distribution import WAYS, read_apart, read_in
from tests.support.factories import (
    connect,
    connected,
    content,
    field,
    group,
    href_of,
    people,
    put,
    served,
    set_field,
    vcard,
)
from tests.support.meeting import show_strangers
from tests.support.statements import sent

#: Names, and a number or address that some have.
CALLED = {
    "王小明": "+86 139 0013 9000",
    "王芳": "wang.fang@Example.org",
    "吕布": "",
    "单雄信 Shan Xiongxin": "+86 10 6500 1234",
    "陈博 Chen Bo": "",
    "重庆长安汽车股份有限公司": "023-67591234",
    "Älva Berg": "+49 170 1234567",
    "adam": "",
    "Adam": "0049 (170) 999",
    "Zoe O'Neil": "zoe@example.org",
    "Ω Omega": "",
    "Мария": "",
    "+1 555": "tel",
    "100% _Bäcker[ei]*": "",
    "Ⅳ. Ludwig, der Vierte; \\ Sohn": "",
    "x" * 150: "",
    "阿" * 101: "",
    "Müller v. Lübeck": "12",
    "女娲": "",
}
LONG = [*CALLED, ""]
TEXTS = [
    *("wang", "xiaoming", "WANG XIAO MING", "ming", "wxm", "xm", "lv", "lu", "lü", "lyubu", "nv", "nvwa", "cq", "zqca"),
    *("chongqing", "zhongqing", "gongsi", "chen bo", "bo chen", "bochen", "博", "陈 博", "berg", "alva", "Ä", "a", "0"),
    *("139", "1390013", "0013-9000", "13", "+49 (170)", "@", "@EXAMPLE", "fang@", "170", "%", "_", "*", "[", "\\", "'"),
    *(
        "der vierte",
        "iv",
        "sohn;",
        "мар",
        "ω",
        "vierte ludwig",
        "  ",
        "\x1f",
        "a\x1f",
        "\0",
        "x" * 100,
        "阿" * 100,
        "aa",
    ),
    *("shan", "dan xiongxin", "p1", "p", "lubeck", "555", "12", "nobody is called so", "\n", "ß", "ﬁ"),
]


@pytest.fixture
def anna(database: Database) -> int:
    """Return somebody who knows people and has contacts of all these names, some of whom are in a group."""
    anna, *others = people(database, "anna", *(f"p{number}" for number in range(len(LONG))))
    with database.writing() as session:
        for other, name in zip(others, LONG, strict=True):
            said = [content("name", name)] if name else [content("note", "Nobody")]
            reach = CALLED.get(name, "")
            said += [content("email" if "@" in reach else "mobile", reach)] if len(reach) > 3 else []
            shown = profiles.add_fields(session, other, said)
            grants.grant(session, other, groups.find(session, other, "strangers").id, shown)
            connections.connect(session, anna, other)
    for number, name in enumerate(LONG):
        reach = CALLED.get(name, "")
        lines = [f"{'EMAIL' if '@' in reach else 'TEL'}:{reach}", "EMAIL:two@example.com"] if reach else []
        escaped = name.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
        put(database, anna, f"{number}.vcf", vcard(f"u{number}", *lines, name=escaped))
    group(database, anna, "Some", others[::3], [])
    add_to(database, anna, others[2], "TEL:+1 555 0100", "EMAIL:added@Example.net")
    add_to(database, anna, others[4], "TEL:0049 (170) 999 0")
    database.write(lambda session: connections.hide(session, anna, others[0]))
    return anna


def add_to(database: Database, viewer_id: int, owner_id: int, *lines: str) -> None:
    """Add lines to the card of somebody, as a device does."""
    entry = served(database, viewer_id, owner_id)
    assert entry is not None
    text = entry.text.replace("END:VCARD", "\r\n".join([*lines, "END:VCARD"]))
    put(database, viewer_id, href_of(database, viewer_id, owner_id), text.encode())


def some_group(database: Database, owner_id: int) -> int:
    with database.reading() as session:
        return next(each.id for each in groups.groups_of(session, owner_id) if each.name == "Some")


def turned(page_of: Callable[[Place], tuple[Sequence[int], int, int]]) -> list[int]:
    """Return the ids of all pages, turning from each to the next."""
    ids, number, pages = page_of(Place())
    found = list(ids)
    while number < pages:
        ids, number, pages = page_of(Place(number + 1, after=found[-1]))
        found += ids
    return found


def turned_back(page_of: Callable[[Place], tuple[Sequence[int], int, int]]) -> list[int]:
    """Return the ids of all pages, turning from the last to the first."""
    ids, number, _pages = page_of(Place(10**6))
    found = list(ids)
    while number > 1:
        ids, number, _pages = page_of(Place(number - 1, before=found[0]))
        found = [*ids, *found]
    return found


def wanteds(group_id: int) -> list[Wanted]:
    by = [
        Wanted(text, reached, by_number)
        for text in ("", *TEXTS)
        for reached, by_number in ((True, True), (False, False))
    ]
    return [
        *by,
        *(Wanted(text, inside=group_id) for text in ("", "wang")),
        Wanted(outside=group_id),
        Wanted("p", outside=group_id),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_people_are_sorted_and_found_as_in_the_whole_list(
    database: Database, anna: int, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 7)
    with read_in(way, database, monkeypatch), database.reading() as session:

        def page_of(place: Place) -> tuple[Sequence[int], int, int]:
            page = connected_people.page_of(session, anna, wanted, place)
            return [each.account_id for each in page.people], page.number, page.pages

        people_of = whole_lists.People(session, anna)
        for number, wanted in enumerate(wanteds(some_group(database, anna))):
            whole = people_of.ids(wanted)
            assert list(connected_people.found_among(session, anna, wanted)) == whole, wanted
            if number % 4 == 0 or not wanted.text:
                assert turned(page_of) == whole, wanted
                assert connected_people.page_of(session, anna, wanted).total == len(whole)
        for wanted in (Wanted(), Wanted(by_number=True), Wanted("a")):
            assert turned_back(page_of) == whole_lists.people(session, anna, wanted)


def test_contacts_are_sorted_and_found_as_in_the_whole_list(
    database: Database, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_contacts, "PAGE", 7)
    with database.reading() as session:

        def page_of(place: Place) -> tuple[Sequence[int], int, int]:
            page = own_contacts.page_of(session, anna, text, place, by_number=by_number)
            return [each.entry_id for each in page.contacts], page.number, page.pages

        for text in ("", *TEXTS):
            for by_number in (False, True):
                whole = whole_lists.contacts(session, anna, text, by_number=by_number)
                assert turned(page_of) == whole, text
        text, by_number = "", False
        assert turned_back(page_of) == turned(page_of)
        assert [each.entry_id for each in own_contacts.everybody(session, anna)] == turned(page_of)


@pytest.mark.parametrize("way", WAYS)
def test_every_letter_has_the_page_on_which_it_begins(
    database: Database, anna: int, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 100)
    with read_in(way, database, monkeypatch), database.reading() as session:
        called = [each.name for each in connected_people.page_of(session, anna).people]
        monkeypatch.setattr(connected_people, "PAGE", 3)
        monkeypatch.setattr(own_contacts, "PAGE", 3)
        assert connected_people.page_of(session, anna).letters == whole_lists.letters(called, 3)
        assert connected_people.page_of(session, anna, Wanted(by_number=True)).letters == {}
        contacts = [each.name for each in own_contacts.everybody(session, anna)]
        assert own_contacts.page_of(session, anna).letters == whole_lists.letters(contacts, 3)


def test_whoever_turns_pages_misses_nobody_while_others_come_and_go(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 2)
    anna, bo, carl, dora, eve, finn = connected(database, "anna", "bo", "carl", "dora", "eve", "finn")

    def page(place: Place) -> connected_people.Page:
        with database.reading() as session:
            return connected_people.page_of(session, anna, "", place)

    def ids(page: connected_people.Page) -> list[int]:
        return [each.account_id for each in page.people]

    assert ids(page(Place())) == [bo, carl]
    connect(database, anna, *people(database, "aron"))
    assert ids(page(Place(2, after=carl))) == [dora, eve]
    database.write(lambda session: connections.disconnect(session, anna, bo))
    database.write(lambda session: connections.disconnect(session, anna, dora))
    last = page(Place(3, after=eve))
    assert (ids(last), last.number, last.pages) == ([finn], 2, 2)
    back = page(Place(1, before=finn))
    assert (ids(back), back.number, back.pages) == ([carl, eve], 2, 3)
    first = page(Place(1, before=carl))
    assert (len(first.people), first.number) == (2, 1)
    # Behind somebody who is gone, nobody knows where; the number is still there.
    assert ids(page(Place(2, after=dora))) == [eve, finn]


@pytest.mark.parametrize("way", WAYS)
def test_nobody_is_found_or_sorted_by_what_is_hidden_from_whoever_looks(
    database: Database, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    anna, bo, carl = connected(database, "anna", "b1", "c1")
    connect(database, bo, carl)
    some = group(database, bo, "Some", [carl], [])
    secret = [field(database, bo, "name", "王 Geheim"), field(database, bo, "mobile", "+49 170 555666")]
    secret.append(field(database, bo, "email", "geheim@example.org"))
    texts = ("geheim", "王", "wang", "170555", "geheim@", "555666")
    show_strangers(database, carl, "name", "M")

    def found(viewer: int, text: str) -> bool:
        with read_in(way, database, monkeypatch), database.reading() as session:
            return bo in connected_people.found_among(session, viewer, Wanted(text, reached=True))

    def place(viewer: int) -> Sequence[int]:
        with read_in(way, database, monkeypatch), database.reading() as session:
            return connected_people.found_among(session, viewer)

    assert [found(anna, text) for text in texts] == [False] * 6
    database.write(lambda session: grants.grant(session, bo, some, secret))
    assert [found(carl, text) for text in texts] == [True] * 6
    assert [found(anna, text) for text in texts] == [False] * 6
    assert list(place(anna)) == [bo, carl]
    database.write(lambda session: grants.take_back(session, bo, some, secret))
    assert [found(carl, text) for text in texts] == [False] * 6
    show_strangers(database, bo, "nickname", "Zoe")
    assert list(place(anna)) == [carl, bo]
    add_to(database, carl, bo, "TEL:+86 139 777888")
    connect(database, bo, *people(database, "dora"))
    assert found(carl, "777888")
    assert not found(anna, "777888")


def test_nobody_is_found_by_a_card_that_another_machine_has_taken_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader's machine still names the card; the owner's says by now that they have another one."""
    anna, bo = connected(database, "anna", "b1")
    some = group(database, bo, "Some", [anna], [field(database, bo, "name", "Geheim")])

    def found() -> list[int]:
        with read_apart(database, monkeypatch), database.reading() as session:
            return list(connected_people.found_among(session, anna, "geheim"))

    with database.reading() as session:
        card_id = session.scalars(select(Entry.card_id).where(Entry.viewer_id == anna, Entry.id == bo)).one()
    assert found() == [bo]
    database.write(lambda session: groups.remove_member(session, bo, some, anna))
    assert found() == []
    named = update(Entry).where(Entry.viewer_id == anna, Entry.id == bo).values(card_id=card_id)
    database.write(lambda session: session.execute(named))
    monkeypatch.setattr(entry_cards, "PAUSE", 0)
    with pytest.raises(NotThereYet):
        found()


def test_what_changes_is_found_by_what_it_says_now(database: Database) -> None:
    anna, bo = connected(database, "anna", "b1")
    called = show_strangers(database, bo, "name", "Old Name")
    put(database, anna, "a.vcf", vcard("a", "TEL:1111", name="Former"))

    def found(text: str) -> tuple[int, int]:
        with database.reading() as session:
            some = connected_people.page_of(session, anna, Wanted(text, reached=True))
            return some.total, own_contacts.page_of(session, anna, text).total

    set_field(database, bo, called, "New Name", "name")
    put(database, anna, "a.vcf", vcard("a", "TEL:2222", name="Now"))
    add_to(database, anna, bo, "TEL:3333")
    assert [found(text) for text in ("old", "new", "former", "now", "1111", "2222", "3333")] == [
        *((0, 0), (1, 0), (0, 0), (0, 1), (0, 0), (0, 1), (1, 0))
    ]


def test_a_page_takes_as_many_statements_whatever_is_on_others(database: Database) -> None:
    anna, *_few = connected(database, "anna", "bo", "carl")
    put(database, anna, "a.vcf", vcard("a"))

    def counted() -> list[int]:
        asked: list[Callable[[Session], object]] = [
            lambda session: connected_people.page_of(session, anna),
            lambda session: connected_people.page_of(session, anna, Wanted("wang@", reached=True, by_number=True)),
            lambda session: own_contacts.page_of(session, anna, "wang"),
        ]
        counts = []
        for ask in asked:
            with sent(database.engine) as statements, database.reading() as session:
                ask(session)
            counts.append(len(statements))
        return counts

    few = counted()
    connect(database, anna, *people(database, *(f"more{number}" for number in range(6))))
    for number in range(6):
        put(database, anna, f"{number}.vcf", vcard(f"u{number}"))
    assert few == counted() == [4, 2, 3]


def test_what_an_earlier_release_stored_is_there_and_found_once_it_is_written_anew(
    database: Database, anna: int
) -> None:
    with database.reading() as session:
        everybody = connected_people.found_among(session, anna)
        contacts = whole_lists.contacts(session, anna)
        numbered = whole_lists.people(session, anna, Wanted(by_number=True))

    def forget(session: Session) -> None:
        session.execute(delete(CardListKey))
        session.execute(delete(ContactListKey))
        session.execute(update(Overlay).values(number_key=None, reached=None, digits=None))
        session.execute(update(Profile).values(rendering=1))

    database.write(forget)
    with database.reading() as session:
        assert set(connected_people.found_among(session, anna)) == set(everybody)
        assert {each.entry_id for each in own_contacts.everybody(session, anna)} == set(contacts)
    while renewing.work(database):
        pass
    with database.reading() as session:
        assert connected_people.found_among(session, anna) == everybody
        assert [each.entry_id for each in own_contacts.everybody(session, anna)] == contacts
        assert list(connected_people.found_among(session, anna, Wanted(by_number=True))) == numbered
