"""The first hour: who is new has a card, groups and a language at once, and is seen by connections as far as ticked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from radicale_plugin.web.set_up import CLIENTS
from sync.accounts import addresses, one_time_tokens
from sync.database import accounts
from sync.database.engine import Session
from sync.meeting import invitation_links, invitations
from sync.models import Message
from sync.sharing import groups
from sync.sharing.preferences import preferences_of
from sync.sharing.visibility import grants_of
from sync.sign_in import credentials
from tests.portal.conftest import PASSWORD
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support import dav, forms, meeting
from tests.support.chromium import PortalServer
from tests.support.factories import connect, person
from tests.support.forms import MAILING, ORIGIN, Visitor
from tests.support.newcomers import signed_up
from tests.support.one_time_tokens import newest_token
from tests.support.site import Site, Transport
from tests.support.waiting import until

NAME, NUMBER = "王芳 Wang Fang", "+86 139 0000 1111"
ENGLISH = ["Colleagues", "Family", "Friends"]
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1"
IPAD = "Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit/605.1.15 Version/12.1 Mobile Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server that sends e-mail and text messages."""
    with forms.opened(database_url, **MAILING) as site:
        yield site


@pytest.fixture
def son(site: Site) -> int:
    """Return Wei, who shows strangers his name."""
    son = person(site.database, "wei")
    meeting.show_strangers(site.database, son, "name", "Liang Wei")
    return son


def link_of(site: Site, owner_id: int) -> str:
    def make(session: Session) -> str:
        link_id = invitation_links.create(session, owner_id, at_once=True)
        return invitation_links.token_for(session, owner_id, link_id)

    return site.database.write(make)


def invitation_of(site: Site, inviter_id: int, address: str = "mother@example.org") -> str:
    invitations.invite(site.database, inviter_id, address, "", source="192.0.2.1")
    return newest_token(site.database, "invitation")


def door(site: Site, son: int, which: str) -> tuple[str, str]:
    """Return the page that a way in begins with, and where its forms go."""
    token = link_of(site, son) if which == "join" else invitation_of(site, son) if which == "invitation" else ""
    return f"/{which}?token={token}" if token else "/sign-up", f"/{which}/sign-up" if token else "/sign-up"


def id_of(site: Site, login: str) -> int:
    with site.database.reading() as session:
        return accounts.find(session, login)


def own_groups(site: Site, login: str) -> list[str]:
    with site.database.reading() as session:
        return [group.name for group in groups.groups_of(session, accounts.find(session, login))]


def language_of(site: Site, login: str) -> str | None:
    with site.database.reading() as session:
        return preferences_of(session, accounts.find(session, login)).language


def on_phone(site: Site, viewer_id: int, name: str) -> tuple[str, str]:
    """Return the number, empty where there is none, of the one card called *name* that a device of somebody gets."""

    def device(session: Session) -> tuple[str, str]:
        _id, password = credentials.add_device(session, viewer_id, "Phone")
        return accounts.logins(session, [viewer_id])[viewer_id], password

    login, password = site.database.write(device)
    replica = dav.Replica(dav.Client(dav.http(ORIGIN, transport=Transport(site)), login, password))
    replica.sync()
    cards = [{name.partition(";")[0]: said for name, said in dav.contents(card)} for card in replica.cards.values()]
    (found,) = [card for card in cards if card["FN"] == name]
    return found["FN"], found.get("TEL", "")


@pytest.mark.parametrize("which", ["sign-up", "invitation", "join"])
@pytest.mark.parametrize(("name", "number"), list(product((True, False), repeat=2)))
def test_a_connection_s_device_gets_just_what_was_ticked(
    site: Site, son: int, which: str, *, name: bool, number: bool
) -> None:
    """Both are ticked at first; what the new person unticks is not granted, by whichever door they come."""
    path, action = door(site, son, which)
    visitor = Visitor(site)
    page = visitor.get(path)
    about: dict[str, str | list[str]] = {**page.fields(action), "name": NAME, "number": NUMBER}
    assert about["sees_name"] == about["sees_number"] == "y"
    for field, ticked in (("sees_name", name), ("sees_number", number)):
        if not ticked:
            del about[field]
    page = visitor.send(f"{forms.ROOT}{action}", about)
    seen = " ".join(page.document.xpath("//article[contains(@class, 'vcard')]")[0].text_content().split())
    assert ("Wang Fang" in seen, "1111" in seen) == (name, number)
    page.submit(action, login="mother", password=PASSWORD)
    mother = id_of(site, "mother")
    if which == "sign-up":
        connect(site.database, son, mother)
    called = NAME if name else "mother"
    assert on_phone(site, son, called) == (called, NUMBER if number else "")
    assert on_phone(site, mother, NAME) == (NAME, NUMBER), "she has all of her own card"
    with site.database.reading() as session:
        given = grants_of(session, mother)
    assert given.strangers == frozenset()
    assert set(given.by_group.values()) <= {given.connections}


@pytest.mark.parametrize("which", ["sign-up", "invitation", "join"])
@pytest.mark.parametrize(
    ("language", "names"),
    [("en-GB", ENGLISH), ("zh-CN", ["同事", "家人", "朋友"]), ("fr", ENGLISH)],
)
def test_who_is_new_has_groups_and_messages_in_their_language(
    site: Site, son: int, which: str, language: str, names: list[str]
) -> None:
    path, action = door(site, son, which)
    email = {} if which == "invitation" else {"email": "mother@example.com"}
    signed_up(Visitor(site, language=language).get(path), action, "mother", PASSWORD, **email)
    assert own_groups(site, "mother") == ["strangers", "connections", *names]
    spoken = "zh-Hans" if language == "zh-CN" else "en"
    assert language_of(site, "mother") == spoken
    with site.database.reading() as session:
        letters = session.scalars(select(Message.language).where(Message.template == "confirm")).all()
    assert letters == ([spoken] if email else [])
    assert Visitor(site, language="en").signed_in(id_of(site, "mother")).get("/").document.get("lang") == spoken


def test_the_first_groups_are_like_any_other(site: Site) -> None:
    visitor = Visitor(site)
    signed_up(visitor.get("/sign-up"), "/sign-up", "cleo", PASSWORD)
    with site.database.reading() as session:
        cleo = accounts.find(session, "cleo")
        family, friends = (groups.find(session, cleo, name).id for name in ("family", "friends"))
    page = visitor.get(f"/groups/{family}").submit(f"/groups/{family}/rename", name="Relatives")
    assert page.told == ["The group is renamed. Nobody but you ever sees its name."]
    visitor.get(f"/groups/{friends}/delete").submit(f"/groups/{friends}/delete")
    assert own_groups(site, "cleo") == ["strangers", "connections", "Colleagues", "Relatives"]


def test_who_is_connected_and_comes_by_a_link_is_written_to_in_their_language(site: Site, son: int) -> None:
    """An account of before keeps its groups, and a language that was chosen."""
    lin, chosen = person(site.database, "lin"), person(site.database, "max")
    meeting.prefer(site.database, chosen, language="en")
    for account_id in (lin, chosen):
        token = link_of(site, son)
        Visitor(site, language="zh-CN").signed_in(account_id).get(f"/join?token={token}").submit("/join")
    assert (language_of(site, "lin"), language_of(site, "max")) == ("zh-Hans", "en")
    assert own_groups(site, "lin") == ["strangers", "connections"]


def test_nothing_typed_is_lost_between_the_steps(site: Site, son: int) -> None:
    path, action = door(site, son, "join")
    typed = {"name": '"><b>王芳', "number": NUMBER, "email": "m@example.com"}
    second = Visitor(site).get(path).submit(action, **typed)
    first = second.submit(action, change="1")
    assert first.told == []
    assert {name: first.fields(action)[name] for name in typed} == typed
    assert first.fields(action)["sees_name"] == "y"
    refused = second.submit(action, login="mother", password="short")
    assert refused.status == 400
    assert {name: refused.fields(action)[name] for name in typed} == typed
    again = refused.submit(action, password=PASSWORD)
    assert again.told[-1].startswith("A link is on its way")


@pytest.mark.parametrize(
    ("name", "login"),
    [(NAME, "wang.fang"), ("王芳", "wangfang"), ("Émile Zola", "emile.zola"), ("Мария", "card"), ("O'Neil", "o.neil")],
)
def test_a_login_is_proposed_and_one_like_it_is_free(site: Site, name: str, login: str) -> None:
    """Whether a login is taken is not told to whoever types names, and costs nobody a try."""
    logins = []
    # Two who are called alike may well choose the same password.
    for _ in range(2):
        page = Visitor(site).get("/sign-up").submit("/sign-up", name=name)
        assert page.fields("/sign-up")["login"] == login
        told = page.submit("/sign-up", password=PASSWORD).told[0]
        logins.append(told.removeprefix("Welcome! You sign in as ").rstrip("."))
    assert logins[0] == login
    assert re.fullmatch(rf"{re.escape(login)}\d{{4}}", logins[1])
    chosen = signed_up(Visitor(site).get("/sign-up"), "/sign-up", login, PASSWORD, name="Somebody Else")
    assert chosen.told == [f"The login '{login}' is taken."]


@pytest.mark.parametrize("which", ["sign-up", "invitation", "join"])
def test_a_double_click_makes_one_account_and_leads_into_it(site: Site, son: int, which: str) -> None:
    """The second of two that the browser sends, whose answer it shows, has the cookie of before."""
    path, action = door(site, son, which)
    visitor = Visitor(site)
    second = visitor.get(path).submit(action, name=NAME)
    before = visitor.client.cookies["evercard"]
    second.submit(action, password=PASSWORD)
    visitor.client.cookies.clear()
    visitor.client.cookies.set("evercard", before, domain="evercard.test", path=f"{forms.ROOT}/")
    page = second.submit(action, password=PASSWORD)
    assert page.status == 200
    assert visitor.get("/account/").status == 200
    with site.database.reading() as session:
        assert {account.login for account in accounts.everybody(session)} == {"wei", "wang.fang"}
    assert meeting.are_connected(site.database, son, id_of(site, "wang.fang")) is (which != "sign-up")
    stranger = Visitor(site).get(path)
    if which == "invitation":
        refused = stranger.visitor.post(action, {"token": path.partition("=")[2], "login": "wei", "password": PASSWORD})
        assert refused.status == 410


def test_what_an_invitation_proved_is_not_asked_for(site: Site, son: int) -> None:
    page = Visitor(site).get(f"/invitation?token={invitation_of(site, son)}")
    assert "email" not in page.fields("/invitation/sign-up")
    assert "email" in Visitor(site).get(f"/join?token={link_of(site, son)}").fields("/join/sign-up")
    sent_to = {"channel": "sms", "value": "+8613900001111"}
    token = site.database.write(lambda session: one_time_tokens.issue(session, "invitation", son, sent_to, lifetime=60))
    fields = Visitor(site).get(f"/invitation?token={token}").fields("/invitation/sign-up")
    assert fields["number"] == "+8613900001111"
    assert "email" in fields


@pytest.mark.parametrize(
    ("browser", "key"),
    [(IPHONE, "iphone"), (IPAD, "iphone"), (ANDROID, "android"), (MAC, "mac"), (LINUX, ""), ("", "")],
)
def test_the_phone_s_set_up_is_that_of_the_browser(site: Site, son: int, browser: str, key: str) -> None:
    path, action = door(site, son, "join")
    visitor = Visitor(site)
    visitor.client.headers["User-Agent"] = browser
    page = signed_up(visitor.get(path), action, "mother", PASSWORD)
    assert page.path.partition("?")[0] == (f"/devices/new/{key}" if key else "/devices/")
    asked = {each.key for each in CLIENTS if "at a computer" in visitor.get(f"/devices/new/{each.key}").text}
    assert asked == (set() if key in ("iphone", "android") else {"iphone", "android"})


def test_an_ipad_that_says_it_is_a_mac_is_led_to_its_steps_by_a_link(site: Site, son: int) -> None:
    visitor = Visitor(site).signed_in(son)
    visitor.client.headers["User-Agent"] = MAC
    page = visitor.get("/devices/start").followed()
    ((link, said),) = [(node.get("href"), node.text_content()) for node in page.document.xpath("//*[@data-ipad]//a")]
    assert "On an iPad?" in said
    steps = visitor.get(link.removeprefix(forms.ROOT))
    assert "at a computer" not in steps.text
    assert "On the iPhone or iPad, in Safari" in steps.submit("/devices/new/iphone").text
    # Whoever chose the Mac from the list is not led elsewhere, and may follow the link.
    chosen = visitor.get("/devices/new/mac")
    assert "On an iPad?" in chosen.text
    assert not chosen.document.xpath("//*[@data-ipad]")


@pytest.mark.parametrize(("places", "steps"), [(5, "iphone?here=yes"), (0, "mac?here=yes")])
def test_a_script_leads_an_ipad_there_and_leaves_a_mac_where_it_is(
    chromium: Browser, lasting_server: PortalServer, places: int, steps: str
) -> None:
    with browsers.opened(chromium, lasting_server, user_agent=MAC, has_touch=bool(places)) as page:
        if places:
            # Chromium plays a screen that is touched at one place, and an iPad's is at five.
            page.add_init_script(f"Object.defineProperty(navigator, 'maxTouchPoints', {{ get: () => {places} }})")
        sign_in(page)
        page.goto("devices/start")
        expect(page).to_have_url(f"{lasting_server.url}/.web/devices/new/{steps}")
        expect(page.locator("main form button").first).to_be_visible()


def test_the_page_that_waits_notices_the_phone(site: Site) -> None:
    """By a small answer that is asked for by its ETag, and without scripts by the page as a whole."""
    visitor = Visitor(site)
    cleo = person(site.database, "cleo")
    visitor.signed_in(cleo)
    made = visitor.get("/devices/new/iphone").submit("/devices/new/iphone")
    ((place,), (version,)) = (made.document.xpath(f"//@data-{name}") for name in ("polls", "version"))
    path = place.removeprefix(forms.ROOT)
    waits = path.replace("/state", "/wait")
    same = visitor.get(path, If_None_Match=version)
    assert (same.status, same.response.content, same.response.headers["ETag"]) == (304, b"", version)
    assert visitor.get(waits).document.xpath("//noscript/meta[@http-equiv='refresh']")
    (password,) = made.document.xpath("//input[@id='secret']/@value")
    phone = dav.Replica(dav.Client(dav.http(ORIGIN, transport=Transport(site)), "cleo", password))
    phone.sync()
    until(lambda: visitor.get(path, If_None_Match=version).status == 200)
    until(lambda: "is connected" in visitor.get(path).response.text)
    changed = visitor.get(path)
    assert "1 card is in its contacts" in changed.response.text
    assert len(changed.response.content) < 1_500
    assert changed.document.xpath("//*[@data-done]")
    arrived = visitor.get(waits)
    assert "“iPhone” is connected" in arrived.text
    assert not arrived.document.xpath("//noscript/meta")
    connect(site.database, cleo, person(site.database, "bo"))
    behind = visitor.get(path, If_None_Match=changed.response.headers["ETag"])
    assert behind.status == 200
    assert "The newest changes come when it looks next." in behind.response.text
    chinese = Visitor(site, language="zh-CN").signed_in(cleo).get(path, If_None_Match=behind.response.headers["ETag"])
    assert chinese.status == 200


def test_nobody_waits_for_another_s_phone(site: Site) -> None:
    anna, bo = person(site.database, "anna"), person(site.database, "bo")
    device_id, _password = site.database.write(lambda session: credentials.add_device(session, bo, "Bo's phone"))
    for page in ("state", "wait"):
        assert Visitor(site).signed_in(anna).get(f"/devices/{device_id}/{page}").status == 404
        assert Visitor(site).get(f"/devices/{device_id}/{page}").status == 303
    site.database.write(lambda session: credentials.revoke_device(session, bo, device_id))
    assert Visitor(site).signed_in(bo).get(f"/devices/{device_id}/state").status == 404


@pytest.mark.parametrize(("channel", "address"), [("email", "cleo@example.org"), ("sms", "+8613900001111")])
def test_who_proved_nothing_is_reminded_until_they_have(site: Site, channel: str, address: str) -> None:
    cleo = person(site.database, "cleo")
    visitor = Visitor(site).signed_in(cleo)
    for path in ("/", "/settings/"):
        assert "Without one, a lost password cannot be replaced." in visitor.get(path).text
    # Every page says so quietly, at the place where it is done.
    quietly = "//nav//a[contains(@href, '/settings/')]//*[contains(@class, 'todo')]"
    for path in ("/card/", "/people/", "/activity/"):
        said = visitor.get(path).document.xpath(f"normalize-space({quietly})")
        assert said == "Add an e\u2011mail address."
    site.database.write(lambda session: addresses.add(session, cleo, channel, address))
    for path in ("/", "/settings/"):
        page = visitor.get(path)
        assert "a lost password" not in page.text
        assert page.document.xpath(quietly) == []


def test_loading_again_the_page_that_asks_for_a_code_sends_none(database_url: str) -> None:
    path, number = "/settings/addresses/code", "+8613900001111"
    with forms.opened(database_url, **MAILING, sms_url="https://sms.example.org/") as site:
        visitor = Visitor(site).signed_in(person(site.database, "cleo"))
        assert visitor.get(path).location == "/settings/addresses"
        page = visitor.get("/settings/addresses").submit("/settings/addresses", address=number)
        assert (page.path, number in page.text) == (path, True)
        once = meeting.messages(site.database)
        assert len(once) == 1
        wrong = visitor.get(path).submit(path, code="000")
        assert (wrong.status, number in wrong.text) == (400, True)
        assert meeting.messages(site.database) == once


def test_nobody_is_reminded_of_what_this_server_cannot_do(database_url: str) -> None:
    with forms.opened(database_url) as silent:
        page = Visitor(silent).signed_in(person(silent.database, "cleo")).get("/")
        assert "a lost password" not in page.text
