"""The way to all settings, and the language."""

from __future__ import annotations

from flask import Response, g, request, session

from radicale_plugin.web import language
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.pages.settings.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.accounts import preference_changes


@blueprint.get("/")
def index() -> Response:
    """Show what can be decided."""
    return page("settings/index.html", chosen=current_person().language or "")


@blueprint.post("/language")
def choose_language() -> Response:
    """Keep a language for all browsers and messages, or leave it to each browser."""
    me = current_person().account_id
    tag = request.form.get("language", "")
    if tag == "" or tag in language.LANGUAGES:
        database().write(lambda transaction: preference_changes.set_language(transaction, me, tag))
        session.pop("language", None)
        for kept in ("signed_in", "language"):
            g.pop(kept, None)
        say(_("Your language is saved."))
    return go("settings.index")
