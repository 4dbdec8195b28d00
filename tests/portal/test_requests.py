"""Requests as they are decided in the portal."""

from __future__ import annotations

import pytest

from sync.sharing import groups
from tests.support import meeting
from tests.support.factories import connect, field, group, person
from tests.support.forms import Page, Visitor
from tests.support.site import Site


@pytest.fixture
def anna(site: Site) -> int:
    """Anna, who is asked."""
    return person(site.database, "anna")


@pytest.fixture
def bo(site: Site) -> int:
    """Bo, who shows strangers his name, and new connections his number."""
    bo = person(site.database, "bo")
    meeting.show_strangers(site.database, bo, "name", "Bo Berg")
    newcomers = group(site.database, bo, "New", granted=[field(site.database, bo)])
    meeting.prefer(site.database, bo, newcomers_group_id=newcomers)
    return bo


@pytest.fixture
def visitor(site: Site, anna: int) -> Visitor:
    """Return a browser in which Anna is signed in."""
    return Visitor(site).signed_in(anna)


@pytest.fixture
def asked(site: Site, visitor: Visitor, anna: int, bo: int) -> Page:
    """Return the page after Bo has asked Anna."""
    meeting.ask(site.database, bo, anna, "From the ferry")
    return visitor.get("/requests/")


def members(site: Site, owner_id: int, group_id: int) -> list[int]:
    with site.database.reading() as session:
        return list(groups.members(session, owner_id, group_id))


def test_a_request_says_who_asks_and_what_they_would_share(asked: Page) -> None:
    assert "Bo Berg bo" in asked.text
    assert "From the ferry" in asked.text
    assert "Once you are connected, you see of them: Name, Mobile phone" in asked.text
    assert "138 0013" not in asked.response.text


def test_a_request_is_confirmed_into_the_groups_that_were_ticked(
    site: Site, visitor: Visitor, anna: int, bo: int
) -> None:
    family, work = group(site.database, anna, "Family"), group(site.database, anna, "Work")
    meeting.prefer(site.database, anna, newcomers_group_id=work)
    meeting.ask(site.database, bo, anna)
    page = visitor.get("/requests/")
    assert page.fields(f"/requests/{bo}/confirm")["group"] == str(work)
    page = page.submit(f"/requests/{bo}/confirm", group=[str(family)])
    assert page.told == ["You are connected now. The card is in your address book."]
    assert meeting.are_connected(site.database, anna, bo)
    assert (members(site, anna, family), members(site, anna, work)) == ([bo], [])
    again = visitor.post(f"/requests/{bo}/confirm").followed()
    assert again.told == ["There is no such request; it was decided or taken back."]


@pytest.mark.parametrize("wrong", ["x", "-1", "1", str(2**64), ""])
def test_nobody_is_put_into_a_group_that_is_not_there(
    site: Site, visitor: Visitor, asked: Page, anna: int, bo: int, wrong: str
) -> None:
    answer = visitor.post(f"/requests/{bo}/confirm", {"group": wrong}).followed()
    assert answer.status in (200, 400)
    assert not meeting.are_connected(site.database, anna, bo)


def test_a_request_is_not_confirmed_into_another_person_s_group(
    site: Site, visitor: Visitor, asked: Page, anna: int, bo: int
) -> None:
    theirs = group(site.database, bo, "Mine")
    told = visitor.post(f"/requests/{bo}/confirm", {"group": str(theirs)}).followed().told
    assert told == ["There is no such group."]
    assert not meeting.are_connected(site.database, anna, bo)


def test_a_request_is_declined_and_who_asked_sees_it(site: Site, asked: Page, anna: int, bo: int) -> None:
    asked.submit(f"/requests/{bo}/decline")
    assert meeting.states(site.database, bo) == [("out", "anna", "declined")]
    page = Visitor(site).signed_in(bo).get("/requests/")
    assert "Declined" in page.text
    page = page.submit(f"/requests/{anna}/withdraw")
    assert meeting.states(site.database, bo) == []


def test_a_refusal_for_ever_is_not_told_and_can_be_taken_back(site: Site, asked: Page, anna: int, bo: int) -> None:
    page = asked.submit(f"/requests/{bo}/refuse")
    assert "Waits for an answer" in Visitor(site).signed_in(bo).get("/requests/").text
    assert "Who asks you Nobody at present." in page.text
    page = page.submit(f"/requests/{bo}/allow")
    assert page.told == ["They may ask you again."]
    assert "Declined for ever" not in page.text


def test_somebody_is_blocked_and_unblocked(site: Site, visitor: Visitor, asked: Page, anna: int, bo: int) -> None:
    page = asked.submit(f"/requests/{bo}/block")
    assert page.told == ["This person is blocked, and is not told."]
    assert "Nobody was found" in Visitor(site).signed_in(bo).get("/find/?q=anna").text
    page = page.submit(f"/requests/{bo}/unblock")
    assert page.told == ["This person is not blocked any more."]
    assert visitor.post(f"/requests/{bo}/unblock").followed().told == ["This person is not blocked."]
    assert visitor.post(f"/requests/{anna}/block").followed().told == ["Nobody can block themselves."]


def test_one_s_own_request_is_taken_back(site: Site, visitor: Visitor, anna: int, bo: int) -> None:
    meeting.ask(site.database, anna, bo, "Hello")
    page = visitor.get("/requests/")
    assert "Waits for an answer" in page.text
    page.submit(f"/requests/{bo}/withdraw")
    assert meeting.requests(site.database, bo) == []
    assert visitor.post(f"/requests/{bo}/withdraw").followed().told == ["You have not asked this person."]


def test_nobody_decides_for_another(site: Site, asked: Page, anna: int, bo: int) -> None:
    carl = Visitor(site).signed_in(person(site.database, "carl"))
    for what in ("confirm", "decline", "refuse", "withdraw", "allow", "unblock"):
        for who in (anna, bo, 12345):
            assert carl.post(f"/requests/{who}/{what}").followed().document.xpath("//*[@role='alert']"), (what, who)
    assert meeting.states(site.database, anna) == [("in", "bo", "waiting")]


def test_an_introduction_waits_for_both(site: Site, visitor: Visitor, anna: int, bo: int) -> None:
    ivy = person(site.database, "ivy")
    connect(site.database, ivy, anna, bo)
    brought = Visitor(site).signed_in(ivy).get(f"/friends/{anna}/introduce")
    assert brought.submit(f"/friends/{anna}/introduce", other=str(bo)).told[0].startswith("Both are asked now.")
    page = visitor.get("/requests/")
    assert "ivy would like to introduce you to each other." in page.text
    assert "Once you are connected" not in page.text
    page = page.submit(f"/requests/{bo}/confirm")
    assert page.told == ["You have confirmed. You are connected as soon as the other does, too."]
    assert "You have confirmed; the other has not yet." in page.text
    Visitor(site).signed_in(bo).get("/requests/").submit(f"/requests/{anna}/confirm")
    assert meeting.are_connected(site.database, anna, bo)
