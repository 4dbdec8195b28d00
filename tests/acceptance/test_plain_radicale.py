"""
The plugins under Radicale's own application and server, as ``python -m radicale`` starts them with our configuration.

Less is possible there (see `radicale_plugin.server.application`), but nothing leaks, nothing is damaged and nothing
stops it.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import radicale.app.put
import radicale.item
from lxml import html

from radicale_plugin.plugins import vobject_guard
from sync.database.engine import Database
from sync.sharing import connections, grants, visibility
from tests.support import dav, factories, people
from tests.support.plain_radicale import PlainRadicale
from tests.support.site import ON_SQLITE

BOOK = "/anna/contacts/"
#: 109 octets that keep vobject's own reader busy for longer than anybody lives.
BOMB = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bomb\r\nFN:x\r\nTEL;A" + b"=" * 40 + b'"\r\nEND:VCARD\r\n'


class Plain:
    """Anna's device at a plain Radicale; *ben* is connected to her and shows his name, which is the field *shown*."""

    def __init__(self, client: dav.Client, database: Database, anna: int, ben: int, shown: int) -> None:
        """Remember it all."""
        self.client, self.database, self.anna, self.ben, self.shown = client, database, anna, ben, shown
        self.entry = BOOK + factories.href_of(database, anna, ben)
        self.own = BOOK + factories.href_of(database, anna, anna)


@pytest.fixture
def plain(database_url: str, database: Database, tmp_path: Path) -> Iterator[Plain]:
    """Yield a device at a plain Radicale."""
    anna, ben = people.register(database, "anna"), people.register(database, "ben")
    shown = factories.field(database, ben.id, "name", "Ben Beispiel")
    factories.field(database, ben.id, "mobile", "+49 555 0199")
    group = factories.strangers(database, ben.id)
    database.write(lambda session: grants.grant(session, ben.id, group, [shown]))
    factories.connect(database, anna.id, ben.id)
    with PlainRadicale(database_url, tmp_path) as server, dav.http(server.url) as http:
        client = dav.Client(http, "anna", anna.password)
        yield Plain(client, database, anna.id, ben.id, shown)
        assert "Traceback" not in server.log.read_text()
        for secret in ("0199", anna.password):
            assert secret not in server.log.read_text()
            assert not any(secret in exchange.text for exchange in client.exchanges)


def profile(plain: Plain, owner_id: int) -> list[tuple[str, str]]:
    """Return kind and content of every field of a person's."""
    with plain.database.reading() as session:
        return [(field.kind, field.content) for field in visibility.fields_of(session, owner_id)]


def as_reported(card: dav.Card) -> dav.Card:
    """Return a card as it is in a report of Radicale's, which leaves its line ends to the XML parser."""
    return dav.Card(card.etag, (card.text or "").replace("\r\n", "\n"))


def test_an_address_book_is_found_read_and_followed(plain: Plain) -> None:
    """Discovery, first and later reports, multiget, queries and single cards show what anna may see, and changes."""
    client = plain.client
    kind = f"{{{dav.DAV}}}resourcetype"
    home = client.propfind("/anna/", (kind,))
    tags = {href: [node.tag for node in found.properties[kind]] for href, found in home.items()}
    books = [href for href, names in tags.items() if f"{{{dav.CARD}}}addressbook" in names]
    assert books == [BOOK]
    first = client.sync_collection()
    assert set(first.changed) == {plain.entry, plain.own} == set(client.listing())
    assert "FN:Ben Beispiel" in (first.changed[plain.entry].text or "")
    assert client.multiget([plain.entry, BOOK + "missing.vcf"]) == {
        plain.entry: first.changed[plain.entry],
        BOOK + "missing.vcf": None,
    }
    assert as_reported(client.get(plain.entry)) == first.changed[plain.entry]
    assert list(client.query("FN", "beispiel")) == [plain.entry]
    assert plain.entry not in client.query("TEL", "0199")
    assert client.sync_collection(first.token).changed == {}
    factories.set_field(plain.database, plain.ben, plain.shown, "Ben Neumann", "name")
    later = client.sync_collection(first.token)
    assert "FN:Ben Neumann" in (later.changed[plain.entry].text or "")
    assert list(later.changed) == [plain.entry]


def test_a_private_card_is_kept_byte_for_byte(plain: Plain) -> None:
    """What Radicale's own parser would cut or change comes back as it was sent, and goes when it is deleted."""
    client = plain.client
    lines = ("NOTE:hello\\, a, b", "URL:http\\://e.org/a,b", "ORG:Firm;", "item1.TEL;type=HOME;type=VOICE:1", "X-A:1,2")
    card = factories.vcard("mine", *lines).decode()
    href = BOOK + "mine.vcf"
    token = client.sync_collection().token
    client.put(href, card, if_none_match="*")
    assert client.get(href).text == card
    assert client.sync_collection(token).changed[href] == as_reported(client.get(href))
    with pytest.raises(dav.Failed, match="412"):
        client.put(href, card, if_none_match="*")
    with_it = client.sync_collection().token
    client.delete(href, if_match=client.get(href).etag)
    assert client.sync_collection(with_it).gone == {href}
    assert href not in client.listing()


@ON_SQLITE
def test_one_short_line_does_not_stop_the_server(plain: Plain) -> None:
    """The card of 109 octets is answered at once (security rule R1), and so is the next request."""
    started = time.monotonic()
    answer = plain.client.request("PUT", BOOK + "bomb.vcf", BOMB, {"Content-Type": "text/vcard"})
    # The line costs itself, and nothing else.
    assert answer.status == 201
    assert set(plain.client.listing()) == {plain.entry, plain.own, BOOK + "bomb.vcf"}
    assert time.monotonic() - started < 20


@ON_SQLITE
def test_a_collection_cannot_be_emptied_or_removed(plain: Plain) -> None:
    """No PUT, DELETE, MOVE, MKCOL or PROPPATCH of a collection changes what is in it (security rule R3)."""
    client, before = plain.client, plain.client.sync_collection()
    kind = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop>'
        "</D:set></D:propertyupdate>"
    )
    for path in ("/", "/anna", "/anna/", "/anna/contacts", "/anna/contacts/", "/ben/contacts/"):
        for method in ("PUT", "DELETE", "MOVE", "MKCOL", "MKCALENDAR", "PROPPATCH"):
            for body in ("", factories.vcard("x").decode(), kind):
                headers = {"Destination": f"{BOOK}y/", "Overwrite": "T", "Content-Type": "text/vcard"}
                answer = client.request(method, path, body, headers)
                assert answer.status != 500, (method, path, body, answer)
                assert method == "PROPPATCH" or 400 <= answer.status < 500, (method, path, body, answer)
    assert client.sync_collection() == before
    assert client.get(plain.own).text


@ON_SQLITE
def test_an_edit_of_a_connection_s_card_is_kept_beside_it(plain: Plain) -> None:
    """The owner's profile, and what they show, stay; what the person wrote into the card is added to it."""
    client = plain.client
    before = profile(plain, plain.ben)
    edited = (client.get(plain.entry).text or "").replace("Beispiel", "Other")
    client.put(plain.entry, edited.replace("END:VCARD", "NOTE:Owes me a book\r\nEND:VCARD"))
    text = client.get(plain.entry).text or ""
    assert "FN:Ben Beispiel" in text
    assert "NOTE:Owes me a book" in text
    assert profile(plain, plain.ben) == before


@ON_SQLITE
def test_an_edit_of_one_s_own_card_is_the_profile(plain: Plain) -> None:
    client = plain.client
    card = client.get(plain.own).text or ""
    client.put(plain.own, card.replace("END:VCARD", "TEL;TYPE=CELL:+49 555 0123\r\nEND:VCARD"))
    assert "+49 555 0123" in (client.get(plain.own).text or "")
    assert [kind for kind, _ in profile(plain, plain.anna)] == ["mobile"]


@ON_SQLITE
def test_a_connection_s_card_is_hidden_and_never_moved(plain: Plain) -> None:
    client = plain.client
    answer = client.request("MOVE", plain.entry, b"", {"Destination": f"{BOOK}moved.vcf"})
    assert 400 <= answer.status < 500
    client.delete(plain.entry)
    assert set(client.listing()) == {plain.own}
    with plain.database.reading() as session:
        assert connections.is_connected(session, plain.ben, plain.anna)


@ON_SQLITE
def test_other_people_s_places_are_closed(plain: Plain) -> None:
    """403 for what is ben's, and the same for somebody who does not exist."""
    for path in ("/ben/", "/ben/contacts/", f"/ben/contacts/{factories.href_of(plain.database, plain.ben, plain.ben)}"):
        for method in ("PROPFIND", "GET", "PUT", "DELETE", "REPORT", "PROPPATCH", "MOVE"):
            body = factories.vcard("x") if method == "PUT" else b""
            answer = plain.client.request(method, path, body, {"Destination": BOOK + "z.vcf"})
            other = plain.client.request(method, path.replace("ben", "nobody"), body, {"Destination": BOOK + "z.vcf"})
            assert (answer.status, answer.body) == (403, other.body)
            assert other.status == 403


def test_radicale_reads_cards_through_the_name_that_we_replace() -> None:
    """The guard stands where Radicale's PUT looks for its reader; a version that imports it by name undoes it."""
    assert radicale.item.read_components is vobject_guard.read_components
    tree = ast.parse(inspect.getsource(radicale.app.put))
    called = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "read_components"]
    owners = {node.value.id for node in called if isinstance(node.value, ast.Name)}
    assert owners == {"radicale_item"}
    assert vars(radicale.app.put)["radicale_item"] is radicale.item
    assert "vobject.readComponents" not in inspect.getsource(radicale.app.put)


def test_the_guard_reads_the_short_line_at_once() -> None:
    """In a process of its own, because a reader that never ends could not be interrupted."""
    program = (
        "import sys, radicale.item, radicale_plugin.storage\n"
        "try:\n    radicale.item.read_components(sys.stdin.read())\nexcept ValueError:\n    pass\nprint('over')\n"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, input=BOMB.decode(), capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "over\n"


@ON_SQLITE
def test_the_portal_is_served_too(database_url: str, tmp_path: Path) -> None:
    """Somebody signs up, whatever headers come along; nothing is compressed, or taken from a header."""
    headers = {"X-Script-Name": "/evil", "X-Forwarded-Host": "evil.example", "Accept-Encoding": "gzip"}
    with (
        PlainRadicale(database_url, tmp_path) as server,
        httpx.Client(base_url=server.url, trust_env=False, headers=headers, follow_redirects=True) as browser,
    ):
        page = browser.get("/.web/sign-up")
        assert "evil" not in page.text
        assert "Content-Encoding" not in page.headers
        token = str(html.fromstring(page.text).forms[0].fields["csrf_token"])
        form = {"csrf_token": token, "name": "Cleo", "login": "cleo", "password": "correct horse battery"}
        origin = {"Origin": server.url}
        assert browser.post("/.web/sign-up", data={**form, "csrf_token": ""}, headers=origin).status_code == 400
        assert browser.post("/.web/sign-up", data=form, headers={"Origin": "http://evil.example"}).status_code == 400
        inside = browser.post("/.web/sign-up", data=form, headers=origin)
        assert inside.status_code == 200
        assert "Hello, Cleo" in inside.text
        assert browser.get("/.web/account/").status_code == 200
        assert "Traceback" not in server.log.read_text()
        assert "correct horse" not in server.log.read_text()
