"""
A card for people without an account: what whoever has a card link is shown, as a page and as a vCard.

A link that is over looks as one that never was. No other site learns the address by a referrer, no search engine keeps
the page, and no cookie is set. What is counted is how often, and nothing of whom.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, make_response, request

from radicale_plugin.web import language, pictures
from radicale_plugin.web.field_display import shown_card
from radicale_plugin.web.handed_out import speak_as
from radicale_plugin.web.page import page
from radicale_plugin.web.signed_in import open_to_all, portal, source
from sync.books.entry_texts import EntryText
from sync.card_links.opening import DOWNLOADED, OPENED, OpenedLink

blueprint = Blueprint("card_page", __name__)
VERSIONS = ("3.0", "4.0")


@blueprint.after_request
def keep_apart(response: Response) -> Response:
    """Let nobody else learn of the address, and no search engine keep what is there."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


@blueprint.get("/cards")
@open_to_all
def show() -> Response:
    """Show the card, how to keep it, and how to follow it."""
    link = _opened()
    _speak(request.args.get("lang", ""), link.owner_id if link else None)
    if link is None:
        return _over()
    found = _card(link)
    given = shown_card(found.text, link.login, pictures.at("card_page.photo", token=_token()))
    if request.method == "GET":
        portal().links.note(link, OPENED)
    return page(
        "card_page/show.html",
        card=given,
        token=_token(),
        photo=given.picture,
        origin=portal().place.origin,
        **_follow(link),
    )


@blueprint.get("/cards/card.vcf")
@open_to_all
def download() -> Response:
    """Answer with the card as a vCard, in the version that is asked for."""
    link = _opened()
    if link is None:
        return _over()
    version = request.args.get("version", VERSIONS[0])
    found = _card(link, version if version in VERSIONS else VERSIONS[0])
    answer = make_response(found.text)
    answer.content_type = "text/vcard; charset=utf-8"
    answer.set_etag(f"{found.etag.strip(chr(34))}-{version[:1]}")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Content-Disposition"] = 'attachment; filename="card.vcf"'
    answer.make_conditional(request)
    if request.method == "GET" and answer.status_code == 200:
        portal().links.note(link, DOWNLOADED)
    return answer


@blueprint.get("/cards/photo")
@open_to_all
def photo() -> Response:
    """Answer with the picture that is on the card."""
    link = _opened()
    if link is None:
        return _over()
    return pictures.answer(pictures.of_card(_card(link).text))


def _over() -> Response:
    return page("card_page/over.html", 404, token="")


def _token() -> str:
    return request.args.get("token", "")


def _opened() -> OpenedLink | None:
    """Return what the token of this request opens, with whatever is over taken back; None for nothing."""
    gate, token = portal().links, _token()
    link = gate.opened(token)
    if link is not None and portal().watch.settle(link.owner_id):
        link = gate.again(link)
    if link is None and token:
        gate.guessed(source())
    return link


def _card(link: OpenedLink, version: str = "3.0") -> EntryText:
    return portal().links.card(link, version) or abort(404)


def _follow(link: OpenedLink) -> dict[str, str]:
    """Return what a program needs to follow the card."""
    login = link.follower
    server = f"{portal().place.base_url}/{login}/"
    return {"server": server, "login": login, "password": portal().links.password_for(link)}


def _speak(tag: str, owner_id: int | None) -> None:
    """Answer in a language that the address names, since a form would have to say where it comes from."""
    if tag in language.LANGUAGES:
        g.language = tag
    elif owner_id is not None:
        speak_as(owner_id)
