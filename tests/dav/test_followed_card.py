"""The one card of a link, as programs that know nothing but its login and password set it up and follow it."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest
from lxml import etree

from sync.card_links import links
from sync.sharing import grants, groups
from sync.sign_in import administrators, deletion
from tests.dav.asking import NS
from tests.support import dav
from tests.support.card_links import Handed, made
from tests.support.clock import HOUR, MINUTE, Clock
from tests.support.factories import MOBILE, field, group, person, set_field
from tests.support.site import Answer, Site, Transport

IOS = "iOS/18.4 (22E240) dataaccessd/1.0"
LIKE_IOS = "CardDAV-Sync (Android) (like iOS/5.0.1 (9A405) dataaccessd/1.0)"
PRIVILEGES = "{DAV:}current-user-privilege-set"
NAME = "{DAV:}displayname"
TYPE = "{DAV:}resourcetype"
PRINCIPAL = "{DAV:}current-user-principal"
HOME = f"{{{dav.CARD}}}addressbook-home-set"
LIST = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:l\r\nFN:Work\r\nN:Work\r\nX-ADDRESSBOOKSERVER-KIND:group\r\nEND:VCARD\r\n"
CONTACT = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:c\r\nFN:Zoe\r\nN:;Zoe;;;\r\nEND:VCARD\r\n"


class Stage:
    """Anna, whose clients see a number of hers and her name, and a program that follows that."""

    def __init__(self, site: Site, http: httpx.Client) -> None:
        self.site, self.http, self.database = site, http, site.database
        self.anna = person(site.database, "anna")
        name = field(site.database, self.anna, "name", "Anna Schmidt")
        self.work = field(site.database, self.anna, "office-phone", "+49 30 1234")
        field(site.database, self.anna)
        self.clients = group(site.database, self.anna, "clients", [], [name, self.work])
        self.link: Handed = made(site.database, self.anna, self.clients)
        self.client = self.follower()

    def follower(self, agent: str = "vdirsyncer/0.21", link: Handed | None = None) -> dav.Client:
        """Return a program that follows the card."""
        one = link or self.link
        return dav.Client(self.http, one.login, one.password, user_agent=agent)

    @property
    def card(self) -> str:
        """The path of the card."""
        return f"{self.client.book}card.vcf"

    def change(self, number: str) -> None:
        """Give anna another number at work."""
        set_field(self.database, self.anna, self.work, number, "office-phone")

    def fetched(self) -> int:
        """Return how often programs fetched the card."""
        with self.database.reading() as session:
            return links.link_of(session, self.anna, self.link.id).fetched

    def end(self) -> None:
        """End the link."""
        self.database.write(lambda session: links.end(session, self.anna, self.link.id))


@pytest.fixture
def stage(site: Site) -> Iterator[Stage]:
    """Set the stage."""
    with dav.http("https://cards.example", transport=Transport(site)) as http:
        yield Stage(site, http)


def href_in(resources: dict[str, dav.Resource], name: str) -> str:
    (found,) = (resource.properties[name] for resource in resources.values() if name in resource.properties)
    return found.findtext("{DAV:}href") or ""


def privileges(found: dav.Resource) -> set[str]:
    return {etree.QName(node[0]).localname for node in found.properties[PRIVILEGES].iter("{DAV:}privilege")}


@pytest.mark.parametrize("start", ["/", "/.well-known/carddav"])
def test_it_is_found_with_nothing_but_login_and_password(stage: Stage, start: str) -> None:
    """As vdirsyncer, Thunderbird and DAVx5 look for address books."""
    principal = href_in(stage.client.propfind(start, (PRINCIPAL,), depth="0"), PRINCIPAL)
    assert principal == stage.client.principal
    home = href_in(stage.client.propfind(principal, (HOME,), depth="0"), HOME)
    found = stage.client.propfind(home, (TYPE, NAME, PRIVILEGES), depth="1")
    books = [href for href, each in found.items() if each.properties[TYPE].find("C:addressbook", NS) is not None]
    assert books == [stage.client.book]
    assert found[stage.client.book].text(NAME) == "Anna Schmidt"
    for each in found.values():
        assert privileges(each) == {"read", "read-acl", "read-current-user-privilege-set"}


def test_an_iphone_sets_it_up_and_follows_it(stage: Stage) -> None:
    phone = stage.follower(IOS)
    challenged = stage.site.call("PROPFIND", "/.well-known/carddav", headers={"Depth": "0"})
    assert (challenged.status, 'realm="Evercard"' in challenged.header("WWW-Authenticate")) == (401, True)
    principal = href_in(phone.propfind("/.well-known/carddav", (PRINCIPAL, TYPE), depth="0"), PRINCIPAL)
    allowed = phone.request("OPTIONS", principal)
    assert (allowed.status, "addressbook" in allowed.header("DAV")) == (200, True)
    assert "PUT" not in allowed.header("Allow")
    home = href_in(phone.propfind(principal, (HOME, NAME, f"{{{dav.CARD}}}directory-gateway"), depth="0"), HOME)
    found = phone.propfind(home, (TYPE, PRIVILEGES, "{DAV:}owner", "{DAV:}supported-report-set", dav.SYNC_TOKEN))
    assert set(found) == {home, phone.book}
    me = f'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><S:me-card xmlns:S="{dav.CS}"><D:href>{stage.card}</D:href>'
    answered = phone.request("PROPPATCH", home, f"{me}</S:me-card></D:prop></D:set></D:propertyupdate>")
    assert (answered.status, b"200 OK" in answered.body, b"403" in answered.body) == (207, True, False)
    replica = dav.Replica(phone, style="multiget")
    replica.sync()
    assert "+49 30 1234" in (replica.cards[stage.card].text or "")
    token = phone.book_token()
    assert phone.book_token() == token == replica.token
    stage.change("+49 30 9999")
    assert phone.book_token() != token
    replica.sync()
    assert "9999" in (replica.cards[stage.card].text or "")


@pytest.mark.parametrize("style", ["data", "multiget", "listing"])
def test_a_change_comes_once_and_nothing_in_between(stage: Stage, style: dav.Style) -> None:
    replica = dav.Replica(stage.client, style=style)
    replica.sync()
    assert stage.fetched() == 1
    before = replica.cards[stage.card]
    for _ in range(3):
        replica.sync()
    assert replica.cards == {stage.card: before}
    assert stage.fetched() == 1
    stage.change("+49 30 9999")
    replica.sync()
    assert "9999" in (replica.cards[stage.card].text or "")
    assert replica.cards[stage.card].etag != before.etag
    assert stage.fetched() == 2
    replica.go_back(0)
    replica.sync()
    assert "9999" in (replica.cards[stage.card].text or "")


def test_a_field_taken_back_is_gone_from_every_answer_at_once(stage: Stage) -> None:
    replica = dav.Replica(stage.client)
    replica.sync()
    stage.database.write(lambda session: grants.take_back(session, stage.anna, stage.clients, [stage.work]))
    replica.sync()
    stage.client.get(stage.card)
    stage.client.get(stage.card, version="4.0")
    stage.client.multiget([stage.card])
    stage.client.query("FN", "Anna")
    stage.client.propfind(depth="1", names=(dav.DATA, dav.ETAG))
    assert stage.client.query("TEL", "1234") == {}
    since = stage.client.exchanges[1:]
    assert len(since) == 7
    assert not [each.text for each in since if "1234" in each.text]
    assert MOBILE not in "".join(each.text for each in stage.client.exchanges)


def test_both_versions_are_served_and_3_0_goes_without_saying(stage: Stage) -> None:
    plain, modern = stage.client.get(stage.card), stage.client.get(stage.card, version="4.0")
    assert "VERSION:3.0" in (plain.text or "")
    assert "VERSION:4.0" in (modern.text or "")
    assert plain.etag != modern.etag
    same = stage.client.request("GET", stage.card, headers={"If-None-Match": plain.etag})
    assert (same.status, same.body) == (304, b"")
    for version in ("3.0", "4.0"):
        found = stage.client.multiget([stage.card], version=version)[stage.card]
        assert found is not None
        assert f"VERSION:{version}" in (found.text or "")


def test_a_token_of_another_book_is_refused_as_everywhere(stage: Stage) -> None:
    other = made(stage.database, stage.anna, stage.clients)
    foreign = stage.follower(link=other).book_token()
    for token in (foreign, "b905a5fd-0000-4000-8000-000000000000", stage.client.book_token() + "0"):
        with pytest.raises(dav.Failed) as refused:
            stage.client.sync_collection(token)
        assert (refused.value.status, refused.value.condition) == (403, "{DAV:}valid-sync-token")
        with pytest.raises(dav.Failed) as refused:
            stage.follower("Thunderbird/153.7.0").sync_collection(token)
        assert refused.value.status == 400


@pytest.mark.parametrize("agent", ["vdirsyncer/0.21", "DAVx5/4.5 ical4j", LIKE_IOS])
@pytest.mark.parametrize(("method", "name"), [("PUT", "card.vcf"), ("PUT", "new.vcf"), ("DELETE", "card.vcf")])
def test_what_writes_is_told_that_it_may_not(stage: Stage, agent: str, method: str, name: str) -> None:
    """With need-privileges, at which DAVx5 takes back what it changed (client fact D-8)."""
    client = stage.follower(agent)
    before = client.get(stage.card)
    answer = client.request(method, client.book + name, CONTACT if method == "PUT" else "")
    assert answer.status == 403
    assert dav.Failed(answer).condition == "{DAV:}need-privileges"
    assert client.get(stage.card).text != CONTACT
    assert dav.contents(client.get(stage.card)) == dav.contents(before)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_iphone_that_writes_goes_on_and_is_given_the_card_again(stage: Stage, method: str) -> None:
    """One that is refused synchronizes no more (client fact I-5)."""
    phone = stage.follower(IOS)
    replica = dav.Replica(phone, style="multiget")
    replica.sync()
    before = replica.cards[stage.card]
    sent = (before.text or "").replace("+49 30 1234", "+1 555 0100") if method == "PUT" else ""
    answer = phone.request(method, stage.card, sent, {"If-Match": before.etag})
    assert (answer.status, answer.header("ETag")) == (204, "")
    replica.sync()
    after = replica.cards[stage.card]
    assert after.etag != before.etag
    assert dav.contents(after) == dav.contents(before)


def test_a_list_that_an_iphone_makes_stays_on_it_and_a_contact_is_refused(stage: Stage) -> None:
    """To let it believe that a contact is kept here, which is not, would lose it."""
    phone = stage.follower(IOS)
    assert phone.request("PUT", f"{phone.book}l.vcf", LIST).status == 201
    assert phone.request("PUT", f"{phone.book}c.vcf", CONTACT).status == 403
    assert set(phone.listing()) == {stage.card}


@pytest.mark.parametrize("method", ["MKCOL", "MOVE", "COPY", "ACL", "POST"])
@pytest.mark.parametrize("path", ["", "contacts/", "contacts/card.vcf", "more/"])
def test_nothing_else_can_be_done(stage: Stage, method: str, path: str) -> None:
    headers = {"Destination": f"https://cards.example{stage.client.book}x.vcf"}
    answer = stage.client.request(method, stage.client.principal + path, headers=headers)
    assert answer.status in (403, 405)
    assert set(stage.client.listing()) == {stage.card}


def test_it_opens_nothing_but_itself(stage: Stage) -> None:
    for path in ("/anna/", "/anna/contacts/", "/nobody/", "/directory/", f"/{stage.link.login}x/"):
        assert stage.client.request("PROPFIND", path, headers={"Depth": "0"}).status == 403
    inside = stage.client.principal
    for path in (f"{inside}x/", f"{inside}contacts/x.vcf", f"{inside}directory/", f"{inside}a/b/c/d"):
        answer = stage.client.request("PROPFIND", path, headers={"Depth": "0"})
        assert answer.status in (404, 405)
    found = stage.client.propfind("/", (NAME,), depth="1")
    assert set(found) == {"/", inside}
    missing = stage.client.multiget([f"{stage.client.book}x.vcf", "/anna/contacts/card.vcf", stage.card])
    assert [href for href, each in missing.items() if each is not None] == [stage.card]


@pytest.mark.parametrize("how", ["ended", "group", "disabled", "left", "minute"])
def test_when_the_link_is_over_it_is_as_if_it_had_never_been(
    stage: Stage, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    at = clock.soon(HOUR)
    link = made(stage.database, stage.anna, stage.clients, until=at)
    client = stage.follower(link=link)
    assert client.book_token()
    changes = {
        "ended": lambda session: links.end(session, stage.anna, link.id),
        "group": lambda session: groups.remove(session, stage.anna, stage.clients),
        "disabled": lambda session: administrators.disable(session, stage.anna),
    }
    if how == "left":
        deletion.leave(stage.database, stage.anna)
    elif how == "minute":
        clock.put(at)
    else:
        stage.database.write(changes[how])
    never = asked(stage, "_" + "a" * 26, link.password)
    assert never.status == 401
    over = asked(stage, link.login, link.password)
    assert (over.status, over.body) == (401, never.body)
    clock.put(at - 10 * MINUTE)
    if how in ("ended", "minute", "group"):
        assert asked(stage, link.login, link.password).status == 401


@pytest.mark.parametrize("password", ["", "x", "aaaa-" * 5 + "aaaa", "\x00", "é"])
def test_a_wrong_password_opens_nothing(stage: Stage, password: str) -> None:
    assert asked(stage, stage.link.login, password).status == 401


def asked(stage: Stage, login: str, password: str) -> Answer:
    sent = base64.b64encode(f"{login}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {sent}", "Depth": "0"}
    return stage.site.call("PROPFIND", f"/{login}/contacts/", headers=headers)
