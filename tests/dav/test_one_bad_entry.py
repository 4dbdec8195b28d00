"""One entry that cannot be served never keeps the others from anybody (client fact I-15), by any door."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from sync import fields, verification
from sync.books import entry_rows
from sync.database.engine import Session
from sync.fields import FieldContent
from sync.models import Entry, Overlay, PrivateCard
from sync.vcard import Property
from tests.dav.asking import BOOK, DATA, multiget_body, propfind, put, query_body, report, sync_body, texts
from tests.support import factories
from tests.support.dav import unfolded
from tests.support.site import ON_SQLITE, Circle, Site

CASE = (Path(__file__).parents[1] / "data" / "cases" / "photo-data-uri-not-ascii.vcf").read_bytes()
BAD, GOOD = BOOK + "bad.vcf", BOOK + "good.vcf"
SECRET = "what stops it"


def version(number: str) -> str:
    return f'<D:getetag/><C:address-data content-type="text/vcard" version="{number}"/>'


def answers(site: Site, circle: Circle, number: str) -> list[dict[str, str]]:
    """Ask for the whole address book by each door."""
    wanted = version(number)
    everything = [circle.entry, circle.own, BAD, GOOD]
    return [
        texts(report(site, circle.anna, sync_body("", wanted))),
        texts(report(site, circle.anna, multiget_body(everything, wanted))),
        texts(report(site, circle.anna, query_body("", wanted))),
        texts(propfind(site, BOOK, DATA, depth="1", person=circle.anna)),
    ]


def findings(site: Site) -> list[str]:
    with site.database.reading() as session:
        return [str(finding) for finding in verification.findings(session)]


@pytest.fixture
def break_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a fault that only the value `SECRET` brings out."""
    translate = fields.translate

    def broken(content: FieldContent, number: str) -> tuple[Property, ...]:
        if SECRET in content.main.value and content.version != number:
            raise RuntimeError(SECRET)
        return translate(content, number)

    monkeypatch.setattr("sync.fields.cardinality.translate", broken)


def fill(site: Site, circle: Circle, bad: bytes) -> None:
    assert put(site, circle.anna, GOOD, factories.vcard("good", "TEL:1")).status == 201
    assert put(site, circle.anna, BAD, bad).status == 201


def card(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCARD", "VERSION:4.0", "UID:bad", "FN:Li Si", *lines, "END:VCARD", ""]).encode()


def assert_all_but_one_line(found: Sequence[dict[str, str]], *missing: str) -> None:
    for answer in found:
        assert answer.keys() >= {BAD, GOOD}
        assert "FN:Li Si\r\n" in answer[BAD]
        assert not [line for line in missing if line in unfolded(answer[BAD])]


@ON_SQLITE
@pytest.mark.parametrize("number", ["3.0", "4.0"])
def test_a_photo_that_is_no_ascii_stops_nobody(site: Site, circle: Circle, number: str) -> None:
    fill(site, circle, CASE)
    assert_all_but_one_line(answers(site, circle, number))
    assert findings(site) == []


@ON_SQLITE
@pytest.mark.usefixtures("break_translation")
def test_whatever_fails_costs_one_line(site: Site, circle: Circle, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the entry once, however often it is asked for, and not the value; verification names it, too."""
    fill(site, circle, card(f"item1.NOTE:{SECRET}", "item1.X-ABLabel:of the note", "TEL:5"))
    with caplog.at_level(logging.ERROR, "evercard.entries"):
        assert_all_but_one_line(answers(site, circle, "3.0"), SECRET, "of the note")
    assert all("TEL:5\r\n" in answer[BAD] for answer in answers(site, circle, "3.0"))
    (record,) = caplog.records
    assert "bad.vcf" in record.getMessage()
    assert SECRET not in record.getMessage()
    assert [found for found in findings(site) if "bad.vcf cannot be served whole in vCard 3.0: RuntimeError" in found]


@ON_SQLITE
def test_an_addition_that_cannot_be_read_leaves_the_owners_card(site: Site, circle: Circle) -> None:
    def damage(session: Session) -> None:
        entry = session.scalars(select(Entry).where(Entry.viewer_id == circle.anna.id, Entry.id == circle.ben.id)).one()
        session.execute(
            insert(Overlay).values(viewer_id=entry.viewer_id, entry_id=entry.id, content="[[", digest="0" * 32)
        )
        entry_rows.change(session, entry, digest="0" * 32)

    fill(site, circle, card())
    before = texts(report(site, circle.anna, multiget_body([circle.entry])))[circle.entry]
    site.database.write(damage)
    for answer in answers(site, circle, "3.0"):
        assert answer.keys() >= {circle.entry, GOOD}
        assert [line for line in before.splitlines() if not line.startswith("REV")] == [
            line for line in answer[circle.entry].splitlines() if not line.startswith("REV")
        ]


@ON_SQLITE
def test_an_entry_without_any_text_is_left_out_and_named(
    site: Site, circle: Circle, caplog: pytest.LogCaptureFixture
) -> None:
    def damage(session: Session) -> None:
        session.execute(
            update(Entry).where(Entry.viewer_id == circle.anna.id, Entry.id == circle.ben.id).values(card_id=None)
        )

    fill(site, circle, card())
    site.database.write(damage)
    with caplog.at_level(logging.ERROR, "evercard.entries"):
        for answer in answers(site, circle, "3.0"):
            assert circle.entry not in answer
            assert GOOD in answer
    assert circle.entry.rpartition("/")[2] in caplog.text


@ON_SQLITE
def test_octets_that_are_no_card_are_not_searched_but_served(site: Site, circle: Circle) -> None:
    def damage(session: Session) -> None:
        session.execute(
            update(PrivateCard).where(PrivateCard.viewer_id == circle.anna.id).values(data=b"\xff\x00 no card" * 9)
        )

    fill(site, circle, card())
    site.database.write(damage)
    for answer in answers(site, circle, "3.0"):
        assert circle.entry in answer
    search = query_body('<C:prop-filter name="NOTE"><C:text-match>x</C:text-match></C:prop-filter>')
    assert report(site, circle.anna, search).status == 207
