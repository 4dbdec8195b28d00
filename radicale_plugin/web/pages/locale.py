"""Choosing the language of the pages."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from radicale_plugin.web import kept_forms, language
from radicale_plugin.web.page import go_to
from radicale_plugin.web.signed_in import database, open_to_all, visitor
from sync.accounts import preference_changes

blueprint = Blueprint("locale", __name__)


@blueprint.post("/language")
@open_to_all
def choose() -> Response:
    """Keep the choice, and go back to the page that it was made on."""
    tag = request.form.get("language", "")
    language.choose(tag)
    person = visitor()
    if person is not None and tag in language.LANGUAGES:
        # Everywhere, and in what is sent to them.
        database().write(lambda session: preference_changes.set_language(session, person.account_id, tag))
        g.pop("signed_in", None)
    # A page that followed from a form has no address to go back to, but what was typed there.
    kept = kept_forms.carried()
    return go_to(request.form.get("next"), "home.index") if kept is None else kept_forms.shown(kept)
