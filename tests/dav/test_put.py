"""PUT: a private card is kept byte for byte, and what cannot be kept is refused with the precondition it violates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync.accounts.spending import Spending
from sync.errors import TooManyTries
from sync.vcard import parse
from tests.dav.asking import BOOK, DATA, NS, multiget_body, put, report, snapshot, sync_body, texts, token
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Circle, Site, opened

FOLDER = Path(__file__).parents[1] / "data" / "vcards"
CARD = f"{{{NS['C']}}}"
_CARDS = re.compile(rb"BEGIN:VCARD\r?\n.*?END:VCARD(?:\r?\n|\Z)", re.DOTALL)


def samples() -> dict[str, bytes]:
    """Return every card of every program in the test data as one card with a UID of its own, otherwise as it is."""
    found = {
        f"{path.stem}-{number}": data
        for path in sorted(FOLDER.glob("*.vcf"))
        for number, data in enumerate(_CARDS.findall(path.read_bytes()))
    }
    return {name: with_uid(data, name) for name, data in found.items() if len(parse(data)) == 1}


def with_uid(data: bytes, uid: str) -> bytes:
    """Return a card with this UID, unless it has one."""
    if parse(data)[0].uid is not None:
        return data
    before, mark, after = data.rpartition(b"END:VCARD")
    return before + f"UID:{uid}".encode() + (b"\r\n" if b"\r\n" in data else b"\n") + mark + after


SAMPLES = samples()


def data_in(version: str) -> str:
    """Return the markup that asks for cards in this version."""
    return f'<D:getetag/><C:address-data content-type="text/vcard" version="{version}"/>'


def test_cards_of_all_programs_come_back_byte_for_byte(site: Site, anna: Person) -> None:
    """The octets stay, with any line ends and folds, for every reader of the card's own version."""
    assert len(SAMPLES) > 12
    assert {parse(data)[0].version for data in SAMPLES.values()} == {"2.1", "3.0", "4.0"}
    for name, data in SAMPLES.items():
        version = parse(data)[0].version
        answer = put(site, anna, BOOK + name, data)
        assert answer.status == 201, (name, answer.body)
        got = site.call("GET", BOOK + name, b"", {"Accept": f"text/vcard; version={version}"}, person=anna)
        assert got.body == data or version == "2.1"
        # An ETag says that the client has what it would be served, which is 3.0.
        assert answer.header("ETag") == (got.header("ETag") if version == "3.0" else "")
        found = texts(report(site, anna, multiget_body([BOOK + name], data_in("3.0"))))
        assert (found[BOOK + name].encode() == data) == (version == "3.0")


def test_every_private_card_comes_in_the_version_that_is_asked_for(site: Site, anna: Person) -> None:
    """One card in 4.0 would stop an iPhone's whole address book, so each is translated for those who read another."""
    for name, data in SAMPLES.items():
        assert put(site, anna, BOOK + name, data).status == 201
    for version in ("3.0", "4.0"):
        found = texts(report(site, anna, sync_body("", data_in(version))))
        assert set(found) >= {BOOK + name for name in SAMPLES}
        assert {parse(text)[0].version for text in found.values()} == {version}
    plain = texts(report(site, anna, sync_body("", DATA)))
    assert {parse(text)[0].version for text in plain.values()} == {"3.0"}


@ON_SQLITE
def test_no_card_of_any_program_breaks_somebody_s_own_or_a_friend_s(site: Site, circle: Circle) -> None:
    """Written over one's own card or a connection's, any card is taken or refused, and the book can still be read."""
    for path in (circle.own, circle.entry):
        for name, data in SAMPLES.items():
            uid = next(
                line
                for line in texts(report(site, circle.anna, multiget_body([path])))[path].split("\r\n")
                if line.startswith("UID:")
            )
            body = re.sub(rb"(?m)^UID[:;].*?$(?:\r?\n[ \t].*$)*", uid.encode(), data)
            for sent in (body, data):
                answer = put(site, circle.anna, path, sent)
                assert answer.status in (204, 403, 409), (name, answer.body)
                assert answer.header("ETag") == ""
            for version in ("3.0", "4.0"):
                assert path in texts(report(site, circle.anna, sync_body("", data_in(version))))
    assert report(site, circle.ben, sync_body("", DATA), path="/ben/contacts/").status == 207


def test_control_characters_are_kept_but_served_clean_and_without_an_etag(site: Site, anna: Person) -> None:
    """What no XML may hold is left out of what is served; no ETag says that the client has what the server has."""
    data = factories.vcard("x", "NOTE:a\x00b\x01c\x0bd\x1fe\ufffef\uffffg\th")
    answer = put(site, anna, BOOK + "x.vcf", data)
    assert (answer.status, answer.header("ETag")) == (201, "")
    clean = re.sub("[\x00\x01\x0b\x1f\ufffe\uffff]", "", data.decode())
    assert site.call("GET", BOOK + "x.vcf", person=anna).body.decode() == clean
    assert texts(report(site, anna, sync_body("", DATA)))[BOOK + "x.vcf"] == clean


GOOD = factories.vcard("x").decode()


@pytest.mark.parametrize("kind", ["text/vcard", "text/x-vcard;charset=UTF-8", "TEXT/DIRECTORY; profile=vCard", ""])
@ON_SQLITE
def test_the_types_that_clients_name_are_taken(site: Site, anna: Person, kind: str) -> None:
    assert put(site, anna, BOOK + "x.vcf", GOOD, Content_Type=kind).status == 201


@ON_SQLITE
def test_a_chunked_body_arrives_whole(site: Site, anna: Person) -> None:
    """Without a length, the body is what the WSGI server reads to its end."""
    environ = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    answer = site.call("PUT", BOOK + "x.vcf", GOOD, {"Content-Type": "text/vcard"}, person=anna, environ=environ)
    assert answer.status == 201
    assert site.call("GET", BOOK + "x.vcf", person=anna).body == GOOD.encode()


def test_an_edit_of_a_connection_s_card_never_touches_the_owner(site: Site, circle: Circle) -> None:
    """What anna adds to ben's card is hers alone; ben's values stay ben's, whatever she sent for them."""
    before = snapshot(site, circle.ben)
    text = texts(report(site, circle.anna, multiget_body([circle.entry])))[circle.entry]
    edited = text.replace("Ben Beispiel", "Benny").replace("END:VCARD", "TEL;TYPE=CELL:+49 555 0155\r\nEND:VCARD")
    answer = put(site, circle.anna, circle.entry, edited)
    assert (answer.status, answer.header("ETag")) == (204, "")
    now = texts(report(site, circle.anna, multiget_body([circle.entry])))[circle.entry]
    assert "+49 555 0155" in now
    assert "Ben Beispiel" in now
    assert snapshot(site, circle.ben) == before


def test_where_edits_are_refused_a_client_is_told_so_that_it_understands(
    database_url: str, site: Site, circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAVx5 takes a 403 with need-privileges for what it is; the entry is offered again, and nothing else happened."""
    monkeypatch.setenv("EVERCARD_CONNECTION_EDITS", "refuse")
    with opened(database_url) as strict:
        before = report(strict, circle.anna, sync_body())
        text = texts(report(strict, circle.anna, multiget_body([circle.entry])))[circle.entry]
        answer = put(strict, circle.anna, circle.entry, text.replace("Beispiel", "B."))
        assert (answer.status, answer.condition) == (403, "{DAV:}need-privileges")
        assert answer.xml.findtext(".//D:resource/D:href", "", NS) == circle.entry
        assert answer.xml.find(".//D:privilege/D:write-content", NS) is not None
        again = report(strict, circle.anna, sync_body(token(before), DATA))
        assert list(texts(again)) == [circle.entry]
        assert "Ben Beispiel" in texts(again)[circle.entry]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_card_in_utf_16_becomes_utf_8(site: Site, anna: Person, encoding: str) -> None:
    """Old programs of Microsoft's write it; what is served says that it is UTF-8."""
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:wide\r\nFN:牙医 Müller\r\nEND:VCARD\r\n"
    assert put(site, anna, f"{BOOK}wide.vcf", f"\ufeff{card}".encode(encoding)).status == 201
    (stored,) = texts(report(site, anna, multiget_body([f"{BOOK}wide.vcf"]))).values()
    assert stored.removeprefix("\ufeff") == card
    assert put(site, anna, f"{BOOK}odd.vcf", f"\ufeff{card}".encode(encoding)[:-1]).status in (201, 403, 409)
    assert report(site, anna, sync_body("", DATA)).status == 207


def test_who_writes_without_an_end_is_told_to_wait(site: Site, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a form that clients heed; reading goes on."""
    monkeypatch.setattr(Spending, "spend", spend_nothing)
    card = {"Content-Type": "text/vcard"}
    for method, path in (("PUT", BOOK + "x.vcf"), ("DELETE", BOOK + "x.vcf"), ("MKCOL", "/anna/more/")):
        answer = site.call(method, path, factories.vcard("x") if method == "PUT" else b"", card, person=anna)
        assert (answer.status, answer.header("Retry-After")) == (429, "7")
    assert site.call("PROPFIND", BOOK, headers={"Depth": "1"}, person=anna).status == 207


def spend_nothing(_spending: Spending, _account_id: int, _octets: int = 0) -> None:
    raise TooManyTries(7)
