"""Thunderbird names no version, and gets of each card what its window shows most of; nothing of that ever stays."""

from __future__ import annotations

from sync.sharing import grants
from tests.dav.asking import BOOK, multiget_body, put, report, sync_body, texts
from tests.support import factories
from tests.support.people import Person
from tests.support.site import Lasting, Site

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.5.0"
DATA = "<D:getetag/><C:address-data/>"


def test_a_card_is_modern_and_spelled_out_and_taken_back_with_everything(site: Site, anna: Person) -> None:
    """After a save in Thunderbird, too: what is taken back is nowhere on the card any more."""
    database = site.database
    bao = factories.person(database, "bao")
    factories.connect(database, anna.id, bao)
    school = factories.field(database, bao, "school", "Tsinghua University")
    group = factories.strangers(database, bao)
    database.write(lambda session: grants.grant(session, bao, group, [school]))
    entry = BOOK + factories.href_of(database, anna.id, bao)
    shown = texts(report(site, anna, multiget_body([entry], DATA), **{"User-Agent": AGENT}))[entry]
    assert "VERSION:4.0\r\n" in shown
    assert "X-CUSTOM1;X-EVERCARD-MADE=1:School: Tsinghua University\r\n" in shown
    assert put(site, anna, entry, shown, **{"User-Agent": AGENT}).status == 204
    database.write(lambda session: grants.take_back(session, bao, group, [school]))
    for agent in (AGENT, ""):
        answer = report(site, anna, sync_body(names=DATA), **({"User-Agent": agent} if agent else {}))
        assert "Tsinghua" not in texts(answer)[entry]
        assert "X-CUSTOM" not in texts(answer)[entry]


def test_a_contact_is_served_as_it_was_stored(site: Site, anna: Person) -> None:
    for version in (b"3.0", b"4.0"):
        data = factories.vcard("kept", "item1.TEL:1", "item1.X-ABLabel:Boat").replace(b"3.0", version)
        put(site, anna, BOOK + "kept.vcf", data)
        answer = report(site, anna, multiget_body([BOOK + "kept.vcf"], DATA), **{"User-Agent": AGENT})
        assert texts(answer)[BOOK + "kept.vcf"].encode() == data


def test_who_names_a_version_gets_that(lasting: Lasting) -> None:
    site, circle = lasting.site, lasting.circle
    named = '<C:address-data content-type="text/vcard" version="3.0"/>'
    answer = report(site, circle.anna, multiget_body([circle.entry], named), **{"User-Agent": AGENT})
    assert "VERSION:3.0\r\n" in texts(answer)[circle.entry]
