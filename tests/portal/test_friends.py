"""Public friends: the example of five people that Evercard was built after, and bringing two people together."""

from __future__ import annotations

import pytest

from sync.queries import connected_people
from tests.support import meeting
from tests.support.factories import MOBILE, connect, connected, field, people, person
from tests.support.forms import Visitor
from tests.support.site import Site


@pytest.fixture
def cast(site: Site) -> dict[str, int]:
    """Return A to E and the person who knows them: B and D let strangers see something, E does not."""
    logins = ("ivy", "a", "bert", "carl", "dora", "emil")
    ids = dict(zip(logins, connected(site.database, *logins), strict=True))
    for login, hobby in (("bert", "Fishing"), ("dora", "Sailing")):
        meeting.show_strangers(site.database, ids[login], "hobby", hobby)
        field(site.database, ids[login])
    return ids


def test_one_sees_what_public_friends_show_strangers_and_nothing_of_the_rest(site: Site, cast: dict[str, int]) -> None:
    """A, B, C, D and E are my connections; B, D and E are public; A sees B's and D's information, not E's."""
    ivy = Visitor(site).signed_in(cast["ivy"])
    page = ivy.get("/friends/")
    for login in ("bert", "dora", "emil"):
        page = page.submit(f"/friends/{cast[login]}/publish")
        assert page.told == ["Your other connections can see now that you know this person."]
    assert page.text.count("but lets strangers see nothing, so nobody sees them here") == 1
    seen = Visitor(site).signed_in(cast["a"]).get(f"/friends/{cast['ivy']}")
    assert "Fishing" in seen.text
    assert "Sailing" in seen.text
    for hidden in ("emil", "carl", MOBILE):
        assert hidden not in seen.response.text
    page = seen.submit(f"/find/ask/{cast['bert']}", message="Ivy knows us both")
    assert page.path == f"/friends/{cast['ivy']}"
    assert meeting.states(site.database, cast["bert"]) == [("in", "a", "waiting")]


def test_who_is_public_no_more_is_seen_no_more(site: Site, cast: dict[str, int]) -> None:
    ivy, a = Visitor(site).signed_in(cast["ivy"]), Visitor(site).signed_in(cast["a"])
    ivy.post(f"/friends/{cast['bert']}/publish")
    assert "Fishing" in a.get(f"/friends/{cast['ivy']}").text
    page = ivy.get("/friends/").submit(f"/friends/{cast['bert']}/unpublish")
    assert page.told == ["Nobody can see any more that you know this person."]
    assert "Fishing" not in a.get(f"/friends/{cast['ivy']}").text
    assert ivy.post(f"/friends/{cast['bert']}/unpublish").followed().told == ["This friend is not public."]


def test_only_connections_see_whom_one_knows(site: Site, cast: dict[str, int]) -> None:
    Visitor(site).signed_in(cast["ivy"]).post(f"/friends/{cast['bert']}/publish")
    stranger = Visitor(site).signed_in(person(site.database))
    for who in (cast["ivy"], 12345):
        answer = stranger.get(f"/friends/{who}")
        assert (answer.status, answer.told) == (404, ["These two are not connected."])
        assert stranger.get(f"/friends/{who}/introduce").status == 404


def test_only_a_connection_is_made_public(site: Site, cast: dict[str, int]) -> None:
    visitor = Visitor(site).signed_in(cast["a"])
    for who in (cast["bert"], cast["a"], 12345):
        assert visitor.post(f"/friends/{who}/publish").followed().told


def test_many_are_searched_and_paged(site: Site, cast: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 2)
    visitor = Visitor(site).signed_in(cast["ivy"])
    assert "a Whom" in visitor.get("/friends/").text
    second = visitor.get("/friends/?page=2")
    assert "Page 2 of 3" in second.text
    (ahead,) = second.document.xpath("//nav//a[@rel='next']/@href")
    assert str(ahead).startswith("/.web/friends/?page=3&after=")
    assert "Page 3 of 3" in visitor.get(str(ahead).removeprefix("/.web")).text
    kept = second.submit(f"/friends/{cast['dora']}/publish")
    assert kept.path == "/friends/?page=2"
    found = visitor.get("/friends/?q=DORA")
    assert "dora" in found.text
    assert "emil" not in found.text
    for nonsense in (
        "page=x",
        "page=-1",
        "page=0",
        f"page={2**70}",
        "q=%00%ff",
        "page=99",
        f"after={2**70}",
        "after=x",
        "before=-1",
        "page=2&before=1&after=1",
    ):
        assert visitor.get(f"/friends/?{nonsense}").status == 200
    assert "Nobody is called so." in visitor.get("/friends/?q=nobody").text


def test_two_connections_are_introduced(site: Site, cast: dict[str, int]) -> None:
    visitor = Visitor(site).signed_in(cast["ivy"])
    page = visitor.get(f"/friends/{cast['a']}/introduce")
    choices = page.document.xpath("//input[@name='other']/@value")
    assert sorted(choices) == sorted(str(cast[login]) for login in ("bert", "carl", "dora", "emil"))
    page = page.submit(f"/friends/{cast['a']}/introduce", other=str(cast["dora"]), message="You both sail")
    assert page.told == ["Both are asked now. They are connected when both have confirmed."]
    for login, other in (("a", "dora"), ("dora", "a")):
        (asked,) = meeting.requests(site.database, cast[login])
        assert (asked.login, asked.introducer, asked.message) == (other, "ivy", "You both sail")


def test_an_introduction_of_anybody_else_is_refused(site: Site, cast: dict[str, int]) -> None:
    visitor = Visitor(site).signed_in(cast["ivy"])
    (stranger,) = people(site.database, "zoe")
    connect(site.database, stranger, cast["a"])
    for one, other in (("a", stranger), ("a", cast["a"]), ("a", cast["ivy"]), ("a", "x"), ("a", "")):
        told = visitor.post(f"/friends/{cast[one]}/introduce", {"other": str(other)}).followed().told
        assert told in (
            ["You can introduce only people whom you are connected to."],
            ["An introduction is of two others."],
            ["There is no such person."],
        )
    assert meeting.requests(site.database, cast["a"]) == []


def test_somebody_alone_is_told_where_to_begin(site: Site) -> None:
    page = Visitor(site).signed_in(person(site.database)).get("/friends/")
    assert "You are not connected with anybody yet." in page.text
