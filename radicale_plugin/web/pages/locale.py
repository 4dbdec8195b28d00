"""Choosing the language of the pages."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, request

from radicale_plugin.web import kept_forms, language, refilled
from radicale_plugin.web.kept_forms import Kept
from radicale_plugin.web.page import go_to
from radicale_plugin.web.signed_in import database, open_to_all, visitor
from sync.accounts import preference_changes

blueprint = Blueprint("locale", __name__)


@blueprint.post("/language")
@open_to_all
def choose() -> Response:
    """Keep the choice, and go back to the page that it was made on."""
    _keep(request.form.get("language", ""))
    # A page that followed from a form has no address to go back to, but what was typed there.
    kept = kept_forms.carried()
    return go_to(request.form.get("next"), "home.index") if kept is None else kept_forms.shown(kept)


@blueprint.post("/language/<tag>")
@open_to_all
def choose_in_form(tag: str) -> Response:
    """
    Keep the choice that was made within a form, whose fields came along, and show its page again with them.

    Browsers without scripts have no other way to take along what was typed. The address names the page and the form.
    """
    _keep(tag)
    path, action = request.args.get("page", ""), request.args.get("form", "")
    sent = {name: values for name, values in request.form.lists() if not refilled.is_secret(name)}
    found = refilled.shown_again(path, action, sent, language.current())
    if found is not None:
        return make_response(found.text)
    kept = kept_forms.checked(Kept(action, "", tuple((name, each) for name, values in sent.items() for each in values)))
    return go_to(path, "home.index") if kept is None else kept_forms.shown(kept)


def _keep(tag: str) -> None:
    language.choose(tag)
    person = visitor()
    if person is not None and tag in language.LANGUAGES:
        # Everywhere, and in what is sent to them.
        database().write(lambda session: preference_changes.set_language(session, person.account_id, tag))
        g.pop("signed_in", None)
