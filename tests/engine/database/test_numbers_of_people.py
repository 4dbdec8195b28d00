"""
No change takes more statements where more people are concerned: whatever grows with them is done by the set.

Each changing function of the engine is run with 10 and with 100 people in every place in which people can be:
connected, in a group, with exceptions of their own, asking, asked, published and blocked.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection, Iterator
from types import CodeType, FrameType
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from sync import jobs, meeting
from sync.accounts import one_time_tokens, preference_changes, pushes, rate_limits
from sync.books import doubts
from sync.calendars import feeds
from sync.card_links import links as card_links
from sync.contacts import linking
from sync.database.engine import Database, Session
from sync.digests import changes as digest_changes
from sync.digests import choices, rounds
from sync.digests.changes import Position
from sync.digests.rounds import Due
from sync.disclosure import disclosure_thinning
from sync.meeting import introductions, requests
from sync.models import (
    BUCKETS,
    CONTACTS,
    IN,
    OUT,
    WAITING,
    Block,
    Connection,
    FieldException,
    PublicFriend,
    Request,
    RosterEntry,
    now,
)
from sync.organisations import members, pair_entries
from sync.pictures import keeping
from sync.profiles import profiles, renewing
from sync.queries import contact_pages
from sync.revisions import address_books, entry_writes, fan_out, link_revisions, rosters, tombstones, versions
from sync.revisions.address_books import PRESENT
from sync.shared_books import access, past
from sync.sharing import changes, connections, grants, groups, history, search_keys
from sync.sharing.visibility import CONNECTIONS, fields_of
from sync.sign_in import credentials, deletion, sessions
from tests.engine.database.test_atomicity import CHANGES, PHONE, SINGLE, World, _card, make_world
from tests.support.changing import changing
from tests.support.factories import book_in, content, crowd
from tests.support.statements import sent

FEW, MANY = 10, 100
#: What is not tried here, by the beginnings of names, and why it may do without.
EXEMPT = {
    "sync.accounts.addresses.": "is about the addresses of one person, of which they have few",
    "sync.sign_in.administrators.": "is about one person, whom an administrator looks after",
    "sync.sign_in.organisation_administrators.": "is about one member, and all are told by one statement",
    "sync.sign_in.identities.": "is about one person of an organisation, each in a transaction of their own",
    "sync.scim.": "is about one person of an organisation, or about one token",
    "sync.ldap.looking.": "is about each person in a transaction of their own, and looks once an hour",
    "sync.ldap.group_members.": "is about each person in a transaction of their own, and looks once an hour",
    "sync.ldap.arriving.": "is about one person who comes",
    "sync.openid.arriving.": "is about one person of an organisation, each in a transaction of their own",
    "sync.sign_in.deletion.": "parts with one person after the other until its time is over; its pieces are tried",
    "sync.accounts.acts.": "is about one act; what is too old goes by one statement",
    "sync.accounts.preference_changes.keep_language": "is about one person",
    "sync.accounts.one_time_tokens.": "is about one token",
    "sync.sign_in.password_reset.": "is about one person's password",
    "sync.sign_in.provisioning.": "is about one person on a list, each in a transaction of their own",
    "sync.sign_in.signing_": "is about one person who signs in or up",
    "sync.books.edit_conflicts.": "is about one entry of one person",
    "sync.books.entry_rows.leave_nothing": "is about one entry of one person",
    "sync.export.exporting.": "reads; only what it counts is written",
    "sync.contacts.importing.": "stores one contact after the other until its time is over",
    "sync.books.late_edits.": "is about one entry of one person",
    "sync.contacts.apart.": "is about two contacts of one person",
    "sync.contacts.duplicates.": "is about two contacts of one person",
    "sync.contacts.editing.": "is about one contact of one person",
    "sync.contacts.own_contacts.": "is about one entry of one person",
    "sync.contacts.own_entries.": "is about one contact of one person",
    "sync.books.transfers.": "is about one entry of one person",
    "sync.database.": "is about no person",
    "sync.digests.choices.stop_by_token": "is about one person, as what it calls is",
    "sync.digests.choices.check": "reads",
    "sync.digests.rounds.compose": "reads, and what it has noted later is tried",
    "sync.digests.rounds.work": "is a transaction for each chunk, which is tried",
    "sync.discovery.": "reads; only what it counts is written",
    "sync.ends.asking.work": "is a transaction for each person",
    "sync.ends.carrying.carry_out": "is a transaction for each connection that is over, and one for the rest",
    "sync.ends.carrying.work": "is a transaction for each person",
    "sync.household.following.settle": "is a transaction for each of the few who carry something",
    "sync.household.following.work": "is a transaction for each of the few who carry something",
    "sync.organisations.roster_tombstones.let_go": "is a transaction for each organisation",
    "sync.organisations.members.tidy": "is a transaction for each member",
    "sync.meeting.invitations.": "is about one invitation to one address",
    "sync.meeting.invitation_links.": "is about one link, and whoever follows it",
    "sync.meeting.mass_invitations.": "is about the addresses that one may paste at once, each looked up by itself",
    "sync.meeting.organisation_invitations.": "is about one person who is found",
    "sync.meeting.sent_forms.": "is about one form",
    "sync.meeting.used_invitations.": "is about one invitation",
    "sync.meeting.request_lists.": "is about one request, as what it calls is",
    "sync.meeting.request_messages.send": "is about one message to one person",
    "sync.meeting.direct.answer": "is about two people, as what it calls is",
    "sync.notify.": "is about one message to one address",
    "sync.push.": "is about the registrations of one person, or about a few that are told at once",
    "sync.profiles.field_rows.fill_field": "is about one field",
    "sync.profiles.organisation_fields.fill": "is about the fields of one person",
    "sync.profiles.first_photo.": "is about one field",
    "sync.profiles.renewing.work": "is a transaction for each person",
    "sync.profiles.taking_apart.work": "is a transaction for each person",
    "sync.copying.": "puts a whole database back that nobody uses",
    "sync.revisions.dead_properties.": "is about one resource of one person",
    "sync.verification.late.": "is about one entry of one person",
    "sync.verification.repair": "is a transaction for each entry",
    "sync.faults.": "is about one job or one person, those who failed before, or one statement for all of them",
    "sync.jobs.take": "is a transaction for each job",
    "sync.disclosure.disclosure_thinning.thin_out": "is a transaction for each chunk of rows",
    "sync.disclosure.disclosure_thinning.work": "is a transaction for each chunk of rows",
    "sync.revisions.roster_news.work": "is a transaction for each chunk",
    "sync.shared_books.telling.work": "is a transaction for each chunk",
    "sync.revisions.roster_news.tell": "is a transaction for each chunk",
    "sync.shared_books.books.tidy": "is a transaction for each book",
    "sync.shared_books.copies.": "is about one device",
    "sync.revisions.fan_out.work": "is a transaction for each chunk, which is tried",
    "sync.worker.": "does what the others do",
}


def _connections_of(session: Session, owner_id: int) -> list[int]:
    found = session.scalars(select(Connection.viewer_id).where(Connection.owner_id == owner_id))
    return sorted(found)


def _carry(session: Session, world: World) -> None:
    held = select(Connection.audience_id).where(Connection.owner_id == world.anna)
    card_id = session.scalars(held.where(Connection.viewer_id == world.bert)).one()
    fan_out.defer(session, world.anna, [card_id], now())
    claim = fan_out._claim(session, world.anna % BUCKETS, now())
    assert claim is not None
    assert fan_out.carry(session, claim)[0] > FEW


def _note_copy(session: Session, world: World) -> None:
    found = entry_writes.look(session, book_in(session, world.anna), "kept.vcf", world.device).entry
    assert found is not None
    entry_writes.note_copy(session, found, world.device, b"another card")


def _defer(session: Session, world: World) -> None:
    held = select(Connection.audience_id).distinct().where(Connection.owner_id == world.anna)
    fan_out.defer(session, world.anna, session.scalars(held).all(), now())


def _everybody(session: Session, world: World) -> int:
    return groups.find(session, world.anna, CONNECTIONS).id


def _shown(session: Session, world: World) -> tuple[int, list[int]]:
    """Return by which group Carl shows something to his organisation, and which field that is."""
    (belonging,) = members.belongings(session, world.carl)
    assert belonging.group_id is not None
    return belonging.group_id, [each.id for each in fields_of(session, world.carl)]


def _regroup(session: Session, world: World) -> None:
    with changes.change(session, world.anna) as under_way:
        session.execute(delete(FieldException).where(FieldException.owner_id == world.anna))
        connections.regroup(under_way, world.anna, _connections_of(session, world.anna))


def _restored(session: Session, world: World) -> None:
    CHANGES["shared_books.write, changed"](session, world)
    last = past.changes(session, world.shelf)[0]
    past.restore(session, access.base(session, world.shelf), world.carl, last.entry_id, last.before)


Change = Callable[[Session, World], object]


def _then(*steps: Change) -> Change:
    def change(session: Session, world: World) -> None:
        for step in steps:
            step(session, world)

    return change


MORE: dict[str, Change] = {
    "all into a group": lambda s, w: groups.add_members(s, w.anna, w.chess, _connections_of(s, w.anna)),
    "all to another card": _regroup,
    "shown to all": lambda s, w: grants.grant(s, w.anna, _everybody(s, w), [w.phone, w.mail]),
    "a field with exceptions goes": lambda s, w: profiles.remove_field(s, w.anna, w.mail),
    "render_anew": lambda s, w: changes.render_anew(s, w.anna),
    "renew": lambda s, w: renewing.renew(s, w.anna),
    "what lists know": lambda s, w: contact_pages.write_anew(s, w.anna, 0),
    "settle": lambda s, w: profiles.settle(s, w.anna, content(text="+86 138 0013 8000"), None),
    "add_fields": lambda s, w: profiles.add_fields(s, w.anna, [content("qq", "100001"), content("qq", "100002")]),
    "edit_card": lambda s, w: profiles.edit_card(s, w.anna, _card("FN:Anna", PHONE), lambda _version: None),
    "an earlier profile": lambda s, w: profiles.restore(s, w.anna, history.states(s, w.anna)[-1].version),
    "a chunk": _carry,
    "a job for each card": _defer,
    "deletion begins": lambda s, w: deletion._begin(s, w.anna),
    "deletion ends": lambda s, w: deletion._forget(s, w.anna),
    "found by nobody": lambda s, w: search_keys.forget(s, w.anna),
    "a public friend": _then(
        lambda s, w: introductions.publish(s, w.anna, w.bert),
        lambda s, w: introductions.unpublish(s, w.anna, w.bert),
    ),
    "a block": _then(
        lambda s, w: meeting.block(s, w.anna, w.bert),
        lambda s, w: meeting.unblock(s, w.anna, w.bert),
    ),
    "a request that is taken back": _then(
        lambda s, w: meeting.ask(s, w.anna, w.dora),
        lambda s, w: requests.withdraw(s, w.anna, w.dora),
    ),
    "a request with a yes": _then(
        lambda s, w: meeting.ask(s, w.dora, w.anna),
        lambda s, w: requests.confirm(s, w.anna, w.dora),
    ),
    "a request with a no": _then(
        lambda s, w: meeting.ask(s, w.dora, w.anna),
        lambda s, w: requests.decline(s, w.anna, w.dora),
        lambda s, w: requests.refuse(s, w.anna, w.dora),
        lambda s, w: requests.allow_again(s, w.anna, w.dora),
    ),
    "anyone may connect": _then(
        lambda s, w: preference_changes.change_preferences(s, w.anna, connecting="anyone"),
        lambda s, w: meeting.connect_directly(s, w.dora, w.anna),
    ),
    "a question": _then(
        lambda s, w: preference_changes.set_question(s, w.anna, "Where did we meet?", "At sea"),
        lambda s, w: preference_changes.remove_question(s, w.anna),
    ),
    "decided": _then(
        lambda s, w: preference_changes.decide_about_number(s, w.anna, found=True),
        lambda s, w: preference_changes.set_language(s, w.anna, "en"),
    ),
    "another book": lambda s, w: address_books.remove(s, address_books.create(s, w.anna, "more")),
    "a book that is described": _then(
        lambda s, w: address_books.set_description(s, book_in(s, w.anna), "Everybody"),
        lambda s, w: address_books.remove_title(s, book_in(s, w.anna)),
        lambda s, w: address_books.set_me_card(s, w.anna, w.own_href),
    ),
    "what was disclosed": _then(
        lambda s, w: disclosure_thinning.ask(s, w.anna, 32, now()),
        lambda s, w: jobs.renew(s, disclosure_thinning.THINNING, w.anna),
        lambda s, w: jobs.done(s, disclosure_thinning.THINNING, w.anna),
    ),
    "what a shared contact was": _restored,
    "what a device has": _note_copy,
    "what is gone": lambda s, w: tombstones.let_go(s, w.anna, CONTACTS),
    "fewer versions": lambda s, w: versions.thin_out(s, w.anna),
    "a contact that was linked": _then(
        CHANGES["linking.link"], lambda s, w: linking.unlink(s, w.anna, linking.links_of(s, w.anna)[0].entry_id)
    ),
    "a browser": _then(
        lambda s, w: sessions.start(s, w.anna, "Firefox"),
        lambda s, w: sessions.end(s, w.anna, sessions.sessions_of(s, w.anna)[0].id),
    ),
    "a doubt that is dismissed": _then(
        lambda s, w: doubts.doubt(s, w.bert, w.anna, w.phone), lambda s, w: doubts.dismiss(s, w.anna, w.phone)
    ),
    "a card link": lambda s, w: card_links.end(s, w.anna, card_links.create(s, w.anna, w.chess)),
    "what a card link shows": _then(
        lambda s, w: card_links.create(s, w.anna, w.chess),
        lambda s, w: grants.grant(s, w.anna, w.chess, [w.phone]),
        lambda s, w: profiles.set_field(s, w.anna, w.phone, content("mobile", "+49 170 5550177")),
        lambda s, w: link_revisions.offer_again(s, w.anna, card_links.links_of(s, w.anna)[0].id, 1),
    ),
    "a member who is hidden and shown": _then(
        lambda s, w: pair_entries.hide(s, w.dora, w.carl), lambda s, w: pair_entries.show(s, w.dora, w.carl)
    ),
    "a member who is blocked": _then(
        lambda s, w: meeting.block(s, w.dora, w.carl), lambda s, w: meeting.unblock(s, w.dora, w.carl)
    ),
    "what a member shows": _then(
        lambda s, w: grants.take_back(s, w.carl, *_shown(s, w)), lambda s, w: grants.grant(s, w.carl, *_shown(s, w))
    ),
    "who left": lambda s, w: rosters.let_go(s, w.club, [w.dora]),
    "a member's number": lambda s, w: profiles.set_field(
        s, w.carl, _shown(s, w)[1][0], content("mobile", "+49 170 5550177")
    ),
    "a device that is set up twice": _then(
        lambda s, w: credentials.add_device(s, w.anna, "Phone", "seed"),
        lambda s, w: credentials.made_with(s, w.anna, "seed"),
    ),
    "a calendar": lambda s, w: feeds.end(s, w.anna, feeds.create(s, w.anna, "Phone", "en")[0]),
    "a digest": _then(
        lambda s, w: choices.want(s, w.anna, 8, "UTC"),
        lambda s, w: digest_changes.note(s, w.anna, Position(10**6, digest_changes._versions(s, w.anna, 0))),
        lambda s, w: rounds.post(s, [Due(w.anna, 8, "UTC", 1, None)]),
        lambda s, w: digest_changes.forget(s, w.anna),
        lambda s, w: digest_changes.begin(s, w.anna),
        lambda s, w: choices.stop(s, w.anna),
    ),
    "all browsers": lambda s, w: sessions.end_all(s, w.anna),
    "messages to a push service": lambda s, w: pushes.afford(s, w.anna, "push.example.org", 100),
    "what expired": _then(
        lambda s, _: sessions.purge(s), lambda s, _: one_time_tokens.purge(s), lambda s, _: rate_limits.purge(s)
    ),
}


def make(database: Database, count: int, suffix: str = "") -> World:
    """Make a world with *count* people wherever there may be people, some of them each in an audience of their own."""
    world = make_world(database, count, suffix)
    mine = crowd(database, world.anna, count, [world.chess])
    # Nobody joins these tables to accounts, so that any ids will do.
    strangers = list(range(1, count + 1))

    def populate(session: Session) -> None:
        some = profiles.add_fields(
            session, world.anna, [content("qq", f"1000{bit}") for bit in range(MANY.bit_length())]
        )
        pairs = [
            (each, id_) for number, each in enumerate(mine, 1) for bit, id_ in enumerate(some) if number >> bit & 1
        ]
        rows: list[dict[str, object]]
        rows = [{"owner_id": world.anna, "viewer_id": each, "field_id": id_, "allowed": True} for each, id_ in pairs]
        session.execute(insert(FieldException), rows)
        with changes.change(session, world.anna) as under_way:
            connections.regroup(under_way, world.anna, mine)
        friends = [{"owner_id": world.anna, "friend_id": each, "published_at": 1} for each in mine]
        session.execute(insert(PublicFriend), friends)
        session.execute(
            insert(Block), [{"owner_id": world.anna, "other_id": each, "blocked_at": 1} for each in strangers]
        )
        row = {"organisation_id": world.club, "state": PRESENT, "card_id": None, "revision": 1, "changed_at": 1}
        session.execute(insert(RosterEntry), [{"owner_id": each, **row} for each in strangers])
        asked = {"state": WAITING, "message": "", "asked_at": 1, "introducer_id": None}
        for direction in (IN, OUT):
            rows = [{"owner_id": world.anna, "direction": direction, "other_id": each, **asked} for each in strangers]
            session.execute(insert(Request), rows)

    database.write(populate)
    return world


def statements_of(database: Database, world: World, change: Change) -> int:
    """Count the statements of a change, which is taken back."""
    with sent(database.engine) as statements, database.writing() as session:
        change(session, world)
        session.rollback()
    return len(statements)


@contextlib.contextmanager
def run(codes: Collection[CodeType]) -> Iterator[set[CodeType]]:
    """Yield a set of those of these functions that are run inside the block."""
    found: set[CodeType] = set()

    def note(frame: FrameType, what: str, _value: Any) -> None:
        if what == "call" and frame.f_code in codes:
            found.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


@pytest.mark.timeout(600)
def test_no_change_takes_more_statements_for_more_people(database: Database) -> None:
    cases = CHANGES | SINGLE | MORE
    counted: list[dict[str, int]] = []
    # What a process looks for once is known.
    database.write(keeping.are_apart)
    for suffix, count in (("", FEW), ("2", MANY)):
        world = make(database, count, suffix)
        counted.append({name: statements_of(database, world, change) for name, change in cases.items()})
    few, many = counted
    assert {name: (few[name], many[name]) for name in cases if few[name] != many[name]} == {}


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_every_function_that_changes_something_is_tried(database: Database) -> None:
    known = {function.__code__: name for name, function in changing().items() if not name.startswith(tuple(EXEMPT))}
    with run(known.keys()) as tried:
        world = make(database, FEW)
        for change in (CHANGES | SINGLE | MORE).values():
            statements_of(database, world, change)
    missing = sorted(name for code, name in known.items() if code not in tried)
    assert not missing, "\n".join(missing)


def test_every_exemption_is_needed() -> None:
    names = changing()
    assert [each for each in EXEMPT if not any(name.startswith(each) for name in names)] == []
