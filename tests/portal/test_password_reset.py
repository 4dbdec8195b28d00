"""Links by e-mail, as somebody uses them: to prove an address when they sign up, and to choose a new password."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from sync.accounts import addresses
from sync.database import accounts
from sync.models import Message
from tests.portal.conftest import PASSWORD
from tests.support import forms
from tests.support.forms import MAILING, ORIGIN, ROOT, Page, Visitor
from tests.support.meeting import do_errands
from tests.support.newcomers import signed_up
from tests.support.site import Site

EMAIL = "cleo@example.org"
SAID = (
    "If somebody here has that name and has confirmed an e-mail address, a link is on its way to it. "
    "It is valid for an hour."
)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server that sends e-mail."""
    with forms.opened(database_url, **MAILING) as site:
        yield site


def links(site: Site, template: str) -> list[tuple[str, str, str]]:
    """Return recipient, language, and the path below ``/.web`` of the link, of each message that waits."""
    do_errands(site.database)
    with site.database.reading() as session:
        rows = session.scalars(select(Message).where(Message.template == template)).all()
        found = [(row.recipient, row.language, json.loads(row.values)["link"]) for row in rows]
    assert all(link.startswith(f"{ORIGIN}{ROOT}/") for _, _, link in found)
    return [(recipient, language, link.removeprefix(ORIGIN + ROOT)) for recipient, language, link in found]


def sign_up(visitor: Visitor, email: str = EMAIL) -> Page:
    return signed_up(visitor.get("/sign-up"), "/sign-up", "cleo", PASSWORD, email=email)


def proved(site: Site) -> list[tuple[str, str]]:
    with site.database.reading() as session:
        return addresses.addresses_of(session, accounts.find(session, "cleo"))


def ask(visitor: Visitor, name: str) -> Page:
    return visitor.get("/forgotten").submit("/forgotten", name=name)


def test_an_address_counts_once_its_link_was_followed(site: Site, visitor: Visitor) -> None:
    page = sign_up(visitor)
    assert page.told[-1].startswith("A link is on its way")
    ((recipient, _language, link),) = links(site, "confirm")
    assert recipient == EMAIL
    assert proved(site) == []
    elsewhere = Visitor(site)
    opened = elsewhere.get(link)
    assert proved(site) == [], "a program that looks into e-mail decides nothing"
    assert opened.submit("/confirm").told == ["Thank you. The e-mail address is confirmed."]
    assert proved(site) == [("email", EMAIL)]
    again = elsewhere.post(link)
    assert again.status == 400
    assert "This link does not work any more" in again.text
    inside = Visitor(site).get("/sign-in").submit("/sign-in", login=EMAIL.upper(), password=PASSWORD)
    assert inside.path == "/"


@pytest.mark.parametrize("email", ["nonsense", "a@b", "x@y@z.example", '"><script>alert(1)</script>@example.org'])
def test_an_address_that_cannot_be_is_told_before_there_is_an_account(site: Site, visitor: Visitor, email: str) -> None:
    page = sign_up(visitor, email)
    assert page.status == 400
    assert page.told == ["This is no e-mail address."]
    assert page.fields("/sign-up")["email"] == email
    assert links(site, "confirm") == []
    with site.database.reading() as session:
        assert accounts.everybody(session) == []


def test_no_address_is_asked_for_where_nothing_can_be_sent(database_url: str) -> None:
    with forms.opened(database_url) as site:
        visitor = Visitor(site)
        assert "email" not in visitor.get("/sign-up").fields("/sign-up")
        assert "I forgot my password" in visitor.get("/sign-in").text
        page = visitor.get("/forgotten")
        assert page.status == 200
        assert "Ask whoever runs this server" in page.text
        assert [form.get("action") for form in page.document.forms] == [f"{ROOT}/language"]


def test_a_forgotten_password_is_replaced_by_a_link(site: Site, visitor: Visitor) -> None:
    sign_up(visitor)
    account_id = site.database.write(lambda session: accounts.find(session, "cleo"))
    site.database.write(lambda session: addresses.add(session, account_id, "email", EMAIL))
    other = Visitor(site)
    assert ask(other, EMAIL).told == [SAID]
    ((recipient, _language, link),) = links(site, "reset")
    assert recipient == EMAIL
    page = other.get(link)
    assert page.submit("/reset", new="short").status == 400
    inside = other.get(link).submit("/reset", new="another password")
    assert inside.path == "/"
    assert "Hello, Called cleo" in inside.text
    assert visitor.get("/account/").status == 303, "all other browsers are signed out"
    assert other.get(link).status == 400
    assert Visitor(site).get("/sign-in").submit("/sign-in", login="cleo", password="another password").status == 200


def test_who_asks_learns_nothing(site: Site, visitor: Visitor) -> None:
    """Somebody with an address, without one, and nobody: the same page, word for word."""
    sign_up(visitor, "")
    pages = [ask(Visitor(site), name) for name in ("cleo", "nobody", "nobody@example.org")]
    assert {(page.status, page.path, page.text) for page in pages} == {(200, "/forgotten/sent", pages[0].text)}
    assert "If you never confirmed an e-mail address" in pages[0].text
    assert links(site, "reset") == []


def test_the_message_is_in_the_language_of_the_person(site: Site, visitor: Visitor) -> None:
    sign_up(visitor).submit("/language", language="zh-Hans")
    account_id = site.database.write(lambda session: accounts.find(session, "cleo"))
    site.database.write(lambda session: addresses.add(session, account_id, "email", EMAIL))
    ask(Visitor(site), "cleo")
    assert [language for _, language, _ in links(site, "reset")] == ["zh-Hans"]
    assert Visitor(site).signed_in(account_id).get("/").document.get("lang") == "zh-Hans"


@pytest.mark.parametrize("path", ["/reset", "/confirm"])
@pytest.mark.parametrize("token", ["", "x", "x.y", "%00", "%F0%9F%98%80.x"])
def test_a_made_up_link_does_nothing(visitor: Visitor, path: str, token: str) -> None:
    answer = visitor.post(f"{path}?token={token}", {"new": "another password"})
    assert answer.status == 400
    assert "This link does not work any more" in answer.text
