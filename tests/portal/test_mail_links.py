"""What links in messages lead to: looking changes nothing, a button decides once, and nobody has to be signed in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from sync.accounts import addresses
from sync.database import accounts
from sync.database.engine import Session
from sync.meeting import invitation_links, invitations
from sync.notify import suppression
from sync.sharing import connections
from tests.portal.conftest import PASSWORD
from tests.support import forms, meeting
from tests.support.factories import connect, field, group, person
from tests.support.forms import Page, Visitor
from tests.support.newcomers import signed_up
from tests.support.one_time_tokens import newest_token
from tests.support.site import Site

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
NEW = {"name": "Somebody New", "login": "eve", "password": PASSWORD}
OVER = "This link does not work any more"


@pytest.fixture(params=["open"])
def site(database_url: str, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Yield a server that sends e-mail."""
    options = {"smtp_host": "mail.evercard.test", "mail_from": "cards@evercard.test", "sign_up": request.param}
    with forms.opened(database_url, **options) as site:
        yield site


@pytest.fixture
def anna(site: Site) -> int:
    """Anna, who reads e-mail."""
    anna = person(site.database, "anna")
    meeting.show_strangers(site.database, anna, "name", "Anna Chen")
    site.database.write(lambda session: addresses.add(session, anna, "email", "anna@example.org"))
    return anna


@pytest.fixture
def bo(site: Site) -> int:
    """Bo, who shows strangers his name, and new connections his number."""
    bo = person(site.database, "bo")
    meeting.show_strangers(site.database, bo, "name", "Bo Berg")
    newcomers = group(site.database, bo, "New", granted=[field(site.database, bo)])
    meeting.prefer(site.database, bo, newcomers_group_id=newcomers)
    return bo


@pytest.fixture
def letter(site: Site, anna: int, bo: int) -> str:
    """Return the secret of the letter that tells Anna of Bo's request."""
    meeting.ask(site.database, bo, anna, "From the ferry")
    return newest_token(site.database, "request")


@pytest.fixture
def invitation(site: Site, anna: int) -> str:
    """Return the secret of the letter by which Anna invites Eve, who has no account."""
    invitations.invite(site.database, anna, "eve@example.org", "Join us", source="192.0.2.1")
    return newest_token(site.database, "invitation")


def link_of(site: Site, owner_id: int, *, at_once: bool = True, uses: int | None = None) -> str:
    def make(session: Session) -> str:
        return invitation_links.token_for(
            session, owner_id, invitation_links.create(session, owner_id, at_once=at_once, uses=uses)
        )

    return site.database.write(make)


def logins(site: Site) -> list[str]:
    with site.database.reading() as session:
        return [account.login for account in accounts.everybody(session)]


def is_suppressed(site: Site, address: str) -> bool:
    return site.database.write(lambda session: suppression.is_suppressed(session, "email", address))


def is_over(page: Page) -> bool:
    return page.status == 410 and OVER in page.text


def test_a_letter_says_who_asks_and_for_whom(site: Site, letter: str) -> None:
    page = Visitor(site).get(f"/request?token={letter}")
    assert page.status == 200
    for said in ("Bo Berg and you", "From the ferry", "Name, Mobile phone", "You decide as anna"):
        assert said in page.text
    assert "138 0013" not in page.response.text


def test_looking_at_a_letter_decides_nothing(site: Site, letter: str, anna: int, bo: int) -> None:
    for _ in range(3):
        assert Visitor(site).get(f"/request?token={letter}").status == 200
        assert Visitor(site).get(f"/request?token={letter}&decision=confirm").status == 200
    assert meeting.states(site.database, anna) == [("in", "bo", "waiting")]


def test_a_letter_confirms_once_without_signing_in(site: Site, letter: str, anna: int, bo: int) -> None:
    page = Visitor(site).get(f"/request?token={letter}").submit("/request", decision="confirm")
    assert page.path == "/"
    assert page.told == ["You are connected now. The card is in your address book."]
    assert meeting.are_connected(site.database, anna, bo)
    assert is_over(Visitor(site).get(f"/request?token={letter}"))
    assert is_over(Visitor(site).post("/request", {"token": letter, "decision": "refuse"}))
    assert meeting.are_connected(site.database, anna, bo)


@pytest.mark.parametrize(("decision", "state"), [("decline", "declined"), ("refuse", "waiting")])
def test_a_letter_declines(site: Site, letter: str, bo: int, decision: str, state: str) -> None:
    Visitor(site).get(f"/request?token={letter}").submit("/request", decision=decision)
    assert meeting.states(site.database, bo) == [("out", "anna", state)]


def test_a_letter_speaks_for_its_reader_whoever_is_signed_in(site: Site, letter: str, anna: int, bo: int) -> None:
    carl = person(site.database, "carl")
    page = Visitor(site).signed_in(carl).get(f"/request?token={letter}")
    assert "You decide as anna" in page.text
    assert page.submit("/request", decision="confirm").path == "/"
    assert not meeting.are_connected(site.database, carl, bo)


def test_a_decision_that_there_is_not_uses_nothing_up(site: Site, letter: str, anna: int, bo: int) -> None:
    for nonsense in ("", "maybe", "CONFIRM"):
        answer = Visitor(site).post("/request", {"token": letter, "decision": nonsense})
        assert answer.status == 404
    Visitor(site).get(f"/request?token={letter}").submit("/request", decision="confirm")
    assert meeting.are_connected(site.database, anna, bo)


def test_what_was_made_up_opens_nothing(site: Site, letter: str, invitation: str) -> None:
    for token in ("", "x", "a.b", "\x00", letter[:-1], letter + "x", invitation, "%ff", "é" * 99):
        for path in ("request", "request/portrait", "join", "unsubscribe"):
            assert is_over(Visitor(site).get(f"/{path}?{forms.query(token=token)}")), (path, token)
        assert is_over(Visitor(site).post("/request", {"token": token, "decision": "confirm"}))
    assert is_over(Visitor(site).get(f"/invitation?token={letter}"))


def test_a_request_that_was_taken_back_is_over(site: Site, letter: str, anna: int, bo: int) -> None:
    Visitor(site).signed_in(bo).post(f"/requests/{anna}/withdraw")
    assert is_over(Visitor(site).get(f"/request?token={letter}"))


def test_who_is_invited_signs_up_and_is_connected(site: Site, invitation: str, anna: int) -> None:
    visitor = Visitor(site)
    page = visitor.get(f"/invitation?token={invitation}")
    assert "Anna Chen invites you" in page.text
    page = signed_up(page, "/invitation/sign-up", "eve", PASSWORD, name="Eve Ek")
    assert page.path == "/devices/"
    assert page.told == ["You are connected with Anna Chen.", "Welcome! You sign in as eve."]
    assert "Eve Ek" in page.text
    with site.database.reading() as session:
        eve = accounts.find(session, "eve")
        assert addresses.addresses_of(session, eve) == [("email", "eve@example.org")]
    assert meeting.are_connected(site.database, anna, eve)
    assert is_over(Visitor(site).get(f"/invitation?token={invitation}"))


@pytest.mark.parametrize(
    ("login", "password"), [("anna", PASSWORD), ("no login", PASSWORD), ("eve", "short"), ("", "")]
)
def test_a_sign_up_that_cannot_be_uses_nothing_up(site: Site, invitation: str, login: str, password: str) -> None:
    page = Visitor(site).get(f"/invitation?token={invitation}")
    page = signed_up(page, "/invitation/sign-up", login, password)
    assert page.status == 400
    assert page.told
    page = page.submit("/invitation/sign-up", login="eve", password=PASSWORD)
    assert logins(site) == ["anna", "eve"]


@pytest.mark.parametrize("site", ["invited"], indirect=True)
def test_where_only_the_invited_sign_up_they_do_once(site: Site, invitation: str, anna: int) -> None:
    assert Visitor(site).get("/sign-up").status == 400
    for login in ("eve", "mallory"):
        Visitor(site).post("/invitation/sign-up", {"token": invitation, **NEW, "login": login})
    for token in ("", "x", link_of(site, anna)[:-2]):
        Visitor(site).post("/join/sign-up", {"token": token, **NEW, "login": "mallory"})
    assert logins(site) == ["anna", "eve"]
    Visitor(site).post("/join/sign-up", {"token": link_of(site, anna), **NEW, "login": "finn"})
    assert logins(site) == ["anna", "eve", "finn"]


@pytest.mark.parametrize("site", ["closed"], indirect=True)
def test_where_nobody_signs_up_nobody_is_asked_to(site: Site, invitation: str, anna: int) -> None:
    assert "Your name" not in Visitor(site).get(f"/invitation?token={invitation}").text
    assert "Your name" not in Visitor(site).get(f"/join?token={link_of(site, anna)}").text
    Visitor(site).post("/invitation/sign-up", {"token": invitation, **NEW})
    assert logins(site) == ["anna"]


def test_who_has_an_account_signs_in_and_accepts(site: Site, invitation: str, anna: int, bo: int) -> None:
    visitor = Visitor(site)
    page = visitor.get(f"/invitation?token={invitation}")
    (sign_in,) = set(page.document.xpath("//a[contains(@href, 'sign-in')]/@href"))
    visitor.signed_in(bo)
    page = Page(visitor, visitor.client.get(sign_in)).followed()
    assert page.path == f"/invitation?token={invitation}"
    assert not meeting.are_connected(site.database, anna, bo)
    page = page.submit("/invitation")
    assert page.told == ["You are connected with Anna Chen."]
    assert page.path == f"/people/{anna}"
    assert meeting.are_connected(site.database, anna, bo)


def test_one_s_own_invitation_and_link_are_for_others(site: Site, invitation: str, anna: int) -> None:
    visitor = Visitor(site).signed_in(anna)
    assert "This is your own invitation." in visitor.get(f"/invitation?token={invitation}").text
    told = visitor.post("/invitation", {"token": invitation}).followed().told
    assert told == ["You cannot accept your own invitation."]
    assert "This is your own link." in visitor.get(f"/join?token={link_of(site, anna)}").text


@pytest.mark.parametrize("at_once", [True, False])
def test_a_link_connects_or_asks_by_a_button(site: Site, anna: int, bo: int, *, at_once: bool) -> None:
    token = link_of(site, anna, at_once=at_once)
    visitor = Visitor(site).signed_in(bo)
    page = visitor.get(f"/join?token={token}")
    assert "Connect with Anna Chen" in page.text
    assert not meeting.are_connected(site.database, anna, bo)
    page.submit("/join")
    assert meeting.are_connected(site.database, anna, bo) is at_once
    assert meeting.states(site.database, anna) == ([] if at_once else [("in", "bo", "waiting")])
    if not at_once:
        assert "You have asked, and wait for an answer." in visitor.get(f"/join?token={token}").text
        assert visitor.get(f"/join?token={token}").document.xpath("//form[@action='/.web/join']") == []
    again = visitor.post("/join", {"token": token}).followed()
    assert again.path == (f"/people/{anna}" if at_once else "/")
    assert meeting.states(site.database, anna) == ([] if at_once else [("in", "bo", "waiting")])


@pytest.mark.parametrize("at_once", [True, False])
def test_who_is_new_follows_the_link_by_signing_up(site: Site, anna: int, *, at_once: bool) -> None:
    token = link_of(site, anna, uses=1, at_once=at_once)
    page = signed_up(Visitor(site).get(f"/join?token={token}"), "/join/sign-up", "eve", PASSWORD)
    asked = "You have asked. As soon as they confirm, you are connected."
    assert page.told == ["You are connected with Anna Chen." if at_once else asked, "Welcome! You sign in as eve."]
    with site.database.reading() as session:
        eve = accounts.find(session, "eve")
    assert meeting.are_connected(site.database, anna, eve) is at_once
    assert meeting.states(site.database, anna) == ([] if at_once else [("in", "eve", "waiting")])
    assert is_over(Visitor(site).get(f"/join?token={token}"))


def test_a_link_that_was_used_opens_the_card_for_who_used_it(site: Site, invitation: str, anna: int, bo: int) -> None:
    """By whichever door they came, and nobody else learns whose it was."""
    handed_out, visitor = link_of(site, anna, uses=1), Visitor(site).signed_in(bo)
    carl = Visitor(site).signed_in(person(site.database, "carl"))
    for path, token in (("/invitation", invitation), ("/join", handed_out)):
        visitor.get(f"{path}?token={token}").submit(path)
        opened = partial(visitor.get, f"{path}?token={token}")
        for send in (opened, opened, partial(visitor.post, path, {"token": token})):
            page = send().followed()
            assert (page.told, page.path) == (["You are connected with Anna Chen."], f"/people/{anna}")
        for other in (carl, Visitor(site)):
            over = other.get(f"{path}?token={token}")
            assert is_over(over)
            assert "Anna" not in over.text
        site.database.write(lambda session: connections.disconnect(session, anna, bo))
        assert is_over(visitor.get(f"{path}?token={token}"))


def test_who_signs_in_on_a_link_that_they_used_comes_to_the_card(site: Site, invitation: str, anna: int) -> None:
    signed_up(Visitor(site).get(f"/invitation?token={invitation}"), "/invitation/sign-up", "eve", PASSWORD)
    elsewhere = Visitor(site)
    over = elsewhere.get(f"/invitation?token={invitation}")
    (sign_in,) = set(over.document.xpath("//main//a[contains(@href, 'sign-in')]/@href"))
    form = Page(elsewhere, elsewhere.client.get(sign_in))
    (action,) = {str(each.get("action")) for each in form.document.forms} - {f"{forms.ROOT}/language"}
    values = {"csrf_token": elsewhere.token(), "login": "eve", "password": PASSWORD}
    page = elsewhere.send(action, values).followed()
    assert page.path == f"/people/{anna}"
    assert page.told == ["You are connected with Anna Chen."]


def test_a_button_that_needs_a_person_asks_who_it_is(site: Site, invitation: str, anna: int) -> None:
    for path, token in (("/invitation", invitation), ("/join", link_of(site, anna))):
        answer = Visitor(site).post(path, {"token": token})
        assert answer.document.xpath("//input[@name='password']"), path
        # What was pressed goes along.
        assert token in answer.response.text


def test_nobody_who_is_signed_in_makes_another_account(site: Site, invitation: str, anna: int, bo: int) -> None:
    visitor = Visitor(site).signed_in(bo)
    visitor.post("/invitation/sign-up", {"token": invitation, **NEW})
    assert logins(site) == ["anna", "bo"]


def test_a_reader_wants_no_more_messages(site: Site, letter: str, anna: int) -> None:
    token = newest_token(site.database, "request", "unsubscribe")
    page = Visitor(site).get(f"/unsubscribe?token={token}")
    assert not is_suppressed(site, "anna@example.org")
    page = page.submit("/unsubscribe")
    assert page.told == ["It is noted. Nothing more of this kind is sent to that address."]
    assert is_suppressed(site, "anna@example.org")
    assert Visitor(site).get(f"/unsubscribe?token={token}").submit("/unsubscribe").status == 200


@pytest.mark.parametrize("origin", [None, "null", "https://mail.example"])
def test_a_mail_program_unsubscribes_by_itself(site: Site, letter: str, origin: str | None) -> None:
    """RFC 8058, 3.2: a POST with that body, without a cookie, a token, or a page that it was on."""
    token = newest_token(site.database, "request", "unsubscribe")
    answer = Visitor(site).send(f"{forms.ROOT}/unsubscribe?token={token}", ONE_CLICK, origin=origin)
    assert answer.status == 200
    assert is_suppressed(site, "anna@example.org")


def test_a_mail_program_may_send_it_as_a_form_in_parts(site: Site, letter: str) -> None:
    token = newest_token(site.database, "request", "unsubscribe")
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert site.call("POST", f"{forms.ROOT}/unsubscribe?token={token}", body, headers).status == 200
    assert is_suppressed(site, "anna@example.org")


def test_nothing_else_is_done_without_a_token_by_one_click(site: Site, letter: str, anna: int, bo: int) -> None:
    token = newest_token(site.database, "request", "unsubscribe")
    address = f"{forms.ROOT}/unsubscribe?token={token}"
    for body in ({}, {"List-Unsubscribe": "x"}, {"List-Unsubscribe": ["One-Click", "x"]}, {"x": "One-Click"}):
        assert Visitor(site).send(address, body).status == 400
    assert not is_suppressed(site, "anna@example.org")
    for path, values in (("/request", {"token": letter, "decision": "confirm"}), ("/sign-out", {}), ("/join", {})):
        answer = Visitor(site).signed_in(anna).send(forms.ROOT + path, {**ONE_CLICK, **values})
        assert answer.status == 400
    assert meeting.states(site.database, anna) == [("in", "bo", "waiting")]
    assert is_over(Visitor(site).send(f"{forms.ROOT}/unsubscribe?token=x", ONE_CLICK))


def test_an_introduction_by_letter_waits_for_the_other(site: Site, anna: int, bo: int) -> None:
    ivy = person(site.database, "ivy")
    connect(site.database, ivy, anna, bo)
    Visitor(site).signed_in(ivy).post(f"/friends/{anna}/introduce", {"other": str(bo), "message": ""})
    token = newest_token(site.database, "introduction")
    page = Visitor(site).get(f"/request?token={token}")
    assert "ivy would like to introduce Bo Berg to you." in page.text
    told = page.submit("/request", decision="confirm").told
    assert told == ["You have confirmed. You are connected as soon as the other does, too."]
