"""Finding people, inviting them and handing out links, as somebody does it with forms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import etree

from sync.accounts import addresses
from sync.accounts.preference_changes import ANYONE
from sync.accounts.rate_limits import Limit
from sync.discovery import directory
from sync.meeting import invitation_links
from sync.models import InvitationLink
from tests.support import forms, meeting
from tests.support.factories import MOBILE, connect, field, group, people, person
from tests.support.forms import Page, Visitor
from tests.support.site import Site

MAIL = {"smtp_host": "mail.evercard.test", "mail_from": "cards@evercard.test"}
NOBODY = "Nobody was found"


@pytest.fixture
def anna(site: Site) -> int:
    """Anna, who looks for others."""
    return person(site.database, "anna")


@pytest.fixture
def bo(site: Site) -> int:
    """Bo, who lets strangers see a name and a hobby, and nobody else a number."""
    bo = person(site.database, "bo")
    meeting.show_strangers(site.database, bo, "name", "Bo Berg")
    meeting.show_strangers(site.database, bo, "hobby", "Sailing")
    field(site.database, bo)
    return bo


@pytest.fixture
def visitor(site: Site, anna: int) -> Visitor:
    """Return a browser in which Anna is signed in."""
    return Visitor(site).signed_in(anna)


@pytest.fixture
def mailing(database_url: str) -> Iterator[Site]:
    """Yield a server that sends e-mail."""
    with forms.opened(database_url, **MAIL) as site:
        yield site


def look(visitor: Visitor, text: str) -> Page:
    return visitor.get(f"/find/?{forms.query(q=text)}")


def test_somebody_is_found_with_what_strangers_may_see(visitor: Visitor, bo: int) -> None:
    page = look(visitor, "bo")
    assert page.status == 200
    assert "Bo Berg" in page.text
    assert "Sailing" in page.text
    assert MOBILE not in page.response.text
    assert "Nobody was found" not in page.text


def test_nobody_hidden_and_blocked_look_alike(site: Site, visitor: Visitor, anna: int) -> None:
    hidden, blocking = people(site.database, "heinrich", "berthold")
    meeting.prefer(site.database, hidden, found_by_login=False)
    meeting.block(site.database, blocking, anna)
    seen = {login: look(visitor, login).response.text for login in ("heinrich", "berthold", "nikolaus")}
    assert NOBODY in seen["heinrich"]
    assert len({forms.without_tokens(text).replace(login, "…") for login, text in seen.items()}) == 1


def test_too_much_looking_is_told_kindly(visitor: Visitor, bo: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "SEARCHES", Limit("search", 2, 3600))
    for _ in range(2):
        assert look(visitor, "bo").status == 200
    page = look(visitor, "bo")
    assert page.status == 429
    assert page.response.headers["Retry-After"]
    assert "You have looked for many people in a short time" in page.told[0]
    assert "Bo Berg" not in page.text
    assert page.document.xpath("//input[@name='q']/@value") == ["bo"]


def test_who_lets_anyone_is_connected_by_a_button(site: Site, visitor: Visitor, anna: int, bo: int) -> None:
    meeting.prefer(site.database, bo, connecting=ANYONE)
    page = look(visitor, "bo").submit(f"/find/connect/{bo}")
    assert page.path == "/find/?q=bo"
    assert page.told == ["You are connected now. The card is in your address book."]
    assert "You are connected." in page.text
    assert meeting.are_connected(site.database, anna, bo)
    again = visitor.post(f"/find/connect/{bo}").followed()
    assert again.told == ["These two are connected already."]


def test_a_question_is_answered(site: Site, visitor: Visitor, anna: int, bo: int) -> None:
    meeting.ask_first(site.database, bo, "Which lake?", "Wannsee")
    page = look(visitor, "bo")
    assert "Which lake?" in page.text
    wrong = page.submit(f"/find/answer/{bo}", answer="Müggelsee")
    assert wrong.told == ["That is not the answer. You can also ask to be connected."]
    assert not meeting.are_connected(site.database, anna, bo)
    right = wrong.submit(f"/find/answer/{bo}", answer=" WANN see")
    assert right.told[0].startswith("That is right: you are connected now.")
    assert meeting.are_connected(site.database, anna, bo)


def test_wrong_answers_nobody_and_a_block_are_answered_alike(site: Site, visitor: Visitor, anna: int, bo: int) -> None:
    meeting.ask_first(site.database, bo, "Which lake?", "Wannsee")
    carl = person(site.database, "carl")
    meeting.ask_first(site.database, carl, "Which lake?", "Wannsee")
    meeting.block(site.database, carl, anna)
    answers = {
        forms.without_tokens(visitor.post(f"/find/answer/{who}", {"answer": text}).followed().response.text)
        for who, text in ((bo, "x"), (carl, "Wannsee"), (12345, "Wannsee"))
    }
    assert len(answers) == 1
    assert "That is not the answer." in answers.pop()


def test_somebody_is_asked_with_a_message(site: Site, visitor: Visitor, anna: int, bo: int) -> None:
    page = look(visitor, "bo").submit(f"/find/ask/{bo}", message="We met <b>there</b>")
    assert page.told == ["You have asked. As soon as they confirm, you are connected."]
    assert "You have asked, and wait for an answer." in page.text
    (asked,) = meeting.requests(site.database, bo)
    assert (asked.login, asked.message) == ("anna", "We met <b>there</b>")
    assert visitor.post(f"/find/ask/{bo}").followed().told == ["You have asked this person already."]


def test_a_message_that_is_too_long_is_not_sent(site: Site, visitor: Visitor, bo: int) -> None:
    told = visitor.post(f"/find/ask/{bo}", {"message": "x" * 501}).followed().told
    assert told == ["A message has at most 500 characters."]
    assert meeting.requests(site.database, bo) == []


def test_nobody_is_connected_by_address_who_did_not_say_so(site: Site, visitor: Visitor, anna: int, bo: int) -> None:
    for who in (bo, anna, 12345, 0):
        visitor.post(f"/find/connect/{who}")
        visitor.post(f"/find/answer/{who}", {"answer": ""})
    visitor.post(f"/find/ask/{anna}")
    assert not meeting.are_connected(site.database, anna, bo)
    assert visitor.post(f"/find/connect/{2**63}").status == 404


def test_a_form_comes_back_to_our_own_pages_only(visitor: Visitor, bo: int) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example", "/.web/\\evil", "javascript:alert(1)", ""):
        assert visitor.post(f"/find/ask/{bo}", {"next": elsewhere}).location == "/find/"


def test_an_invitation_is_sent_once(mailing: Site) -> None:
    anna = person(mailing.database, "anna")
    visitor = Visitor(mailing).signed_in(anna)
    sent = {"address": "Eve@Example.org", "message": "Join us"}
    page = visitor.get("/find/invite/").submit("/find/invite/", **sent)
    assert page.told == ["Your invitation is on its way. Nobody is reminded of it."]
    assert "eve@example.org" in page.text
    assert meeting.messages(mailing.database) == [("email", "eve@example.org", "invitation")]
    again = page.submit("/find/invite/", **sent)
    assert again.status == 400
    assert again.told == ["You have invited this address already; an invitation is sent once."]
    assert again.fields("/find/invite/")["address"] == "Eve@Example.org"
    nonsense = page.submit("/find/invite/", address="nonsense")
    assert nonsense.told == ["This is neither an e-mail address nor a phone number with its country code."]
    assert len(meeting.messages(mailing.database)) == 1


def test_whoever_was_not_found_can_be_invited_by_what_was_typed(mailing: Site) -> None:
    visitor = Visitor(mailing).signed_in(person(mailing.database))
    page = look(visitor, "eve@example.org")
    (address,) = page.document.xpath("//main//a[@class='btn']/@href")
    assert visitor.get(address.removeprefix(forms.ROOT)).fields("/find/invite/")["address"] == "eve@example.org"


def test_inviting_says_the_same_of_who_is_here(mailing: Site) -> None:
    anna, eve = people(mailing.database, "anna", "eve")
    mailing.database.write(lambda session: addresses.add(session, eve, "email", "eve@example.org"))
    visitor = Visitor(mailing).signed_in(anna)
    page = visitor.get("/find/invite/").submit("/find/invite/", address="eve@example.org", message="Hello")
    assert page.told == ["Your invitation is on its way. Nobody is reminded of it."]
    meeting.do_errands(mailing.database)
    assert meeting.states(mailing.database, eve) == [("in", "anna", "waiting")]
    assert "wait" not in page.text


def test_where_no_messages_are_sent_links_are(visitor: Visitor) -> None:
    page = visitor.get("/find/invite/")
    assert "This server sends no messages." in page.text


def test_a_link_is_made_shown_and_taken_back(site: Site, visitor: Visitor, anna: int) -> None:
    friends = group(site.database, anna, "Friends")
    made = visitor.get("/find/links/").submit(
        "/find/links/", label="Party", days="7", uses="3", group_id=str(friends), at_once="y"
    )
    (link,) = links_of(site, anna)
    assert (link.label, link.uses_left, link.group_id, link.at_once) == ("Party", 3, friends, True)
    assert made.path == f"/find/links/{link.id}"
    (address,) = made.document.xpath("//input[@id='address']/@value")
    assert address.startswith("http://evercard.test/.web/join?token=")
    code = visitor.get(f"/find/links/{link.id}/code.svg").response
    assert code.headers["Content-Type"].startswith("image/svg+xml")
    assert etree.fromstring(code.content).tag == "{http://www.w3.org/2000/svg}svg"
    listed = visitor.get("/find/links/")
    assert "Party" in listed.text
    assert "for 3 more people" in listed.text
    ended = listed.submit(f"/find/links/{link.id}/end")
    assert ended.told == ["The link is taken back. Who came by it stays connected."]
    assert visitor.post(f"/find/links/{link.id}/end").followed().told == ["There is no such link."]
    assert address not in visitor.get(f"/find/links/{link.id}").response.text


@pytest.mark.parametrize(
    "wrong", [{"days": "0"}, {"days": "400"}, {"days": "x"}, {"days": ""}, {"uses": "0"}, {"label": "x" * 101}]
)
def test_a_link_that_cannot_be_is_not_made(site: Site, visitor: Visitor, anna: int, wrong: dict[str, str]) -> None:
    page = visitor.get("/find/links/").submit("/find/links/", **wrong)
    assert page.status == 400
    assert page.told
    assert links_of(site, anna) == []


def test_nobody_else_s_link_is_shown_or_ended(site: Site, visitor: Visitor, bo: int) -> None:
    link_id = site.database.write(lambda session: invitation_links.create(session, bo))
    assert visitor.get(f"/find/links/{link_id}").status == 404
    assert visitor.get(f"/find/links/{link_id}/code.svg").status == 404
    assert visitor.post(f"/find/links/{link_id}/end").followed().told == ["There is no such link."]
    assert invitation_links.works(links_of(site, bo)[0])


def test_a_link_lands_nobody_in_another_person_s_group(site: Site, visitor: Visitor, anna: int, bo: int) -> None:
    theirs = group(site.database, bo, "Family")
    visitor.post("/find/links/", {"days": "7", "group_id": str(theirs)})
    assert [link.group_id for link in links_of(site, anna)] == [None]


def test_a_picture_is_that_which_strangers_see(site: Site, visitor: Visitor, bo: int) -> None:
    assert visitor.get(f"/find/portrait/{bo}").status == 404
    connect(site.database, person(site.database), bo)
    assert visitor.get("/find/portrait/12345").status == 404


def links_of(site: Site, owner_id: int) -> list[InvitationLink]:
    with site.database.reading() as session:
        return list(invitation_links.links_of(session, owner_id))
