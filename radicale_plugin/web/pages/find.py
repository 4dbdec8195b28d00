"""Finding people by what they want to be found by, and getting connected to them."""

from __future__ import annotations

from flask import Blueprint, Response, flash, request

from radicale_plugin.web import people, pictures, signed_in
from radicale_plugin.web.error_messages import explained
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go_to, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync import meeting
from sync.discovery import directory, public_photos
from sync.errors import TooManyTries

blueprint = Blueprint("find", __name__, url_prefix="/find")

#: The most characters that are looked for.
LONGEST = 254


@blueprint.get("/")
def index() -> Response:
    """Look for somebody."""
    text = request.args.get("q", "").strip()[: LONGEST + 1]
    if not text:
        return page("find/index.html", text="", found=None, wait=None)
    try:
        found = directory.search(database(), current_person().account_id, text, signed_in.source())
    except TooManyTries as error:
        answer = page("find/index.html", 429, text=text, found=None, wait=explained(error))
        answer.headers["Retry-After"] = str(error.seconds)
        return answer
    return page("find/index.html", text=text, found=found, wait=None)


@blueprint.post("/connect/<int:account_id>")
def connect(account_id: int) -> Response:
    """Connect to somebody who lets anyone."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: meeting.connect_directly(session, me, account_id))):
        say(_("You are connected now. The card is in your address book."))
    return go_to(people.back("find.index"), "find.index")


@blueprint.post("/answer/<int:account_id>")
def answer(account_id: int) -> Response:
    """Answer somebody's question."""
    me = current_person().account_id
    text = request.form.get("answer", "")
    right: list[bool] = []
    if attempt(lambda: right.append(meeting.answer(database(), me, account_id, text, signed_in.source()))):
        if right == [True]:
            say(_("That is right: you are connected now. The card is in your address book."))
        else:
            flash(_("That is not the answer. You can also ask to be connected."), "error")
    return go_to(people.back("find.index"), "find.index")


@blueprint.post("/ask/<int:account_id>")
def ask(account_id: int) -> Response:
    """Ask somebody to be connected."""
    me = current_person().account_id
    text = request.form.get("message", "")
    at_once: list[bool] = []
    change = database().write
    if attempt(lambda: at_once.append(change(lambda session: meeting.ask(session, me, account_id, text)))):
        connected = _("You are connected now. The card is in your address book.")
        say(connected if at_once == [True] else _("You have asked. As soon as they confirm, you are connected."))
    return go_to(people.back("find.index"), "find.index")


@blueprint.get("/portrait/<int:account_id>")
def public_photo(account_id: int) -> Response:
    """Answer with the picture that strangers may see of somebody."""
    with database().reading() as session:
        picture = public_photos.public_photo(session, current_person().account_id, account_id)
    return pictures.answer_one(picture)
