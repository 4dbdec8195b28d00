"""Choosing the language of the pages."""

from __future__ import annotations

from flask import Blueprint, Response, request

from radicale_plugin.web import language
from radicale_plugin.web.page import go_to
from radicale_plugin.web.visitors import open_to_all

blueprint = Blueprint("tongue", __name__)


@blueprint.post("/language")
@open_to_all
def choose() -> Response:
    """Keep the choice, and go back to the page that it was made on."""
    language.choose(request.form.get("language", ""))
    return go_to(request.form.get("next"), "home.index")
