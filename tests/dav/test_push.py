"""WebDAV-Push (draft-bitfire-webdav-push-00): what collections show, and how a device registers."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Iterator

import pytest
from lxml import etree

from sync.database.engine import Session
from sync.push import encryption
from sync.revisions import address_books
from sync.sign_in import credentials
from tests.support import people
from tests.support.people import Person
from tests.support.push_service import P, PushService, Subscriber, octets
from tests.support.site import Answer, Site, opened
from tests.support.subscribing import Telling, rows, set_all, telling

BASE = "https://cards.example.org"
XML = {"Content-Type": "application/xml; charset=utf-8"}
NAMES = ("transports", "topic", "supported-triggers")
ASKED = (
    '<D:propfind xmlns:D="DAV:" xmlns:P="https://bitfire.at/webdav-push"><D:prop>'
    "<P:transports/><P:topic/><P:supported-triggers/></D:prop></D:propfind>"
)


@pytest.fixture
def service() -> PushService:
    """A push service that nobody calls."""
    return PushService("https://push.example.org")


@pytest.fixture
def pushing(database_url: str, no_sleep: None) -> Iterator[Site]:
    """A server whose address is known."""
    with opened(database_url, storage={"base_url": BASE}) as site:
        yield site


@pytest.fixture
def anna(pushing: Site) -> Person:
    """A registered person."""
    return people.register(pushing.database, "anna")


def found(answer: Answer, path: str) -> dict[str, etree._Element]:
    """Return the push properties that a PROPFIND found of one resource."""
    for response in answer.xml.findall("{DAV:}response"):
        if response.findtext("{DAV:}href") == path:
            propstat = response.find("{DAV:}propstat")
            assert propstat is not None
            if propstat.findtext("{DAV:}status") == "HTTP/1.1 200 OK":
                return {str(each.tag).removeprefix(P): each for each in propstat[0] if str(each.tag).startswith(P)}
    return {}


def propfind(site: Site, person: Person, path: str, *, depth: str = "0", body: str = ASKED) -> Answer:
    """Ask for properties."""
    return site.call("PROPFIND", path, body, {"Depth": depth}, person=person)


def post(site: Site, person: Person, body: str, path: str = "/anna/contacts/") -> Answer:
    """Register."""
    return site.call("POST", path, body, XML, person=person)


def properties(site: Site, person: Person, path: str) -> tuple[str, str]:
    """Return the key and the topic that a collection shows."""
    of = found(propfind(site, person, path), path)
    key, topic = of["transports"].find(f"{P}web-push/{P}vapid-public-key"), of["topic"].text
    assert key is not None
    assert (key.get("type"), key.text is not None, topic is not None) == ("p256ecdsa", True, True)
    return str(key.text), str(topic)


def test_collections_show_the_key_a_topic_and_the_triggers(pushing: Site, anna: Person) -> None:
    listed = propfind(pushing, anna, "/anna/", depth="1")
    for path in ("/anna/", "/anna/contacts/"):
        of = found(listed, path)
        assert sorted(of) == sorted(NAMES)
        key, topic = properties(pushing, anna, path)
        assert encryption.is_public_key(octets(key))
        assert "anna" not in topic
        said = [(each.tag, each.findtext("{DAV:}depth")) for each in of["supported-triggers"]]
        assert said == [(f"{P}content-update", "1"), (f"{P}property-update", "0")]
    ben = people.register(pushing.database, "ben")
    collections = [(anna, "/anna/"), (anna, "/anna/contacts/"), (ben, "/ben/"), (ben, "/ben/contacts/")]
    shown = [properties(pushing, *each) for each in collections]
    assert len({key for key, _ in shown}) == 1
    assert len({topic for _, topic in shown}) == 4
    assert shown == [properties(pushing, *each) for each in collections], "they stay"


def test_other_resources_show_nothing_of_it(pushing: Site, anna: Person) -> None:
    pushing.call("PUT", "/anna/contacts/one.vcf", _VCARD, {"Content-Type": "text/vcard"}, person=anna)
    for path in ("/", "/anna/directory/", "/anna/contacts/one.vcf"):
        assert found(propfind(pushing, anna, path), path) == {}
        assert "webdav-push" not in pushing.call("OPTIONS", path).header("DAV")
    for path in ("/anna/", "/anna/contacts/", "/anna/contacts"):
        assert "webdav-push" in pushing.call("OPTIONS", path).header("DAV").split(", ")
        assert "POST" in pushing.call("OPTIONS", path).header("Allow").split(", ")


@pytest.mark.parametrize("body", ["", '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'])
def test_whoever_asks_for_everything_does_not_get_these(pushing: Site, anna: Person, body: str) -> None:
    assert found(propfind(pushing, anna, "/anna/contacts/", body=body), "/anna/contacts/") == {}
    names = propfind(pushing, anna, "/anna/contacts/", body='<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>')
    assert sorted(found(names, "/anna/contacts/")) == sorted(NAMES)


def test_they_cannot_be_changed(pushing: Site, anna: Person) -> None:
    body = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><topic xmlns="https://bitfire.at/webdav-push">x</topic>'
        "</D:prop></D:set></D:propertyupdate>"
    )
    answer = pushing.call("PROPPATCH", "/anna/contacts/", body, person=anna)
    assert b"403" in answer.body
    assert properties(pushing, anna, "/anna/contacts/")[1] != "x"


def test_where_it_is_switched_off_nothing_is_shown_and_nobody_can_register(
    database_url: str, no_sleep: None, service: PushService
) -> None:
    for storage in ({"base_url": BASE, "push": "False"}, {"push": "True"}):
        with opened(database_url, storage=storage) as site:
            anna = people.register(site.database)
            home, book = f"/{anna.login}/", f"/{anna.login}/contacts/"
            assert found(propfind(site, anna, home, depth="1"), home) == {}
            assert "webdav-push" not in site.call("OPTIONS", book).header("DAV")
            refused = post(site, anna, service.subscribe().register(), book)
            assert refused.status == 405
            assert "POST" not in site.call("OPTIONS", book).header("Allow")


def test_davx5_registers_renews_and_leaves(pushing: Site, anna: Person, service: PushService) -> None:
    """It says neither a trigger nor an encoding (D-12)."""
    phone = service.subscribe()
    expires = email.utils.formatdate(time.time() + 3 * 86_400, usegmt=True)
    made = post(pushing, anna, phone.register(expires=expires))
    location = made.header("Location")
    assert (made.status, made.body, made.header("Expires")) == (201, b"", expires)
    assert location.startswith(f"{BASE}/anna/")
    (row,) = rows(pushing.database)
    assert (row.wants_content, row.wants_properties, row.endpoint) == (True, False, phone.url)
    again = post(pushing, anna, phone.register())
    assert (again.status, again.header("Location"), len(rows(pushing.database))) == (204, location, 1)
    path = location.removeprefix(BASE)
    assert pushing.call("DELETE", path, person=anna).status == 204
    assert (pushing.call("DELETE", path, person=anna).status, rows(pushing.database)) == (404, [])


def test_a_registration_is_for_what_the_path_names(pushing: Site, anna: Person, service: PushService) -> None:
    made = pushing.database.write(lambda session: address_books.create(session, anna.id, "chess"))
    for path in ("/anna/", "/anna/contacts", "/anna/chess/"):
        assert post(pushing, anna, service.subscribe().register(), path).status == 201
    assert {each.book_id for each in rows(pushing.database)} == {0, 1, made.id}
    assert post(pushing, anna, service.subscribe().register(), "/anna/nowhere/").status == 404
    assert post(pushing, anna, service.subscribe().register(), "/ben/contacts/").status == 403
    assert pushing.call("POST", "/anna/contacts/", service.subscribe().register(), XML).status == 401


@pytest.mark.parametrize("path", ["/", "/anna/contacts/one.vcf"])
def test_what_cannot_be_registered_for_says_so(pushing: Site, anna: Person, service: PushService, path: str) -> None:
    answer = pushing.call("POST", path, service.subscribe().register(), XML, person=anna)
    assert (answer.status, answer.condition) == (403, f"{P}push-not-available")


CONTENT, PROPERTY = "<content-update>{}</content-update>", "<property-update>{}</property-update>"
DEPTH = '<depth xmlns="DAV:">{}</depth>'


@pytest.mark.parametrize(
    ("trigger", "content", "property_"),
    [
        (CONTENT.format(DEPTH.format("1")), True, False),
        (CONTENT.format(DEPTH.format("infinity")), True, False),
        (CONTENT.format(""), True, False),
        (PROPERTY.format(DEPTH.format("0")), False, True),
        (PROPERTY.format(DEPTH.format("1") + '<prop xmlns="DAV:"><displayname/></prop>'), False, True),
        (CONTENT.format("") + PROPERTY.format("") + "<weather/>", True, True),
    ],
)
def test_triggers_are_those_that_are_supported_whatever_their_depth(
    pushing: Site, anna: Person, service: PushService, trigger: str, *, content: bool, property_: bool
) -> None:
    body = service.subscribe().register(trigger=f"<trigger>{trigger}</trigger>", more=_ENCODED.format("aes128gcm"))
    assert post(pushing, anna, body).status == 201
    (row,) = rows(pushing.database)
    assert (row.wants_content, row.wants_properties) == (content, property_)


@pytest.mark.parametrize("trigger", ["", "<weather/>"])
def test_no_trigger_that_is_supported_is_said(pushing: Site, anna: Person, service: PushService, trigger: str) -> None:
    answer = post(pushing, anna, service.subscribe().register(trigger=f"<trigger>{trigger}</trigger>"))
    assert (answer.status, answer.condition, rows(pushing.database)) == (403, f"{P}no-supported-trigger", [])


_ENCODED = "<content-encoding>{}</content-encoding>"


def _spoiled(phone: Subscriber) -> Iterator[str]:
    good = phone.register()
    key = good[good.index("<subscription-public-key") : good.index("<auth-secret>")]
    secret = good[good.index("<auth-secret>") : good.index("</web-push-subscription>")]
    yield good.replace(key, "")
    yield good.replace(secret, "")
    yield good.replace(key, "").replace(secret, "")
    yield good.replace('type="p256dh"', 'type="x25519"')
    yield good.replace(key, '<subscription-public-key type="p256dh">AAAA</subscription-public-key>')
    yield good.replace(secret, "<auth-secret>\u00e4\u00f6\u00fc</auth-secret>")
    yield good.replace(secret, "<auth-secret>A</auth-secret>")
    yield good.replace(secret, "<auth-secret>AAAA</auth-secret>")
    yield good.replace(phone.url, "")
    yield good.replace(phone.url, "http://push.example.org/1")
    yield good.replace(phone.url, "https://127.0.0.1/1")
    yield good.replace(phone.url, "https://localhost/1")
    yield good.replace(phone.url, "https://0x7f.1/1")
    yield good.replace(phone.url, "https://[::1]/1")
    yield good.replace(phone.url, "https://push.example.org:25/1")
    yield good.replace("web-push-subscription>", "pigeon-subscription>")
    yield phone.register(more=_ENCODED.format("aesgcm"))
    yield '<push-register xmlns="https://bitfire.at/webdav-push"/>'
    yield '<push-register xmlns="https://bitfire.at/webdav-push"><subscription/></push-register>'


def test_a_subscription_by_which_nothing_could_be_sent_is_refused(
    pushing: Site, anna: Person, service: PushService
) -> None:
    for body in _spoiled(service.subscribe()):
        answer = post(pushing, anna, body)
        assert (answer.status, answer.condition) == (403, f"{P}invalid-subscription"), body
    assert rows(pushing.database) == []


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("", "application/xml", 400),
        ("<push-register", "application/xml", 400),
        ("<push-register/>", "application/xml", 400),
        ('<D:propfind xmlns:D="DAV:"/>', "application/xml", 400),
        ("BEGIN:VCARD", "text/vcard", 415),
        ("a=b", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_something_else_is_refused(
    pushing: Site, anna: Person, body: str, content_type: str, status: int
) -> None:
    answer = pushing.call("POST", "/anna/contacts/", body, {"Content-Type": content_type}, person=anna)
    assert answer.status == status


def test_a_registration_can_be_deleted_by_its_device_and_nothing_else_done(
    pushing: Site, anna: Person, service: PushService
) -> None:
    location = post(pushing, anna, service.subscribe().register()).header("Location").removeprefix(BASE)
    tablet = pushing.database.write(lambda session: _device(session, anna))
    ben = people.register(pushing.database, "ben")
    assert pushing.call("DELETE", location, person=tablet).status == 404
    assert pushing.call("DELETE", location, person=ben).status == 403
    assert pushing.call("DELETE", location.replace("/anna/", "/ben/"), person=ben).status == 404
    for method in ("GET", "HEAD", "PUT", "PROPFIND", "PROPPATCH", "REPORT", "MKCOL", "POST", "MOVE", "COPY", "ACL"):
        assert pushing.call(method, location, person=anna).status == 405, method
    for name in ("0", "zz", "-1", "f" * 16, "F00", "1" * 40, "1%20"):
        assert pushing.call("DELETE", f"{location.rpartition('/')[0]}/{name}", person=anna).status == 404, name
    assert len(rows(pushing.database)) == 1
    set_all(pushing.database, expires_at=1)
    assert pushing.call("DELETE", location, person=anna).status == 404


def test_no_address_book_can_be_where_registrations_are(pushing: Site, anna: Person) -> None:
    assert pushing.call("MKCOL", "/anna/.push/", person=anna).status >= 400
    with pushing.database.reading() as session:
        assert [each.path for each in address_books.books_of(session, anna.id)] == ["contacts"]


def test_whoever_has_as_many_as_they_may_is_told_so(pushing: Site, anna: Person, service: PushService) -> None:
    limit = pushing.database.settings.limits.push_subscriptions_of_device
    for _ in range(limit):
        assert post(pushing, anna, service.subscribe().register()).status == 201
    answer = post(pushing, anna, service.subscribe().register())
    assert (answer.status, answer.condition) == (403, f"{P}push-not-available")


_VCARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:one\r\nFN:One\r\nN:One;;;;\r\nEND:VCARD\r\n"


def _device(session: Session, person: Person) -> Person:
    return Person(person.id, person.login, credentials.add_device(session, person.id, "Tablet")[1])


def waiting(site: Site) -> list[bool]:
    """Return whose news wait, and let them wait no more."""
    found = [each.waiting_since is not None for each in rows(site.database)]
    set_all(site.database, waiting_since=None)
    return found


@pytest.mark.parametrize(
    ("header", "heard"),
    [
        ('"{mine}"', [False, True]),
        ('"{other}", "{mine}"', [False, True]),
        ("  * ", [False, False]),
        ('"{other}"', [True, True]),
        ('"https://elsewhere.example.org/x", "", "nonsense', [True, True]),
        ("{mine}", [True, True]),
        ("", [True, True]),
    ],
)
def test_the_device_that_changes_something_can_ask_not_to_hear_of_it(
    pushing: Site, anna: Person, service: PushService, header: str, heard: list[bool]
) -> None:
    """Only its own registration can be named; all are the person's."""
    tablet = pushing.database.write(lambda session: _device(session, anna))
    phones = [service.subscribe(), service.subscribe()]
    mine, other = (
        post(pushing, person, phone.register()).header("Location")
        for person, phone in zip((anna, tablet), phones, strict=True)
    )
    order = [each.endpoint for each in rows(pushing.database)]
    expected = [dict(zip([phone.url for phone in phones], heard, strict=True))[url] for url in order]
    headers = {"Push-Dont-Notify": header.format(mine=mine, other=other)} if header else {}
    changes = [
        ("PUT", "/anna/contacts/one.vcf", _VCARD, {"Content-Type": "text/vcard"}),
        ("MOVE", "/anna/contacts/one.vcf", "", {"Destination": "/anna/contacts/two.vcf"}),
        ("DELETE", "/anna/contacts/two.vcf", "", {}),
    ]
    for method, path, body, more in changes:
        answer = pushing.call(method, path, body, {**headers, **more}, person=anna)
        assert answer.status in (201, 204)
        assert waiting(pushing) == expected, method


def test_a_change_that_was_refused_is_no_news(pushing: Site, anna: Person, service: PushService) -> None:
    post(pushing, anna, service.subscribe().register())
    answer = pushing.call("PUT", "/anna/contacts/one.vcf", "nonsense", {"Content-Type": "text/vcard"}, person=anna)
    assert answer.status == 403
    assert waiting(pushing) == [False]


def test_no_answer_and_no_line_of_the_log_has_a_secret_of_the_subscription(
    pushing: Site, anna: Person, service: PushService, caplog: pytest.LogCaptureFixture
) -> None:
    phone = service.subscribe()
    for body in (phone.register(), phone.register(trigger="<trigger/>"), *_spoiled(phone)):
        answer = post(pushing, anna, body)
        secrets = (phone.url.rpartition("/")[2], 'p256dh">', "auth-secret>")
        assert not [each for each in secrets if each.encode() in answer.body or each in repr(answer.headers)]
    assert phone.url.rpartition("/")[2] not in caplog.text


def test_a_telling_needs_nothing_of_a_request(pushing: Site, anna: Person, service: PushService) -> None:
    """What is sent is the worker's: a request that changes something only notes it."""
    post(pushing, anna, service.subscribe().register())
    worker: Telling = telling(pushing.database)
    assert worker.delivery.finish(1)
    assert pushing.call("PUT", "/anna/contacts/one.vcf", _VCARD, {}, person=anna).status == 201
    (row,) = rows(pushing.database)
    assert (row.has_content, row.told_at, row.attempts) == (True, None, 0)
