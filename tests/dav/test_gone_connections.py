"""A phone that writes to the card of somebody who is gone is told so without an alarm, and learns that it is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.database.engine import Database
from sync.sharing import connections
from sync.sign_in import deletion
from tests.dav.asking import BOOK, DATA, gone, put, report, snapshot, sync_body, texts, token
from tests.support import factories, meeting
from tests.support.people import Person, register
from tests.support.site import ON_SQLITE, Answer, Site

pytestmark = ON_SQLITE
UNDERSTOOD = "{DAV:}need-privileges"
Going = Callable[[Database, int, int], object]


def part(database: Database, one: int, other: int) -> None:
    database.write(lambda session: connections.disconnect(session, one, other))


#: How somebody goes, of whom anna, the first of both ids, has the card.
WAYS: dict[str, Going] = {
    "anna parts": part,
    "ben parts": lambda database, anna, ben: part(database, ben, anna),
    "anna blocks": meeting.block,
    "ben blocks": lambda database, anna, ben: meeting.block(database, ben, anna),
    "ben leaves": lambda database, _anna, ben: deletion.leave(database, ben),
}


@pytest.fixture
def anna(site: Site) -> Person:
    """Anna, as her phone."""
    return register(site.database, "anna")


@pytest.fixture
def ben(site: Site, anna: Person) -> Person:
    """Ben, whom she knows, and who shows her a number."""
    ben = register(site.database, "ben")
    factories.connect(site.database, anna.id, ben.id)
    number = factories.field(site.database, ben.id)
    factories.group(site.database, ben.id, "friends", [anna.id], [number])
    return ben


def put_plainly(site: Site, anna: Person, path: str, text: str, _etag: str) -> Answer:
    return put(site, anna, path, text)


def put_if_match(site: Site, anna: Person, path: str, text: str, etag: str) -> Answer:
    return put(site, anna, path, text, If_Match=etag)


def put_if_there(site: Site, anna: Person, path: str, text: str, _etag: str) -> Answer:
    return put(site, anna, path, text, If_Match="*")


def put_elsewhere(site: Site, anna: Person, _path: str, text: str, _etag: str) -> Answer:
    return put(site, anna, BOOK + "elsewhere.vcf", text)


def move_onto(site: Site, anna: Person, path: str, _text: str, _etag: str) -> Answer:
    put(site, anna, BOOK + "own.vcf", factories.vcard("own"))
    return site.call("MOVE", BOOK + "own.vcf", b"", {"Destination": path}, person=anna)


def copy_onto(site: Site, anna: Person, path: str, _text: str, _etag: str) -> Answer:
    put(site, anna, BOOK + "own.vcf", factories.vcard("own"))
    return site.call("COPY", BOOK + "own.vcf", b"", {"Destination": path}, person=anna)


def delete(site: Site, anna: Person, path: str, _text: str, _etag: str) -> Answer:
    return site.call("DELETE", path, person=anna)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("door", "status", "condition"),
    [
        (put_plainly, 403, UNDERSTOOD),
        (put_if_match, 412, ""),
        (put_if_there, 412, ""),
        (put_elsewhere, 403, UNDERSTOOD),
        (move_onto, 403, UNDERSTOOD),
        (copy_onto, 403, UNDERSTOOD),
        (delete, 404, ""),
    ],
)
def test_every_door_says_that_somebody_is_gone(
    site: Site,
    anna: Person,
    ben: Person,
    way: str,
    door: Callable[[Site, Person, str, str, str], Answer],
    status: int,
    condition: str,
) -> None:
    """In the same words however that came about, with nothing stored, and with the next synchronization as well."""
    href = BOOK + factories.href_of(site.database, anna.id, ben.id)
    before = report(site, anna, sync_body("", DATA))
    text, etag = texts(before)[href], site.call("HEAD", href, person=anna).header("ETag")
    WAYS[way](site.database, anna.id, ben.id)
    edited = text.replace("END:VCARD", "NOTE:mine\r\nEND:VCARD")
    answer = door(site, anna, href, edited, etag)
    assert answer.status == status, answer.body
    assert not condition or answer.condition == condition
    assert b"block" not in answer.body.lower()
    again = report(site, anna, sync_body(token(before)))
    assert href in gone(again)
    assert site.call("GET", href, person=anna).status == 404
    assert "NOTE:mine" not in repr(snapshot(site, anna))
