"""Birthdays as a calendar: what its person may see at the moment of each fetch, and nothing without its secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import icalendar
import pytest
from sqlalchemy import event

from sync.books import roster_writes
from sync.calendars import feeds
from sync.sharing import connections, grants
from sync.sign_in import credentials, deletion
from tests.acceptance.clients import apple_user, davx5_user
from tests.acceptance.clients.apple_devices import IPhone
from tests.acceptance.clients.davx5 import Local
from tests.acceptance.clients.lines import Line
from tests.acceptance.clients.wire import Wire
from tests.portal.conftest import Cast
from tests.support import clubs
from tests.support.factories import connected, delete, field, group, href_of, person, put, set_field, vcard
from tests.support.forms import ORIGIN, ROOT, Page, Visitor
from tests.support.site import Site, Transport


class Feed:
    """What a calendar program has: an address, and no cookie."""

    def __init__(self, site: Site, address: str) -> None:
        self._visitor = Visitor(site)
        self.path = address.removeprefix(ORIGIN + ROOT)
        self.page: Page = self.fetch()

    def fetch(self, etag: str = "") -> Page:
        """Fetch it, unless it is still what had this ETag."""
        self.page = self._visitor.get(self.path, **({"If-None-Match": etag} if etag else {}))
        return self.page

    @property
    def etag(self) -> str:
        """The ETag of what was fetched last."""
        return self.page.response.headers["ETag"]

    def days(self) -> dict[str, tuple[date, str]]:
        """Fetch, read with another library, and return first day and rule by what each event says."""
        events: Any = icalendar.Calendar.from_ical(self.fetch().response.text).walk("VEVENT")
        return {str(each["summary"]): (each["dtstart"].dt, each["rrule"].to_ical().decode()) for each in events}


@pytest.fixture
def people(site: Site) -> tuple[int, int]:
    """Anna and Bert, who are connected."""
    anna, bert = connected(site.database, "anna", "bert")
    return anna, bert


def made(site: Site, person: int, *, language: str = "en", private: bool = False, members: bool = False) -> Feed:
    visitor = Visitor(site, language=language).signed_in(person)
    values = {
        "label": "phone",
        **({"with_private": "y"} if private else {}),
        **({"with_members": "y"} if members else {}),
    }
    page = visitor.get("/calendars/").submit("/calendars/", **values)
    assert page.status == 200
    (address,) = page.document.xpath("//input[@id='address']/@value")
    (subscribe,) = page.document.xpath("//a[starts-with(@href, 'webcal:')]/@href")
    assert str(subscribe).partition(":")[2] == str(address).partition(":")[2]
    return Feed(site, str(address))


def test_a_calendar_has_what_was_granted_and_loses_what_is_taken_back(site: Site, people: tuple[int, int]) -> None:
    anna, bert = people
    birthday = field(site.database, bert, "birthday", "1980-02-29")
    wedding = field(site.database, bert, "anniversary", "2005-06-18")
    feed = made(site, anna)
    assert feed.days() == {}
    friends = group(site.database, bert, "friends", [anna], [birthday])
    assert feed.days() == {"bert’s birthday": (date(1980, 2, 29), "FREQ=YEARLY;BYMONTHDAY=-1;BYMONTH=2")}
    site.database.write(lambda session: grants.grant(session, bert, friends, [wedding]))
    assert set(feed.days()) == {"bert’s birthday", "bert: Anniversary"}
    site.database.write(lambda session: grants.take_back(session, bert, friends, [birthday]))
    assert set(feed.days()) == {"bert: Anniversary"}
    assert "19800229" not in feed.page.response.text
    set_field(site.database, bert, wedding, "2006-06-18", "anniversary")
    assert feed.days()["bert: Anniversary"][0] == date(2006, 6, 18)
    delete(site.database, anna, href_of(site.database, anna, bert))
    assert feed.days() == {}


def test_while_nothing_changed_a_fetch_is_one_statement_and_no_answer(site: Site, people: tuple[int, int]) -> None:
    anna, bert = people
    group(site.database, bert, "friends", [anna], [field(site.database, bert, "birthday", "1980-02-29")])
    feed = made(site, anna)
    etag, count = feed.etag, []

    def note(*_: object) -> None:
        count.append(1)

    event.listen(site.database.engine, "before_cursor_execute", note)
    assert feed.fetch(etag).status == 304
    assert feed.page.response.content == b""
    assert not count
    event.remove(site.database.engine, "before_cursor_execute", note)
    field(site.database, bert, "mobile")
    assert feed.fetch(etag).status == 304
    assert feed.fetch('"another"').status == 200


def test_own_contacts_are_in_it_by_choice(site: Site, people: tuple[int, int]) -> None:
    anna, _bert = people
    put(site.database, anna, "zoe.vcf", vcard("zoe", "BDAY:1990-07-01", name="Zoe"))
    field(site.database, anna, "birthday", "1970-01-02")
    assert made(site, anna).days() == {}
    assert made(site, anna, private=True).days() == {"Zoe’s birthday": (date(1990, 7, 1), "FREQ=YEARLY")}


def test_it_is_in_the_language_of_whoever_made_it(site: Site, people: tuple[int, int]) -> None:
    anna, bert = people
    group(site.database, bert, "friends", [anna], [field(site.database, bert, "birthday", "--02-03")])
    feed = made(site, anna, language="zh-Hans")
    assert feed.days() == {"bert 的生日": (date(1972, 2, 3), "FREQ=YEARLY")}
    assert "DESCRIPTION" not in feed.page.response.text


def test_what_a_card_says_is_no_line_of_the_calendar(site: Site, people: tuple[int, int]) -> None:
    anna, _bert = people
    hostile = vcard("x", "BDAY:1990-07-01", name=r"Eve\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:Mine, \; yours " + "长" * 90)
    put(site.database, anna, "x.vcf", hostile)
    (name,) = made(site, anna, private=True).days()
    assert name.startswith("Eve")
    assert "长" * 90 in name


def test_an_ended_calendar_opens_nothing_and_the_others_go_on(site: Site, people: tuple[int, int]) -> None:
    anna, bert = people
    first, second = made(site, anna), made(site, anna)
    with site.database.reading() as session:
        ended = feeds.feeds(session, anna)[0].id
    other = Visitor(site).signed_in(bert)
    assert other.post(f"/calendars/{ended}/end").followed().told == ["There is no such calendar."]
    assert first.fetch().status == 200
    page = Visitor(site).signed_in(anna).get("/calendars/").submit(f"/calendars/{ended}/end").followed()
    assert page.told == ["The calendar is ended: its address opens nothing any more."]
    assert sorted((first.fetch().status, second.fetch().status)) == [200, 404]


def test_nobody_gets_in_without_the_secret(site: Site, people: tuple[int, int]) -> None:
    anna, bert = people
    feed = made(site, anna)
    owner, _, secret = feed.path.removeprefix("/calendars/").removesuffix(".ics").partition("-")
    visitor = Visitor(site)
    for wrong in (
        f"{bert:x}-{secret}",
        f"{owner}-{secret[::-1]}",
        owner,
        f"{2**63:x}-{secret}",
        "-",
        f"0{owner}-{secret}",
    ):
        assert visitor.get(f"/calendars/{wrong}.ics").status == 404
    assert visitor.get("/calendars/").followed().path.startswith("/sign-in?")
    deletion.leave(site.database, anna)
    assert feed.fetch().status == 404


def test_a_calendar_is_for_nobodys_cache_but_the_programs_own(cast_site: Site, cast: Cast) -> None:
    feed = made(cast_site, cast.ids["anna"])
    headers = feed.page.response.headers
    assert headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "private" in headers["Cache-Control"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert feed.days()


def iphone(wire: Wire) -> Callable[[dict[str, str]], None]:
    """Return what keeps contacts on an iPhone, each with a birthday, perhaps without a year."""
    phone = apple_user.installed(IPhone(wire))
    kept: dict[str, str] = {}

    def keep(born: dict[str, str]) -> None:
        for name in kept.keys() - born.keys():
            phone.delete(phone.book, kept.pop(name))
        for name, day in born.items():
            contact = phone.card(kept[name]).contact if name in kept else apple_user.person(name)
            has_year = not day.startswith("--")
            contact.single["BDAY"] = day if has_year else f"1604-{day[2:4]}-{day[4:]}"
            contact.parameters["BDAY"] = () if has_year else (("X-APPLE-OMIT-YEAR", "1604"), ("value", "date"))
            kept[name] = phone.save(phone.book, contact, kept.get(name, ""))
        assert phone.blocked == []

    return keep


def davx5(wire: Wire) -> Callable[[dict[str, str]], None]:
    """Return what does so on a phone with DAVx5."""
    phone = davx5_user.installed(wire)
    kept: dict[str, Local] = {}

    def keep(born: dict[str, str]) -> None:
        for name in kept.keys() - born.keys():
            kept.pop(name).deleted = True
        for name, day in born.items():
            local = kept.get(name) or davx5_user.added(phone, name)
            local.contact.single["BDAY"] = Line("BDAY", day.replace("-", "") if day[0] != "-" else day)
            kept[name], local.dirty = local, True
        davx5_user.synced(phone)

    return keep


@pytest.mark.parametrize("kind", [iphone, davx5])
def test_birthdays_that_a_phone_writes_are_in_the_calendar_with_own_contacts_and_in_no_other(
    site: Site, people: tuple[int, int], kind: Callable[[Wire], Callable[[dict[str, str]], None]]
) -> None:
    anna, _bert = people
    _, password = site.database.write(lambda session: credentials.add_device(session, anna, "phone"))
    feed, other = made(site, anna, private=True), made(site, anna)
    keep = kind(Wire(httpx.Client(base_url=ORIGIN, transport=Transport(site)), "anna", password))

    def days() -> dict[str, date]:
        assert other.days() == {}
        return {name.removesuffix("’s birthday"): day for name, (day, _) in feed.days().items()}

    keep({"Zoe": "1990-07-01", "Yan": "--0203"})
    assert days() == {"Zoe": date(1990, 7, 1), "Yan": date(1972, 2, 3)}
    etag = feed.etag
    assert feed.fetch(etag).status == 304
    keep({"Zoe": "1991-07-02", "Yan": "--0203"})
    assert feed.fetch(etag).status == 200
    assert days() == {"Zoe": date(1991, 7, 2), "Yan": date(1972, 2, 3)}
    keep({"Yan": "--0203"})
    assert days() == {"Yan": date(1972, 2, 3)}


def test_members_are_in_it_by_choice_with_what_the_organisation_sees_at_each_fetch(
    site: Site, people: tuple[int, int]
) -> None:
    anna, bert = people
    carl, dora = (person(site.database, login) for login in ("carl", "dora"))
    club = clubs.found(site.database)
    days = {each: field(site.database, each, "birthday", f"1980-01-0{each % 9 + 1}") for each in (bert, carl, dora)}
    club.join(anna)
    for each in (bert, carl, dora):
        club.join(each, [days[each]] if each != dora else [])
    assert made(site, anna).days() == {}
    feed = made(site, anna, members=True)
    # Whom she is connected to shows her what connections see.
    assert set(feed.days()) == {"carl’s birthday"}
    etag = feed.etag
    club.grant(dora, days[dora])
    assert feed.fetch(etag).status == 200
    assert set(feed.days()) == {"carl’s birthday", "dora’s birthday"}
    club.take_back(carl, days[carl])
    assert set(feed.days()) == {"dora’s birthday"}
    site.database.write(lambda session: roster_writes.hide_person(session, anna, dora))
    assert feed.days() == {}
    site.database.write(lambda session: connections.show(session, anna, dora))
    assert set(feed.days()) == {"dora’s birthday"}
    club.leave(dora)
    assert feed.days() == {}
    club.grant(carl, days[carl])
    assert set(feed.days()) == {"carl’s birthday"}
    club.leave(anna)
    assert feed.days() == {}


def test_while_nothing_changed_in_organisations_a_fetch_is_no_transaction(site: Site, people: tuple[int, int]) -> None:
    anna, bert = people
    club = clubs.found(site.database)
    club.join(anna)
    club.join(bert)
    carl = person(site.database, "carl")
    birthday = field(site.database, carl, "birthday", "1980-02-29")
    club.join(carl, [birthday])
    feed = made(site, anna, members=True)
    etag, count = feed.etag, []

    def note(*_: object) -> None:
        count.append(1)

    event.listen(site.database.engine, "before_cursor_execute", note)
    assert feed.fetch(etag).status == 304
    assert not count
    event.remove(site.database.engine, "before_cursor_execute", note)
    set_field(site.database, carl, birthday, "1981-03-01", "birthday")
    assert feed.fetch(etag).status == 200
