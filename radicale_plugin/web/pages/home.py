"""The first page: what Evercard is for who does not know it, and where to go for who is signed in."""

from __future__ import annotations

from flask import Blueprint, Response

from radicale_plugin.web.page import page
from radicale_plugin.web.visitors import database, open_to_all, visitor
from sync import signing_up

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@open_to_all
def index() -> Response:
    """Greet."""
    if visitor() is not None:
        return page("home/index.html")
    with database().reading() as session:
        return page("home/welcome.html", is_open=signing_up.is_open(session))
