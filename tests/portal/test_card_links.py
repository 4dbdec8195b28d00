"""A card for people without an account: what its page, its vCard and its preview show, and whom nobody hears of."""

from __future__ import annotations

import pytest

from sync import fields
from sync.accounts.rate_limits import Limit
from sync.card_links import links, opening
from sync.models import CardLink
from sync.profiles import profiles
from sync.sharing import grants, groups
from sync.sign_in import administrators
from sync.vcard import parse_one
from tests.support import card_links
from tests.support.card_links import Handed
from tests.support.clock import HOUR, Clock
from tests.support.factories import MOBILE, field, group, person, set_field, strangers
from tests.support.forms import Page, Visitor, query
from tests.support.pictures import encoded
from tests.support.site import Site


class Stage:
    """Anna, whose clients see her name and a number, and somebody with nothing but a link to that."""

    def __init__(self, site: Site) -> None:
        self.site, self.database = site, site.database
        self.anna = person(site.database, "anna")
        self.name = field(site.database, self.anna, "name", "Anna Schmidt")
        self.work = field(site.database, self.anna, "office-phone", "+49 30 1234")
        field(site.database, self.anna)
        self.clients = group(site.database, self.anna, "secret clients", [], [self.name, self.work])
        self.link = card_links.made(site.database, self.anna, self.clients, label="door")

    def page(self, link: Handed | None = None, language: str = "en", path: str = "/cards") -> Page:
        """Open a page of a link in a browser that was never here."""
        return Visitor(self.site, language=language).get(f"{path}?token={(link or self.link).token}")

    def vcard(self, version: str = "") -> str:
        """Download the card."""
        asked = f"&version={version}" if version else ""
        return Visitor(self.site).get(f"/cards/card.vcf?token={self.link.token}{asked}").response.text

    def row(self) -> CardLink:
        """Return what is stored of the link."""
        with self.database.reading() as session:
            return links.link_of(session, self.anna, self.link.id)

    @property
    def owner(self) -> Visitor:
        """Anna's browser."""
        return Visitor(self.site).signed_in(self.anna)


@pytest.fixture
def stage(site: Site) -> Stage:
    """Set the stage."""
    return Stage(site)


def og(page: Page) -> dict[str, str]:
    """Return what a messenger shows of a page."""
    found = page.document.xpath("//meta[starts-with(@property, 'og:')]")
    return {str(node.get("property")): str(node.get("content")) for node in found}


def test_whoever_has_the_link_sees_the_card_without_an_account(stage: Stage) -> None:
    page = stage.page()
    assert page.status == 200
    assert "+49 30 1234" in page.text
    assert "Anna Schmidt" in page.text
    assert MOBILE not in page.response.text
    assert "secret clients" not in page.response.text
    told = og(page)
    assert told.keys() == {"og:type", "og:site_name", "og:title", "og:description", "og:image"}
    assert (told["og:type"], told["og:title"]) == ("profile", "Anna Schmidt")
    for secret in (stage.link.login, stage.link.password):
        assert secret in page.response.text


def test_the_page_tells_nobody_else_and_keeps_nothing(stage: Stage) -> None:
    for path in ("/cards", "/cards/card.vcf"):
        headers = stage.page(path=path).response.headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in headers["X-Robots-Tag"]
        assert "Set-Cookie" not in headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert stage.page().response.headers["Cache-Control"] == "no-store"
    assert "private" in stage.page(path="/cards/card.vcf").response.headers["Cache-Control"]
    loaded = stage.page().document.xpath("//script/@src | //img/@src | //link[@rel='stylesheet']/@href")
    assert [each for each in loaded if "//" in str(each)] == []
    assert stage.page().document.xpath("//meta[@name='robots']/@content") == ["noindex"]


def test_it_is_in_the_language_of_who_opens_it_and_in_the_other(stage: Stage) -> None:
    assert "保存到通讯录" in stage.page(language="zh-Hans").text
    page = stage.page()
    (other,) = page.document.xpath("//a[@lang='zh-Hans']/@href")
    assert "lang=zh-Hans" in str(other)
    chosen = Visitor(stage.site).get(f"/cards?token={stage.link.token}&lang=zh-Hans")
    assert "关注这张名片" in chosen.text
    assert chosen.status == 200


def test_the_vcard_is_3_0_unless_4_0_is_asked_for_and_has_the_photo_where_it_is_granted(stage: Stage) -> None:
    assert "VERSION:3.0" in stage.vcard()
    assert "VERSION:4.0" in stage.vcard("4.0")
    assert "VERSION:3.0" in stage.vcard("x")
    assert "PHOTO" not in stage.vcard()
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nPHOTO;ENCODING=b;TYPE=JPEG:{encoded(1)}\r\nEND:VCARD\r\n"
    picture = stage.database.write(
        lambda session: profiles.add_field(session, stage.anna, fields.fields_of(parse_one(card))[-1])
    )
    assert "PHOTO" not in stage.vcard()
    assert "/static/icon-512.png" in og(stage.page())["og:image"]
    assert stage.page(path="/cards/photo").status == 404
    stage.database.write(lambda session: grants.grant(session, stage.anna, stage.clients, [picture]))
    assert "PHOTO" in stage.vcard()
    assert "PHOTO" in stage.vcard("4.0")
    assert "/cards/photo?token=" in og(stage.page())["og:image"]
    assert stage.page(path="/cards/photo").response.headers["Content-Type"] == "image/jpeg"


def test_a_field_taken_back_is_gone_at_the_next_fetch(stage: Stage) -> None:
    visitor = Visitor(stage.site)
    before = visitor.get(f"/cards/card.vcf?token={stage.link.token}").response
    same = visitor.get(f"/cards/card.vcf?token={stage.link.token}", **{"If-None-Match": before.headers["ETag"]})
    assert (same.status, same.response.content) == (304, b"")
    set_field(stage.database, stage.anna, stage.work, "+49 30 9999", "office-phone")
    assert "9999" in stage.vcard()
    stage.database.write(lambda session: grants.take_back(session, stage.anna, stage.clients, [stage.work]))
    after = visitor.get(f"/cards/card.vcf?token={stage.link.token}", **{"If-None-Match": before.headers["ETag"]})
    assert after.status == 200
    assert "+49" not in after.response.text + stage.page().response.text


def test_it_is_counted_how_often_and_not_by_whom(stage: Stage) -> None:
    stage.page()
    stage.page()
    stage.vcard()
    row = stage.row()
    assert (row.opened, row.downloaded, row.fetched) == (2, 1, 0)
    listed = stage.owner.get("/find/cards/").text
    assert "opened 2 times" in listed
    assert "downloaded 1 time" in listed


@pytest.mark.parametrize("how", ["ended", "group", "disabled", "minute"])
def test_a_link_that_is_over_looks_like_one_that_never_was(
    stage: Stage, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    at = clock.soon(HOUR)
    link = card_links.made(stage.database, stage.anna, stage.clients, until=at)
    assert stage.page(link).status == 200
    match how:
        case "ended":
            stage.owner.get("/find/cards/").submit(f"/find/cards/{link.id}/end")
        case "group":
            stage.database.write(lambda session: groups.remove(session, stage.anna, stage.clients))
        case "disabled":
            stage.database.write(lambda session: administrators.disable(session, stage.anna))
        case _:
            clock.put(at)
    never = Handed(0, "made-up", "", "")
    for path in ("/cards", "/cards/card.vcf", "/cards/photo"):
        over, made_up = stage.page(link, path=path), stage.page(never, path=path)
        assert (over.status, made_up.status) == (404, 404)
        assert over.response.text == made_up.response.text
        assert "Anna" not in over.response.text
    assert "Ask them for a new link" in stage.page(link).text


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 22 + ".", "\x00", "%00", "a" * 5000, "../x", "<script>"])
def test_a_token_that_was_made_up_opens_nothing(stage: Stage, token: str) -> None:
    page = Visitor(stage.site).get(f"/cards?{query(token=token)}")
    assert page.status == 404
    assert "<script>" not in page.response.text.replace("<script src", "")


def test_who_tries_many_tokens_is_stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "GUESSES", Limit("card-link-guess", 3, HOUR))
    visitor = Visitor(stage.site)
    statuses = [visitor.get(f"/cards?token=x{number}").status for number in range(5)]
    assert statuses == [404] * 3 + [429] * 2
    assert visitor.get(f"/cards?token={stage.link.token}").status == 200


def test_the_owner_makes_one_sees_what_it_shows_and_ends_it(stage: Stage) -> None:
    visitor = stage.owner
    form = visitor.get("/find/cards/")
    assert "Who has downloaded it keeps it" in form.text
    none = form.submit("/find/cards/", label="bell")
    assert none.status == 400
    open_to_all = strangers(stage.database, stage.anna)
    values = {"label": "bell", "group_id": str(open_to_all), "day": "2031-01-31", "offset": "480"}
    made = form.submit("/find/cards/", **values).followed()
    assert made.status == 200
    (address,) = made.document.xpath("//input[@id='address']/@value")
    assert "Who has downloaded it keeps it" in made.text
    shown = Visitor(stage.site).get("/cards?" + str(address).partition("?")[2])
    assert shown.status == 200
    assert "+49" not in shown.response.text
    (code,) = made.document.xpath("//img[@class='qr']/@src")
    assert visitor.get(str(code).partition("/.web")[2]).response.headers["Content-Type"].startswith("image/svg+xml")
    with stage.database.reading() as session:
        link = next(each for each in links.links_of(session, stage.anna) if each.label == "bell")
    assert link.utc_offset == 480
    past = form.submit("/find/cards/", label="x", group_id=str(open_to_all), day="2020-01-31")
    assert past.status == 400
    other = Visitor(stage.site).signed_in(person(stage.database, "bert"))
    assert other.get(f"/find/cards/{link.id}").status == 404
    assert other.post(f"/find/cards/{link.id}/end").followed().told == ["There is no such link."]
    assert visitor.get("/find/cards/").submit(f"/find/cards/{link.id}/end").followed().status == 200
    assert Visitor(stage.site).get("/cards?" + str(address).partition("?")[2]).status == 404
