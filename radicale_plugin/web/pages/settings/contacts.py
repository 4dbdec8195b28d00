"""Taking the phone's contacts over, and seeing which of them are here."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from radicale_plugin.web import signed_in
from radicale_plugin.web.error_messages import explained, told
from radicale_plugin.web.ids import posted_ids
from radicale_plugin.web.imports import ContactsForm
from radicale_plugin.web.language import ngettext
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.pages.settings.area import blueprint
from radicale_plugin.web.portal import takes_files
from radicale_plugin.web.signed_in import current_person, database
from sync import meeting
from sync.discovery.contact_discovery import contacts_here
from sync.errors import AlreadyExists, DatabaseUnavailable, EvercardError, InvalidInput, Refused, TooManyTries
from sync.meeting.requests import MESSAGE_LENGTH


@blueprint.route("/contacts", methods=["GET", "POST"])
@takes_files
def own_contacts() -> Response:
    """Take a file of contacts over."""
    form = ContactsForm()
    report = form.take_over(current_person().account_id)
    if isinstance(report, int):
        return page("settings/contacts.html", report, form=form)
    known = _familiar()[1]
    return page("settings/imported.html", report=report, **known)


@blueprint.post("/contacts/known")
def known_contacts() -> Response:
    """List who of the contacts can be found here."""
    status, found = _familiar()
    return page("settings/known.html", status, **found)


@blueprint.post("/contacts/ask")
def ask_contacts() -> Response:
    """Ask those who were ticked to be connected."""
    me, message = current_person().account_id, request.form.get("message", "")
    if len(message) > MESSAGE_LENGTH:
        raise InvalidInput(f"A message has at most {MESSAGE_LENGTH} characters.")
    asked = connected = 0
    for other_id in posted_ids("person"):
        try:
            at_once = database().write(lambda session, other=other_id: meeting.ask(session, me, other, message))  # type: ignore[misc]
        except DatabaseUnavailable:
            raise
        except AlreadyExists:
            continue
        except EvercardError as error:
            told(error)
            break
        asked, connected = asked + (not at_once), connected + at_once
    if connected:
        say(ngettext("You are connected to %(num)s person now.", "You are connected to %(num)s people now.", connected))
    if asked:
        say(ngettext("You have asked %(num)s person.", "You have asked %(num)s people.", asked))
    return go("settings.own_contacts")


def _familiar() -> tuple[int, dict[str, Any]]:
    """Return the status of the answer, and who is found, or why there is no list."""
    try:
        found = contacts_here(database(), current_person().account_id, signed_in.source())
    except (Refused, TooManyTries) as error:
        unlisted = isinstance(error, Refused)
        return 400 if unlisted else 429, {"found": [], "wait": explained(error), "unlisted": unlisted}
    return 200, {"found": found, "wait": "", "unlisted": False}
