"""
Nothing that somebody can make grow grows without an end: every table has its bound, and the bound holds.

A new table is missing here until it says what bounds it.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from sync.books import entries
from sync.calendars import feeds
from sync.card_links import links as card_links
from sync.contacts import apart, duplicates, linking
from sync.database.engine import Database, Session
from sync.disclosure import disclosure_thinning, profile_thinning
from sync.errors import LimitExceeded
from sync.meeting import invitation_links
from sync.models import Base, Device, Entry
from sync.profiles import profiles
from sync.revisions import address_books, dead_properties
from sync.revisions.dead_properties import Place
from sync.settings import Limits, Settings
from sync.sharing import grants, groups
from sync.sharing.visibility import STRANGERS
from sync.sign_in import credentials, sessions
from tests.support import factories
from tests.support.databases import opened


@dataclass(frozen=True)
class Bound:
    """
    What bounds a table.

    *per*: it has at most so many rows for each row of these tables, or pair of accounts. *by*: the full names of limits
    of so many rows, of rates at which they come, or of functions that let go of them.
    """

    per: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


def per(*tables: str) -> Bound:
    """Say that there is a row at most for each combination of rows of other tables."""
    return Bound(per=tables)


def by(*names: str) -> Bound:
    """Say what limits the rows, how often they come, or lets go of them."""
    return Bound(by=names)


def limits(*names: str) -> Bound:
    """Say which limits of one person bound the rows."""
    return by(*(f"sync.settings.Limits.{name}" for name in names))


#: Two people who had to do with each other, each by their own will or within a rate of their own.
PAIR = ("account", "account")
BOUNDS = {
    "account": by("sync.sign_in.signing_up.ALL"),
    "address": limits("addresses"),
    "address_book": limits("address_books"),
    # Each is an act of an administrator's, and people cannot make them do one.
    "administrator_act": by("sync.accounts.acts.KEPT"),
    "audience": per("connection", "card_link", "membership"),
    "block": per(*PAIR),
    "browser_session": by("sync.sign_in.sessions.MOST"),
    "calendar_feed": by("sync.calendars.feeds.MOST"),
    "card": per("audience"),
    "card_link": by("sync.card_links.links.MOST"),
    "card_list_key": per("card"),
    "card_news": per("push_subscription", "connection", "membership"),
    "carried_field": by("sync.household.offers.MOST_CARRIED"),
    "connection": per(*PAIR),
    "contact_group": limits("groups"),
    "contact_list_key": per("private_card"),
    "dead_property": by("sync.revisions.dead_properties.MOST_IN_ALL"),
    "device": limits("devices"),
    "device_copy": per("device", "entry"),
    "digest": per("account"),
    "directory_member": per("account", "organisation"),
    "digest_seen": per("digest", "connection", "membership"),
    "disclosed_audience": by("sync.disclosure.disclosure_thinning.thin_out"),
    "disclosed_field": by("sync.disclosure.disclosure_thinning.thin_out"),
    "edit_conflict": by("sync.books.edit_conflicts.MOST"),
    "ending": per("contact_group", "field_grant", "field_exception", "connection"),
    "entry": limits("private_entries", "gone_entries"),
    "entry_version": limits("versions", "versions_size"),
    "errand": by("sync.notify.errands.PATIENCE"),
    "field": limits("fields", "field_size", "profile_size"),
    "field_doubt": per("field", "connection"),
    "fault": by("sync.faults.KEPT"),
    "field_exception": per("field", "connection"),
    "field_grant": per("field", "contact_group"),
    "field_state": limits("profile_states_size"),
    "given_up": by("sync.notify.given_up.KEPT"),
    "invitation": limits("requests_a_day"),
    "invitation_link": limits("links"),
    "job": by(
        "sync.revisions.fan_out.work",
        "sync.household.following.work",
        "sync.disclosure.disclosure_thinning.work",
        "sync.sign_in.deletion.work",
        "sync.revisions.roster_news.work",
    ),
    "kept_apart": by("sync.contacts.apart.MOST"),
    "linked_entry": limits("linked_entries", "linked_size"),
    "list_proposal": by("sync.sharing.phone_lists.MOST"),
    "list_state": limits("groups", "gone_entries"),
    "login_name": per("account"),
    "member": per("contact_group", "connection"),
    "membership": per("account", "organisation"),
    "merged_entry": by("sync.contacts.duplicates.MOST_UNDONE"),
    "message": by("sync.notify.outbox.work", "sync.meeting.invitations.INVITATIONS_OF_ALL"),
    "next_end": per("account"),
    "one_time_token": by("sync.accounts.one_time_tokens.purge"),
    # An administrator makes these, and nobody else.
    "organisation": by("sync.organisations.organisations.create"),
    "organisation_book": by("sync.shared_books.books.MOST"),
    "organisation_identity": per("account"),
    # One for each kind of directory.
    "organisation_look": by("sync.sign_in.told.LDAP"),
    "overlay": per("entry"),
    "own_search_key": per("field"),
    # Each is named by a card or a field that was: one of each, at most.
    "picture": per("card", "field_state"),
    "preferences": per("account"),
    "private_card": per("entry"),
    "profile": per("account"),
    "profile_state": limits("profile_states"),
    # An administrator makes these, and nobody else.
    "provisioned_account": per("account"),
    "provisioned_field": per("provisioned_account", "field"),
    "public_friend": per("connection"),
    "push_host": by("sync.push.breakers.purge", "sync.settings.Limits.push_subscriptions"),
    "push_subscription": limits("push_subscriptions"),
    "rate_limit": by("sync.accounts.rate_limits.purge"),
    "request": limits("requests_a_day"),
    "roster_change": by("sync.revisions.roster_changes.KEPT"),
    "roster_entry": per("account", "organisation"),
    # One that is there for a person of an organisation, and those that the organisation took back.
    "scim_key": per("scim_user"),
    "scim_token": by("sync.scim.tokens.MOST"),
    "scim_user": per("account"),
    "shared_access": per("account", "shared_book"),
    "shared_book": per("organisation_book"),
    "shared_change": by("sync.shared_books.past.MOST"),
    "shared_copy": per("device", "entry"),
    # Those who said no or left are noted until it is gone; of the others there are `MOST_CARRIERS`.
    "shared_field": per("field", "connection"),
    "search_key": per("own_search_key"),
    "server_secret": by("sync.database.server_keys.server_key"),
    "suppression": per("message"),
    "version_total": per("address_book"),
}


def test_every_table_says_what_bounds_it() -> None:
    tables = Base.metadata.tables.keys()
    assert sorted(tables - BOUNDS.keys()) == []
    assert sorted(BOUNDS.keys() - tables) == []


def test_every_bound_is_there() -> None:
    for table, bound in BOUNDS.items():
        assert bound.per or bound.by, table
        assert table not in bound.per
        assert set(bound.per) <= BOUNDS.keys()
        for name in bound.by:
            owner, _, last = name.rpartition(".")
            limit = (
                getattr(Limits(), last) if owner.endswith(".Limits") else getattr(importlib.import_module(owner), last)
            )
            assert limit, name


def test_no_tables_bound_each_other() -> None:
    """What is bounded by other tables is bounded in the end by something that is no table."""
    for table, bound in BOUNDS.items():
        above, seen = set(bound.per), set[str]()
        while above:
            assert table not in above
            seen |= above
            above = {other for each in above for other in BOUNDS[each].per} - seen


SMALL = Limits(
    groups=4,
    devices=3,
    address_books=4,
    gone_entries=3,
    linked_entries=2,
    links=3,
    versions=4,
    profile_states=6,
    profile_states_size=2_000,
)
OFTEN = 40
#: How many rows one person may have in the end, where that is not the limit alone.
MOST = {
    "address_book": SMALL.address_books,
    # Those in use, and as many that the person is still told of.
    "device": 2 * SMALL.devices + 1,
    # Those that are there, those of which a version is kept, those that are gone, and the person's own.
    "entry": SMALL.versions + SMALL.gone_entries + 2,
    "contact_group": SMALL.groups + 2,
    "browser_session": 3,
    "calendar_feed": 3,
    "card_link": 3,
    "dead_property": 3,
    "invitation_link": SMALL.links,
    "kept_apart": 3,
    "linked_entry": SMALL.linked_entries,
    "entry_version": SMALL.versions,
    "merged_entry": 3,
    "profile_state": SMALL.profile_states + 16,
    "field_state": SMALL.profile_states + 16 + 60,
}


@pytest.fixture
def small(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Give a database in which nobody may have much."""
    for module, name in (
        (apart, "MOST"),
        (feeds, "MOST"),
        (card_links, "MOST"),
        (sessions, "MOST"),
        (duplicates, "MOST_UNDONE"),
        (dead_properties, "MOST"),
    ):
        monkeypatch.setattr(module, name, 3)
    with opened(database_url, Settings(limits=SMALL)) as database:
        yield database


def _device(session: Session, anna: int, number: int) -> None:
    device_id, _ = credentials.add_device(session, anna, f"phone {number}")
    if number % 2:
        credentials.revoke_device(session, anna, device_id)


def _oldest_device(session: Session, anna: int, _: int) -> None:
    used = select(Device.id).where(Device.viewer_id == anna, Device.revoked_at.is_(None)).limit(1)
    for device_id in session.scalars(used):
        credentials.revoke_device(session, anna, device_id)


def _contact(session: Session, anna: int, number: int) -> int:
    href = f"{number}.vcf"
    book = factories.book_in(session, anna)
    entries.write(session, book, href, factories.vcard(f"u{number}"), factories.anyway)
    return session.scalars(select(Entry.id).where(Entry.viewer_id == anna, Entry.href == href)).one()


def _gone(session: Session, anna: int, number: int) -> None:
    _contact(session, anna, number)
    entries.remove(session, factories.book_in(session, anna), f"{number}.vcf", factories.anyway)


def _apart(session: Session, anna: int, number: int) -> None:
    apart.keep(session, anna, _contact(session, anna, 2 * number), _contact(session, anna, 2 * number + 1))


def _merged(session: Session, anna: int, number: int) -> None:
    duplicates.merge(session, anna, _contact(session, anna, 2 * number), _contact(session, anna, 2 * number + 1))


def _linked(session: Session, anna: int, number: int) -> None:
    bao = session.scalars(select(Entry.id).where(Entry.viewer_id == anna, Entry.kind == "connection")).one()
    linking.link(session, anna, _contact(session, anna, number), bao)


def _changed(session: Session, anna: int, number: int) -> None:
    book = factories.book_in(session, anna)
    card = factories.vcard("u", f"NOTE:{number}")
    entries.write(session, book, "x.vcf", card, factories.anyway)


def _said(session: Session, anna: int, number: int) -> None:
    field_id = profiles.add_field(session, anna, factories.content("note", f"note {number}"))
    profiles.remove_field(session, anna, field_id)


def _strangers(session: Session, anna: int) -> int:
    return groups.find(session, anna, STRANGERS).id


def _done(session: Session, grow: Callable[[Session, int, int], object], anna: int, number: int) -> None:
    grow(session, anna, number)


#: What a person can do again and again, by the tables that grow with it.
GROWING: dict[str, tuple[tuple[str, ...], Callable[[Session, int, int], object]]] = {
    "devices": (("device",), _device),
    "devices that are revoked": (
        ("device",),
        lambda s, anna, n: _device(s, anna, n) if n % 2 else _oldest_device(s, anna, n),
    ),
    "books": (("address_book",), lambda s, anna, n: address_books.create(s, anna, f"book {n}")),
    "contacts that go again": (("entry", "entry_version"), _gone),
    "contacts that change": (("entry_version",), _changed),
    "contacts that are kept apart": (("kept_apart",), _apart),
    "contacts that are merged": (("merged_entry", "entry_version"), _merged),
    "contacts that are linked": (("linked_entry",), _linked),
    "groups": (("contact_group",), lambda s, anna, n: groups.create(s, anna, f"group {n}")),
    "links": (("invitation_link",), lambda s, anna, n: invitation_links.create(s, anna, label=f"link {n}")),
    "card links": (
        ("card_link",),
        lambda s, anna, n: card_links.create(s, anna, _strangers(s, anna), label=f"{n}"),
    ),
    "calendars": (("calendar_feed",), lambda s, anna, n: feeds.create(s, anna, f"feed {n}", "en")),
    "browsers": (("browser_session",), lambda s, anna, _: sessions.start(s, anna, "Firefox")),
    "properties": (
        ("dead_property",),
        lambda s, anna, n: dead_properties.put(s, Place(anna, 0, 0), f"{{x}}p{n}", "<p/>"),
    ),
    "fields": (("profile_state", "field_state"), _said),
}


@pytest.mark.parametrize("what", GROWING)
def test_whoever_does_it_again_and_again_comes_to_an_end(small: Database, what: str) -> None:
    anna, _ = factories.connected(small, "anna", "bao")
    tables, grow = GROWING[what]
    for number in range(OFTEN):
        with contextlib.suppress(LimitExceeded):
            small.write(partial(_done, grow=grow, anna=anna, number=number))
    small.write(lambda session: profile_thinning.thin_out(session, anna))
    for table in tables:
        assert 0 < rows(small, table, anna) <= MOST[table]


def test_what_was_disclosed_comes_to_an_end(small: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disclosure_thinning, "_AGAIN", 0)
    anna, _ = factories.connected(small, "anna", "bao")
    note, everybody = factories.field(small, anna, "note", "n"), factories.everybody_connected(small, anna)
    for _ in range(OFTEN):
        small.write(lambda session: grants.grant(session, anna, everybody, [note]))
        small.write(lambda session: grants.take_back(session, anna, everybody, [note]))
    assert rows(small, "disclosed_field", anna) > OFTEN
    disclosure_thinning.work(small)
    assert rows(small, "disclosed_field", anna) <= 6


def rows(database: Database, name: str, person_id: int) -> int:
    """Count what is a person's in a table."""
    table: Any = Base.metadata.tables[name]
    with database.reading() as session:
        counted = select(func.count()).select_from(table).where(table.c[table.info["spread_by"]] == person_id)
        return session.scalars(counted).one()
