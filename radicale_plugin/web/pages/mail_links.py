"""
The pages that links in messages, and links that people hand out, lead to.

Opening one changes nothing, because programs that look into e-mail open them as well; a button decides. They work
without being signed in: a one-time token speaks for whom it was sent to, and an invitation leads to signing up.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request, url_for

from radicale_plugin.web import language, newcomers, pictures
from radicale_plugin.web.doors import invitation_door, link_door, look
from radicale_plugin.web.error_messages import told
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.newcomers import Door
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.protection import is_one_click, one_click
from radicale_plugin.web.signed_in import current_person, database, open_to_all, visitor
from sync import meeting
from sync.database import accounts
from sync.database.engine import Session
from sync.digests import choices
from sync.discovery import public_photos
from sync.errors import AlreadyExists, InvalidInput, InvalidOneTimeToken, NotFound, Refused, TooManyTries
from sync.meeting import Asked, invitation_links, invitations
from sync.notify import suppression
from sync.queries import connected_people

blueprint = Blueprint("mail_links", __name__)


@blueprint.errorhandler(InvalidOneTimeToken)
def over(_error: InvalidOneTimeToken) -> Response:
    """Say that a link does not work any more; who used it comes to what it led to by signing in."""
    opened = request.endpoint in ("mail_links.invitation", "mail_links.join")
    back = request.script_root + request.full_path if opened else url_for("requests.index")
    return page("mail_links/over.html", 410, back=back)


@blueprint.get("/request")
@open_to_all
def asked() -> Response:
    """Show who asks, to whom a message told it."""
    token = _token()

    def read(session: Session) -> tuple[str, Asked]:
        owner_id, opened = meeting.open_letter(session, token)
        return accounts.logins(session, [owner_id])[owner_id], opened

    login, opened = look(read)
    return page("mail_links/asked.html", token=token, login=login, asked=opened)


@blueprint.post("/request")
@open_to_all
def decide() -> Response:
    """Confirm, decline, or decline for ever, as the person whom the message was sent to."""
    token, decision = request.form.get("token", ""), request.form.get("decision", "")

    def change(session: Session) -> tuple[int, bool]:
        owner_id, other_id = meeting.decide_by_letter(session, token, decision)
        waiting = any(each.other_id == other_id for each in meeting.requests_of(session, owner_id))
        return owner_id, waiting

    look(lambda session: meeting.open_letter(session, token))
    owner_id, waiting = database().write(change)
    said = {
        "confirm": _("You are connected now. The card is in your address book."),
        "decline": _("You have declined. They may ask again."),
        "refuse": _("You have declined for ever. They are not told, and wait."),
    }
    if decision == "confirm" and waiting:
        say(_("You have confirmed. You are connected as soon as the other does, too."))
    else:
        say(said[decision])
    found = visitor()
    return go("requests.index" if found and found.account_id == owner_id else "home.index")


@blueprint.get("/request/portrait")
@open_to_all
def public_photo() -> Response:
    """Answer with the picture of who asks, as strangers may see it."""

    def read(session: Session) -> bytes | None:
        owner_id, opened = meeting.open_letter(session, _token())
        return public_photos.public_photo(session, owner_id, opened.other_id)

    return pictures.answer_one(look(read))


@blueprint.get("/invitation")
@open_to_all
def invitation() -> Response:
    """Show who invites, and how to come in."""
    token = _token()
    if (known := _known(token)) is not None:
        return known
    return _show(invitation_door(token))


@blueprint.post("/invitation")
def accept() -> Response:
    """Connect whoever is signed in with who invited them."""
    me, token = current_person().account_id, request.form.get("token", "")
    return _met(token, lambda session: invitations.accept(session, token, me).at_once)


@blueprint.post("/invitation/sign-up")
@open_to_all
def sign_up_invited() -> Response:
    """Make an account that is connected with who invited, in two steps."""
    return _come_in(invitation_door, "mail_links.invitation")


@blueprint.get("/invitation/photo")
@open_to_all
def invitation_photo() -> Response:
    """Answer with the picture that strangers may see of whoever invites."""
    token = _token()
    return pictures.answer_one(
        look(
            lambda session: public_photos.public_photo(
                session, None, invitations.open_invitation(session, token, None).inviter_id
            )
        )
    )


@blueprint.get("/join/photo")
@open_to_all
def join_photo() -> Response:
    """Answer with the picture that strangers may see of whose link it is."""
    token = _token()
    return pictures.answer_one(
        look(
            lambda session: public_photos.public_photo(
                session, None, invitation_links.open_link(session, token, None).owner_id
            )
        )
    )


@blueprint.get("/join")
@open_to_all
def join() -> Response:
    """Show whose link this is, and what following it does."""
    token = _token()
    if (known := _known(token)) is not None:
        return known
    return _show(link_door(token))


@blueprint.post("/join")
def follow() -> Response:
    """Ask the owner of a link to be connected, or be it at once where the link says so."""
    me, token = current_person().account_id, request.form.get("token", "")
    return _met(token, lambda session: invitation_links.follow(session, token, me))


@blueprint.post("/join/sign-up")
@open_to_all
def sign_up_joining() -> Response:
    """Make an account for whoever was handed a link and follow it as them, in two steps."""
    return _come_in(link_door, "mail_links.join")


@blueprint.route("/unsubscribe", methods=["GET", "POST"])
@open_to_all
@one_click
def unsubscribe() -> Response:
    """Send nothing more to an address (RFC 8058 where a mail program asks for it)."""
    return _stopped(suppression.check, suppression.suppress, "mail_links/unsubscribe.html")


@blueprint.route("/digest", methods=["GET", "POST"])
@open_to_all
@one_click
def digest() -> Response:
    """End the daily news of whoever a digest was sent to (RFC 8058 where a mail program asks for it)."""
    return _stopped(choices.check, choices.stop_by_token, "mail_links/digest.html")


@blueprint.get("/unsubscribed")
@open_to_all
def stopped() -> Response:
    """Say that nothing more is sent."""
    return page("mail_links/unsubscribed.html")


def _stopped(
    check: Callable[[Session, str], object], stop: Callable[[Session, str], object], question: str
) -> Response:
    """Stop what a link in a message is about, once that is confirmed by a POST; *question* is the page that asks."""
    token = _token()
    look(lambda session: check(session, token))
    if request.method == "POST":
        database().write(lambda session: stop(session, token))
        # A mail program follows nowhere.
        return page("mail_links/unsubscribed.html") if is_one_click() else go("mail_links.stopped")
    return page(question, token=token)


def _token() -> str:
    return request.args.get("token", "")


def _come_in(open_door: Callable[[str], Door], endpoint: str) -> Response:
    token = request.form.get("token", "")
    if visitor() is not None:
        return go(endpoint, token=token)
    try:
        return newcomers.come_in(open_door(token)) or go("devices.start")
    except InvalidOneTimeToken:
        if not newcomers.come_back():
            raise
        return go(endpoint, token=token)


def _show(door: Door) -> Response:
    if visitor() is None and newcomers.is_open(door):
        return newcomers.first_page(door)
    return page(door.template, door=door, about=None, **(door.values or {}))


def _known(token: str) -> Response | None:
    """Lead who is signed in, and connected by this link or with whose it is already, to that person's card."""
    found = visitor()
    if found is None:
        return None
    me = found.account_id
    known = (invitations.known_by, invitation_links.known_by)
    other = next((each for ask in known if (each := look(lambda session, ask=ask: ask(session, token, me)))), None)  # type: ignore[misc]
    if other is None:
        return None
    with database().reading() as session:
        who = connected_people.find(session, me, other)
    say(_("You are connected with %(name)s.", name=who.name if who else ""))
    return go("people.one", account_id=other)


def _met(token: str, meet: Callable[[Session], bool]) -> Response:
    """Do what a link is for, say whether the two are connected now, and show the card where they are."""
    at_once: list[bool] = []
    try:
        at_once.append(database().write(meet))
    except (AlreadyExists, InvalidOneTimeToken) as error:
        if (known := _known(token)) is not None:
            return known
        if isinstance(error, InvalidOneTimeToken):
            raise
        told(error)
    except (InvalidInput, NotFound, Refused, TooManyTries) as error:
        told(error)
    language.keep()
    if at_once == [False]:
        say(_("You have asked. As soon as they confirm, you are connected."))
    return _known(token) or go("home.index")
