"""The first page: what Evercard is for who does not know it, and what is to be done for who is signed in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, url_for

from radicale_plugin.web.assets import asset
from radicale_plugin.web.field_display import kind_title
from radicale_plugin.web.language import current
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import page
from radicale_plugin.web.signed_in import current_person, database, open_to_all, visitor
from sync.accounts import preference_changes
from sync.books import doubts
from sync.household import shares
from sync.meeting import overview
from sync.organisations import members
from sync.queries import activity, connected_people
from sync.sharing import phone_lists
from sync.sign_in import signing_up

blueprint = Blueprint("home", __name__)

#: How many people whose cards changed are named; the others are under Activity.
_CHANGES = 3


@blueprint.get("/")
@open_to_all
def index() -> Response:
    """Greet."""
    if visitor() is None:
        with database().reading() as session:
            return page("home/welcome.html", is_open=signing_up.is_open(session))
    account_id = current_person().account_id
    with database().reading() as session:
        found = overview.of(session, account_id)
        asks = preference_changes.is_asked_about_number(session, account_id)
        is_doubted = doubts.is_doubted(session, account_id)
        moves = phone_lists.count(session, account_id)
        shared_news = shares.count_news(session, account_id)
        invited = members.invitations(session, account_id)
        changes = activity.latest(session, account_id, count=_CHANGES)
        names = connected_people.some(session, account_id, [change.owner_id for change in changes])
    told = [
        (change.name or names[change.owner_id].name, change.at)
        for change in changes
        if change.name or change.owner_id in names
    ]
    news: dict[str, Any] = {"asks": asks, "is_doubted": is_doubted, "moves": moves, "shared_news": shared_news}
    news["invited"] = [(each, [kind_title(kind) for kind in each.minimum]) for each in invited]
    return page("home/index.html", overview=found, changes=told, **news)


@blueprint.get("/manifest.webmanifest")
@open_to_all
def manifest() -> Response:
    """Tell a phone how the portal is put on its home screen."""
    icons: list[dict[str, Any]] = [
        {"src": asset(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any maskable"}
        for size in (192, 512)
    ]
    answer = jsonify(
        name="Evercard",
        short_name="Evercard",
        description=_("An address book in which everybody keeps their own card. Nothing to install."),
        lang=current(),
        start_url=url_for("home.index"),
        scope=url_for("home.index"),
        display="standalone",
        background_color="#f6f5f0",
        theme_color="#f6f5f0",
        icons=icons,
    )
    answer.headers["Content-Type"] = "application/manifest+json"
    return answer
