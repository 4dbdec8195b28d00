"""What messengers show of a link that is pasted into them: they have no cookie, and name no language."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from lxml.html import HtmlElement
from PIL import Image

from sync import fields
from sync.accounts import preference_changes
from sync.database.engine import Session
from sync.meeting import invitation_links, invitations
from sync.profiles import profiles
from sync.sharing import grants
from tests.support import card_links, forms
from tests.support.factories import person, strangers
from tests.support.forms import Visitor
from tests.support.meeting import show_strangers
from tests.support.one_time_tokens import newest_token
from tests.support.pictures import portrait
from tests.support.site import Site


def token_of(site: Site, owner_id: int) -> str:
    """Make a link, and return what is in its address."""

    def make(session: Session) -> str:
        return invitation_links.token_for(session, owner_id, invitation_links.create(session, owner_id))

    return site.database.write(make)


def told_to_messengers(site: Site, path: str, language: str = "") -> tuple[dict[str, str], HtmlElement]:
    """Return what a page says of itself to a program that has no cookie, and names no language unless one is given."""
    document = Visitor(site, language=language).get(path).document
    return {
        str(node.get("property")): str(node.get("content")) for node in document.xpath("//meta[@property]")
    }, document


def test_a_link_in_a_messenger_shows_what_strangers_may_see_and_no_more(site: Site) -> None:
    """The picture and the name where strangers see them, and the site's own where they do not."""
    shy, open_hearted = person(site.database, "shy"), person(site.database, "open")
    show_strangers(site.database, open_hearted, "name", "Olga Offen")
    for owner, name in ((shy, "shy"), (open_hearted, "Olga Offen")):
        card = card_links.made(site.database, owner, strangers(site.database, owner)).token
        for path, title in (
            (f"/join?token={token_of(site, owner)}", f"Connect with {name}"),
            (f"/cards?token={card}", name),
        ):
            shown, document = told_to_messengers(site, path)
            assert shown["og:title"] == title
            assert shown["og:description"].startswith("An address book")
            assert document.xpath("//meta[@name='robots']/@content") == ["noindex"]
            picture = Visitor(site).get(shown["og:image"].partition("/.web")[2]).response
            assert picture.headers["Content-Type"] == "image/png"
            assert Image.open(io.BytesIO(picture.content)).size == (512, 512)


def invitation_of(site: Site, inviter_id: int) -> str:
    """Send an invitation, and return what is in its address."""
    invitations.invite(site.database, inviter_id, "vera@example.org", "", source="192.0.2.1")
    return newest_token(site.database, "invitation")


@pytest.mark.parametrize("is_shown", [True, False])
@pytest.mark.parametrize(("way", "token_by"), [("join", token_of), ("invitation", invitation_of)])
def test_the_picture_of_a_link_is_the_photo_where_strangers_see_it(
    database_url: str, way: str, token_by: Callable[[Site, int], str], *, is_shown: bool
) -> None:
    with forms.opened(database_url, **forms.MAILING) as site:
        owner = person(site.database, "vera")
        photo = fields.field_from_photo(portrait(1))
        photo_id = site.database.write(lambda session: profiles.add_field(session, owner, photo))
        if is_shown:
            group_id = strangers(site.database, owner)
            site.database.write(lambda session: grants.grant(session, owner, group_id, [photo_id]))
        shown, _document = told_to_messengers(site, f"/{way}?token={token_by(site, owner)}")
        assert shown["og:image"].startswith(forms.ORIGIN)
        picture = Visitor(site).get(shown["og:image"].partition("/.web")[2]).response
        assert picture.status_code == 200
        assert picture.headers["Content-Type"] == ("image/jpeg" if is_shown else "image/png")
        assert Image.open(io.BytesIO(picture.content)).format == ("JPEG" if is_shown else "PNG")


def test_a_messenger_that_names_no_language_is_answered_in_that_of_whose_link_it_is(site: Site) -> None:
    """As a letter of theirs would be; whoever opens the link reads it in their own."""
    owner = person(site.database, "anna")
    site.database.write(lambda session: preference_changes.set_language(session, owner, "zh-Hans"))
    card = card_links.made(site.database, owner, strangers(site.database, owner)).token
    for path in (f"/join?token={token_of(site, owner)}", f"/cards?token={card}"):
        for asked, said in (("", "通讯录"), ("fr", "address book"), ("en", "address book")):
            shown, _document = told_to_messengers(site, path, asked)
            assert said in shown["og:description"], (path, asked)
