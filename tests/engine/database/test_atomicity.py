"""
Every function that changes something does all of it or nothing, even where its caller commits after an error.

Each is interrupted behind each of its statements, by a ``ValueError`` such as Radicale catches before it commits; then
the database must be as it was. A function that is one statement is whole with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from sqlalchemy import CompoundSelect, Table, literal_column, select, union_all, update

from sync import fields, meeting
from sync.accounts import addresses, preference_changes, registration
from sync.accounts.preference_changes import Preferences
from sync.books import doubts, entries, restoring, roster_writes
from sync.books.device_copies import Writer
from sync.books.entry_texts import EntryText
from sync.contacts import linking
from sync.database.engine import Database, Session
from sync.digests import changes, choices, rounds
from sync.digests.changes import Position
from sync.digests.rounds import Due
from sync.ends import asking, carrying, setting
from sync.ends.targets import Target
from sync.household import following, offers, parting, shares
from sync.household.pairs import Share
from sync.ldap import group_members
from sync.lists import device_view, list_cards, list_edits
from sync.meeting import introductions
from sync.meeting.first_card import FirstCard
from sync.models import BUCKETS, CONTACTS, Base, Card, Device, Digest, Entry, now
from sync.organisations import members, organisations, roster_rows
from sync.organisations.roster_rows import MemberEntry
from sync.profiles import first_photo, profiles
from sync.push import keys, subscriptions
from sync.queries import told_members
from sync.revisions import address_books, fan_out, versions
from sync.revisions.address_books import Book
from sync.settings import Settings
from sync.shared_books import access, books, layers, past, writes
from sync.shared_books import transfers as shared_transfers
from sync.sharing import connections, grants, groups, phone_lists
from sync.sharing.visibility import Adjustment
from sync.sign_in import credentials
from sync.vcard import parse_one
from tests.support import clubs, households
from tests.support.factories import (
    anyway,
    book_in,
    connect,
    content,
    crowd,
    delete,
    field,
    group,
    href_of,
    people,
    put,
    served,
    set_field,
    strangers,
    vcard,
)
from tests.support.pictures import portrait
from tests.support.push_service import PushService
from tests.support.statements import Interrupted, interrupted_after, sent
from tests.support.subscribing import wanted


@dataclass(frozen=True)
class World:
    """People and what they have, enough for every change to have something to do."""

    anna: int
    bert: int
    carl: int
    dora: int
    phone: int
    mail: int
    family: int
    chess: int
    strangers: int
    club: int
    device: int
    own: bytes
    held: bytes
    own_href: str
    held_href: str
    site: int
    carried: int
    shelf: int


#: When what ends does so, in seconds. Whoever gets a copy of it all may get it much later.
SOON = 6 * 3600
#: A database whose changes go through the outbox for more than 3 people.
SETTINGS = Settings(inline_viewers=3, chunk_viewers=4)


def stage(database: Database) -> World:
    """Make everybody, with a small crowd."""
    return make_world(database, 5)


@pytest.fixture
def database(staged: tuple[Database, World]) -> Database:
    """Return a database with everybody in it."""
    return staged[0]


@pytest.fixture
def world(staged: tuple[Database, World]) -> World:
    """Return who is in it."""
    return staged[1]


def make_world(database: Database, others: int, suffix: str = "") -> World:
    """Make Anna, whose family is Bert and *others*; Carl, whose entry Anna hid; Dora, whom nobody knows yet."""
    anna, bert, carl, dora = people(database, *(f"{name}{suffix}" for name in ("anna", "bert", "carl", "dora")))
    connect(database, anna, bert, carl)
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    family = group(database, anna, "family", [bert], [phone])
    crowd(database, anna, others, [family])
    chess = group(database, anna, "chess", [carl], [mail])
    database.write(lambda session: grants.except_person(session, anna, carl, [phone], allowed=True))
    put(database, anna, "kept.vcf", vcard("kept"))
    put(database, anna, "gone.vcf", vcard("gone"))
    delete(database, anna, "gone.vcf")
    device, _ = database.write(lambda session: credentials.add_device(session, anna, "Phone"))
    database.write(keys.ensure)
    database.write(lambda session: phone_lists.choose(session, anna, device, "lists"))
    database.write(lambda session: phone_lists.propose(session, anna, device, chess, come=[bert], go=[]))
    database.write(lambda session: connections.hide(session, anna, carl))
    database.write(lambda session: choices.want(session, bert, 8, "UTC"))
    database.write(lambda session: session.execute(update(Digest).values(next_at=1)))
    site, carried = _household(database, anna, bert, carl)
    own, held = served(database, anna, anna), served(database, bert, anna)
    assert own is not None
    assert held is not None
    soon = now() + SOON
    for target in (
        Target(group_id=chess),
        Target(group_id=family, field_id=phone),
        Target(viewer_id=carl, field_id=phone),
        Target(viewer_id=bert),
    ):
        database.write(lambda session, target=target: setting.set_end(session, anna, target, soon))  # type: ignore[misc]
    club = club_of(database, anna, [carl, dora], suffix)
    return World(
        anna,
        bert,
        carl,
        dora,
        phone,
        mail,
        family,
        chess,
        strangers(database, anna),
        club,
        device,
        own.text.encode(),
        held.text.encode(),
        own.href,
        held.href,
        site,
        carried,
        _shelf(database, club, carl, dora),
    )


def _shelf(database: Database, club: int, carl: int, dora: int) -> int:
    """Make a shared book with a contact, which Carl writes and Dora reads, who took another one off her devices."""

    def make(session: Session) -> int:
        shelf = books.create(session, club, "Customers")
        books.grant(session, shelf, carl, "writer")
        for name in ("plumber", "doctor"):
            writes.write(session, access.of_id(session, carl, shelf), f"{name}.vcf", vcard(name), anyway)
        writes.remove(session, access.of_id(session, dora, shelf), "doctor.vcf", anyway)
        return shelf

    return database.write(make)


def _write_shared(session: Session, world: World, account_id: int, name: str, *lines: str) -> None:
    book = access.of_id(session, account_id, world.shelf)
    writes.write(session, book, f"{name}.vcf", vcard(name, *lines), anyway)


def _remove_shared(session: Session, world: World, account_id: int) -> None:
    writes.remove(session, access.of_id(session, account_id, world.shelf), "plumber.vcf", anyway)


def _bring_back_shared(session: Session, world: World) -> None:
    book = access.of_id(session, world.dora, world.shelf)
    (hidden,) = layers.hidden(session, book)
    writes.bring_back(session, book, hidden)


def _move_shared(session: Session, world: World) -> None:
    source, target = access.of_id(session, world.carl, world.shelf), book_in(session, world.carl)
    shared_transfers.transfer(session, (source, "plumber.vcf"), (target, "x.vcf"), keep=False, overwrite=False)


def _household(database: Database, anna: int, bert: int, carl: int) -> tuple[int, int]:
    """Let Bert carry Anna's page, which changed since, and offer both her address, to which Carl says no."""
    site, home = (
        field(database, anna, "url", "https://example.org/a"),
        field(database, anna, "address", "1 Main Street"),
    )
    carried = households.share(database, anna, site, bert)
    for carrier in (bert, carl):
        households.offer(database, anna, home, carrier)
    database.write(lambda session: offers.decline(session, Share(anna, home, carl)))
    set_field(database, anna, site, "https://example.org/b", "url")
    return site, carried


def _home(session: Session, world: World, carrier: int) -> Share:
    """Return how Anna's address is shared with somebody."""
    found = shares.shared_by(session, world.anna)
    return next(each.share for each in found if each.share.field_id != world.site and each.share.carrier_id == carrier)


def club_of(database: Database, invited: int, joined: Sequence[int], suffix: str) -> int:
    """Make an organisation of these people, into which one more is invited."""
    club = clubs.found(database, f"Club{suffix}")
    club.invite(invited)
    for each in joined:
        club.join(each, [field(database, each)])
    return club.id


def _card(*lines: str) -> Any:
    return parse_one("\r\n".join(["BEGIN:VCARD", "VERSION:3.0", "UID:u", *lines, "END:VCARD", ""]).encode())


def _write(session: Session, viewer_id: int, href: str, data: bytes) -> object:
    return entries.write(session, book_in(session, viewer_id), href, data, anyway)


def _remove(session: Session, viewer_id: int, href: str) -> None:
    entries.remove(session, book_in(session, viewer_id), href, anyway)


def _list(session: Session, world: World) -> tuple[Book, EntryText]:
    """Return Anna's book as her phone sees it, and the list of her family in it."""
    book = device_view.with_lists(session, book_in(session, world.anna), "cards")
    return book, next(each for each in list_cards.texts(session, book, "3.0") if "FN:family" in each.text)


def _write_list(session: Session, world: World) -> None:
    book, found = _list(session, world)
    data = "\r\n".join(line for line in found.text.splitlines() if "MEMBER" not in line).encode()
    list_edits.write(session, book, found.href, data, anyway, Writer(world.anna, world.device, knows=True))


def _remove_list(session: Session, world: World) -> None:
    book, found = _list(session, world)
    list_edits.remove(session, book, found.href, anyway)


def _entry(session: Session, viewer_id: int, href: str) -> int:
    return session.scalars(select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.href == href)).one()


def _bring_back(session: Session, viewer_id: int) -> None:
    ((entry, version),) = versions.of_person(session, viewer_id)
    restoring.bring_back(session, viewer_id, entry.id, version.revision)


def _set_end(session: Session, world: World) -> None:
    setting.set_end(session, world.anna, Target(group_id=world.family), now() + 3600)


def _member(session: Session, world: World) -> MemberEntry:
    """Return Carl as Dora has him by their organisation."""
    (member,) = roster_rows.members(session, book_in(session, world.dora), None, body=Card.body_3)
    return member


def _write_member(session: Session, world: World) -> None:
    member = _member(session, world)
    text = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{member.uid}\r\n{member.body}"
    _write(session, world.dora, member.href, text.replace("END:", "NOTE:n\r\nEND:").encode())


PHONE = "TEL;TYPE=CELL:+1 555 0101"
PUSH = wanted(PushService("https://push.example.org").subscribe())
NOBODY = Preferences(connecting="nobody")
CHANGES: dict[str, Callable[[Session, World], object]] = {
    "registration.create": lambda s, _: registration.create(s, "emil"),
    "registration.set_disabled": lambda s, w: registration.set_disabled(s, w.anna, disabled=True),
    "profiles.add_field": lambda s, w: profiles.add_field(s, w.anna, content("qq", "10001234")),
    "profiles.set_field": lambda s, w: profiles.set_field(s, w.anna, w.phone, content(text="+1 555 0101")),
    "profiles.remove_field": lambda s, w: profiles.remove_field(s, w.anna, w.phone),
    "profiles.move_field": lambda s, w: profiles.move_field(s, w.anna, w.phone, 1),
    "profiles.import_card": lambda s, w: profiles.import_card(s, w.anna, _card("FN:Anna", PHONE)),
    "profiles.import_card, replacing": lambda s, w: profiles.import_card(s, w.anna, _card(PHONE), replace=True),
    "first_card.write": lambda s, w: FirstCard("zh-Hans", (content("name", "Anna"),), ()).write(s, w.dora),
    "first_photo.add": lambda s, w: first_photo.add(s, w.anna, fields.field_from_photo(portrait(1))),
    "groups.create": lambda s, w: groups.create(s, w.anna, "new"),
    "groups.create_missing": lambda s, w: groups.create_missing(s, w.anna, ["new"], ["newer"]),
    "groups.rename": lambda s, w: groups.rename(s, w.anna, w.family, "new"),
    "groups.remove": lambda s, w: groups.remove(s, w.anna, w.family),
    "groups.add_member": lambda s, w: groups.add_member(s, w.anna, w.chess, w.bert),
    "groups.add_members": lambda s, w: groups.add_members(s, w.anna, w.chess, [w.bert, w.carl]),
    "groups.sort": lambda s, w: groups.sort(s, w.anna, w.bert, into=[w.chess], out_of=[w.family]),
    "groups.remove_member": lambda s, w: groups.remove_member(s, w.anna, w.family, w.bert),
    "grants.grant": lambda s, w: grants.grant(s, w.anna, w.strangers, [w.phone, w.mail]),
    "grants.take_back": lambda s, w: grants.take_back(s, w.anna, w.family, [w.phone]),
    "grants.adjust": lambda s, w: grants.adjust(
        s, w.anna, Adjustment(frozenset({(w.strangers, w.phone)}), frozenset({(w.family, w.phone)}))
    ),
    "grants.except_fields": lambda s, w: grants.except_fields(s, w.anna, w.bert, {w.phone: False, w.mail: True}),
    "grants.except_person": lambda s, w: grants.except_person(s, w.anna, w.bert, [w.phone, w.mail], allowed=False),
    "grants.end_exceptions": lambda s, w: grants.end_exceptions(s, w.anna, {w.phone: [w.carl]}),
    "household.offer": lambda s, w: offers.offer(s, w.anna, w.phone, w.bert),
    "household.accept": lambda s, w: offers.accept(s, _home(s, w, w.bert)),
    "household.decline": lambda s, w: offers.decline(s, _home(s, w, w.bert)),
    "household.take_back": lambda s, w: parting.take_back(s, Share(w.anna, w.site, w.bert)),
    "household.leave": lambda s, w: parting.leave(s, w.bert, w.carried, keep=False),
    "household.dismiss": lambda s, w: parting.dismiss(s, w.anna, _home(s, w, w.carl)),
    "household.follow": lambda s, w: following.follow(s, Share(w.anna, w.site, w.bert)),
    "household, left": lambda s, w: profiles.remove_field(s, w.bert, w.carried),
    "doubts.doubt": lambda s, w: doubts.doubt(s, w.bert, w.anna, w.phone),
    "ends.set_end": _set_end,
    "ends.keep": lambda s, w: setting.keep(s, w.anna, Target(group_id=w.chess)),
    "ends.withdraw": lambda s, w: carrying.withdraw(s, w.anna, now() + 2 * SOON),
    "ends.all_over": lambda s, w: carrying.all_over(s, w.anna, now() + 2 * SOON),
    "ends.ask": lambda s, w: asking.ask(s, w.anna),
    "phone_lists.choose": lambda s, w: phone_lists.choose(s, w.anna, w.device, "categories"),
    "phone_lists.propose": lambda s, w: phone_lists.propose(s, w.anna, w.device, w.family, come=[], go=[w.bert]),
    "phone_lists.accept": lambda s, w: phone_lists.accept(s, w.anna, w.chess, w.bert),
    "list_edits.write": _write_list,
    "list_edits.remove": _remove_list,
    "connections.connect": lambda s, w: connections.connect(s, w.anna, w.dora),
    "connections.disconnect": lambda s, w: connections.disconnect(s, w.anna, w.bert),
    "connections.hide": lambda s, w: connections.hide(s, w.bert, w.anna),
    "connections.show": lambda s, w: connections.show(s, w.anna, w.carl),
    "members.invite": lambda s, w: members.invite(s, w.club, w.bert),
    "members.join": lambda s, w: members.join(s, w.club, w.anna, [w.phone]),
    "members.leave": lambda s, w: members.leave(s, w.club, w.dora),
    "a group of a directory": lambda s, w: group_members._bring(s, w.anna, w.club),
    "told_members.choose": lambda s, w: told_members.choose(s, w.dora, w.club, by_digest=True, in_browsers=True),
    "members.leave_all": lambda s, w: members.leave_all(s, w.dora),
    "members.set_away": lambda s, w: members.set_away(s, w.dora, away=True),
    "organisations.change": lambda s, w: organisations.change(s, w.club, "Company", ["mobile"]),
    "entries.write, member": _write_member,
    "entries.hide_person": lambda s, w: roster_writes.hide_person(s, w.dora, w.carl),
    "entries.remove, member": lambda s, w: _remove(s, w.dora, _member(s, w).href),
    "entries.offer_again, member": lambda s, w: entries.offer_again(s, book_in(s, w.dora), _member(s, w).href),
    "shared_books.create": lambda s, w: books.create(s, w.club, "Doctors"),
    "shared_books.remove": lambda s, w: books.remove(s, w.shelf),
    "shared_books.rename": lambda s, w: books.rename(s, w.shelf, "Doctors"),
    "shared_books.write, new": lambda s, w: _write_shared(s, w, w.carl, "new"),
    "shared_books.write, changed": lambda s, w: _write_shared(s, w, w.carl, "plumber", "NOTE:n"),
    "shared_books.write, own": lambda s, w: _write_shared(s, w, w.dora, "new"),
    "shared_books.write, over": lambda s, w: _write_shared(s, w, w.dora, "plumber", "NOTE:n"),
    "shared_books.write, back": lambda s, w: _write_shared(s, w, w.dora, "doctor", "NOTE:n"),
    "shared_books.remove, contact": lambda s, w: _remove_shared(s, w, w.carl),
    "shared_books.by_writer": lambda s, w: past.by_writer(
        s, w.carl, w.shelf, lambda session: _remove_shared(session, w, w.carl)
    ),
    "shared_books.hide": lambda s, w: _remove_shared(s, w, w.dora),
    "shared_books.bring_back": _bring_back_shared,
    "shared_books.transfer": _move_shared,
    "shared_books.offer_again": lambda s, w: writes.offer_again(s, access.of_id(s, w.dora, w.shelf), "plumber.vcf"),
    "preferences.set_preferences": lambda s, w: preference_changes.set_preferences(
        s, w.anna, Preferences(connecting="nobody")
    ),
    "preferences.set_newcomers_group": lambda s, w: preference_changes.set_newcomers_group(s, w.anna, w.family),
    "addresses.add": lambda s, w: addresses.add(s, w.anna, "email", "anna@example.org"),
    "meeting.ask": lambda s, w: meeting.ask(s, w.anna, w.dora, "Hello"),
    "meeting.block": lambda s, w: meeting.block(s, w.anna, w.bert),
    "meeting.disconnect": lambda s, w: meeting.disconnect(s, w.anna, w.bert, keep=True),
    "sideways.introduce": lambda s, w: introductions.introduce(s, w.anna, w.bert, w.carl),
    "linking.link": lambda s, w: linking.link(s, w.anna, _entry(s, w.anna, "kept.vcf"), w.bert),
    "restoring.bring_back": lambda s, w: _bring_back(s, w.anna),
    "entries.write, new": lambda s, w: _write(s, w.anna, "new.vcf", vcard("new")),
    "entries.write, changed": lambda s, w: _write(s, w.anna, "kept.vcf", vcard("kept", "NOTE:n")),
    "entries.write, back": lambda s, w: _write(s, w.anna, "gone.vcf", vcard("gone")),
    "entries.write, own card": lambda s, w: _write(s, w.anna, w.own_href, w.own.replace(b"8000", b"8001")),
    "entries.write, overlay": lambda s, w: _write(s, w.bert, w.held_href, w.held.replace(b"END:", b"NOTE:n\r\nEND:")),
    "entries.remove, private": lambda s, w: _remove(s, w.anna, "kept.vcf"),
    "entries.remove, connection": lambda s, w: _remove(s, w.bert, w.held_href),
    "entries.remove, own card": lambda s, w: _remove(s, w.anna, w.own_href),
    "entries.offer_again": lambda s, w: entries.offer_again(s, book_in(s, w.bert), w.held_href),
    "credentials.add_device": lambda s, w: credentials.add_device(s, w.anna, "Tablet"),
    "credentials.revoke_device": lambda s, w: credentials.revoke_device(s, w.anna, w.device),
    "credentials.set_password": lambda s, w: credentials.set_password(s, w.anna, "correct horse"),
    "digests.want": lambda s, w: choices.want(s, w.anna, 8, "UTC"),
    "digests.stop": lambda s, w: choices.stop(s, w.bert),
    "digests.note": lambda s, w: changes.note(s, w.bert, Position(10**6, {w.anna: 10**6})),
    "digests.post": lambda s, w: rounds.post(s, [Due(w.bert, 8, "UTC", 1, None)]),
    "address_books.begin_new_epoch": lambda s, _: address_books.begin_new_epoch(s),
    "address_books.set_title": lambda s, w: address_books.set_title(s, book_in(s, w.anna), "Friends"),
    "address_books.set_me_card": lambda s, w: address_books.set_me_card(s, w.anna, "other.vcf"),
    "push.rotate": lambda s, _: keys.rotate(s),
    "push.register": lambda s, w: subscriptions.register(s, w.anna, w.device, CONTACTS, PUSH),
}
#: One statement each, and so whole once it was executed.
SINGLE: dict[str, Callable[[Session, World], object]] = {
    "ends.let_end": lambda s, w: setting.let_end(s, w.anna, Target(group_id=w.chess)),
    "phone_lists.dismiss": lambda s, w: phone_lists.dismiss(s, w.anna, w.chess, w.bert),
    "members.set_administrator": lambda s, w: members.set_administrator(s, w.club, w.dora, is_one=True),
    "organisations.create": lambda s, _: organisations.create(s, "Company"),
    "organisations.remove": lambda s, w: organisations.remove(s, w.club),
    "shared_books.grant": lambda s, w: books.grant(s, w.shelf, w.dora, "writer"),
    "shared_books.take_back": lambda s, w: books.take_back(s, w.shelf, w.carl),
    "shared_books.set_everybody": lambda s, w: books.set_everybody(s, w.shelf, "writer"),
    "shared_books.show": lambda s, w: access.show(s, w.anna, w.device, choice=True),
    "push.end": lambda s, w: subscriptions.end(s, w.anna),
    "push.end_of_book": lambda s, w: subscriptions.end_of_book(s, w.anna, CONTACTS),
}


@cache
def _everything(*, is_sqlite: bool) -> CompoundSelect[Any]:
    def text_of(table: Table) -> Any:
        quoted = [f'quote("{column.name}")' for column in table.columns]
        return literal_column(" || '|' || ".join(quoted) if is_sqlite else "of_it::text")

    tables = Base.metadata.sorted_tables
    return union_all(
        *(select(literal_column(f"'{each.name}'"), text_of(each)).select_from(each.alias("of_it")) for each in tables)
    )


def content_of(database: Database) -> list[tuple[Any, ...]]:
    """Return every row of every table as text, behind the name of the table."""
    with database.reading() as session:
        return sorted(map(tuple, session.execute(_everything(is_sqlite=database.is_sqlite))))


def statements_of(database: Database, world: World, change: Callable[[Session, World], object]) -> int:
    """Count the statements of a change, which is taken back."""
    with sent(database.engine) as statements, database.writing() as session:
        change(session, world)
        session.rollback()
    return len(statements)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_that_is_interrupted_anywhere_leaves_nothing_behind(
    database: Database, world: World, change: Callable[[Session, World], object]
) -> None:
    count = statements_of(database, world, change)
    assert count > 1
    before = content_of(database)
    for number in range(1, count + 1):
        with database.writing() as session, interrupted_after(database.engine, number), pytest.raises(Interrupted):
            change(session, world)
        assert content_of(database) == before, f"after statement {number} of {count}"
    database.write(lambda session: change(session, world))
    assert content_of(database) != before


@pytest.mark.parametrize("change", SINGLE.values(), ids=SINGLE)
def test_a_change_of_one_statement_is_whole(
    database: Database, world: World, change: Callable[[Session, World], object]
) -> None:
    with sent(database.engine) as statements:
        database.write(lambda session: change(session, world))
    assert len([text for text in statements if not text.startswith("SELECT")]) == 1


def test_a_chunk_of_the_outbox_that_is_interrupted_is_done_again_in_full(database: Database, world: World) -> None:
    set_field(database, world.anna, world.phone, "+1 555 0101")
    before = content_of(database)

    def carry(session: Session, world: World) -> object:
        for bucket in range(BUCKETS):
            claim = fan_out._claim(session, bucket, now())
            if claim is not None:
                return fan_out.carry(session, claim)
        raise AssertionError

    for number in range(1, statements_of(database, world, carry) + 1):
        with (
            interrupted_after(database.engine, number),
            pytest.raises(Interrupted),
        ):
            database.write(lambda session: carry(session, world))
        assert content_of(database) == before
    assert fan_out.work(database) == 6


def test_a_change_inside_a_failed_one_is_taken_back_with_it(database: Database, world: World) -> None:
    before = content_of(database)

    def both(session: Session) -> None:
        with session.begin_nested():
            profiles.set_field(session, world.anna, world.phone, content(text="+1 555 0101"))
            groups.create(session, world.anna, "family")

    with database.writing() as session, pytest.raises(Exception, match="family"):
        both(session)
    assert content_of(database) == before
    with database.reading() as session:
        assert session.scalars(select(Device.id)).all() == [world.device]
    assert href_of(database, world.bert, world.anna) == world.held_href
