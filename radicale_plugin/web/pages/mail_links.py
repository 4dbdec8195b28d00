"""
The pages that links in messages, and links that people hand out, lead to.

Opening one changes nothing, because programs that look into e-mail open them as well; a button decides. They work
without being signed in: a one-time token speaks for whom it was sent to, and an invitation leads to signing up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, request, url_for

from radicale_plugin.web import signed_in
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.find import as_picture
from radicale_plugin.web.pages.signing import SignUp
from radicale_plugin.web.protection import one_click
from radicale_plugin.web.signed_in import current_person, database, open_to_all, visitor
from sync import meeting
from sync.accounts import signing_up
from sync.database import accounts
from sync.database.engine import Session
from sync.discovery import public_photos
from sync.errors import AlreadyExists, InvalidInput, InvalidOneTimeToken, TooManyTries
from sync.meeting import Asked, invitation_links, invitations
from sync.notify import suppression

blueprint = Blueprint("mail_links", __name__)
T = TypeVar("T")


@blueprint.errorhandler(InvalidOneTimeToken)
def over(_error: InvalidOneTimeToken) -> Response:
    """Say that a link does not work any more."""
    return page("mail_links/over.html", 410)


@blueprint.get("/request")
@open_to_all
def asked() -> Response:
    """Show who asks, to whom a message told it."""
    token = _token()

    def read(session: Session) -> tuple[str, Asked]:
        owner_id, opened = meeting.open_letter(session, token)
        return accounts.logins(session, [owner_id])[owner_id], opened

    login, opened = _look(read)
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

    _look(lambda session: meeting.open_letter(session, token))
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

    return as_picture(_look(read))


@blueprint.get("/invitation")
@open_to_all
def invitation() -> Response:
    """Show who invites, and how to come in."""
    return _invitation(_token(), SignUp(), 200)


@blueprint.post("/invitation")
def accept() -> Response:
    """Connect whoever is signed in with who invited them."""
    me, token = current_person().account_id, request.form.get("token", "")
    return _met(lambda session: invitations.accept(session, token, me).at_once)


@blueprint.post("/invitation/sign-up")
@open_to_all
def sign_up_invited() -> Response:
    """Make an account that is connected with who invited."""
    token, form = request.form.get("token", ""), SignUp()

    def sign_up(login: str, password: str) -> str:
        where: dict[str, Any] = {"source": signed_in.source(), "browser": signed_in.browser()}
        return invitations.sign_up(database(), token, login, password, **where)[1]

    inside = _signed_up(form, sign_up)
    if inside is None:
        return _invitation(token, form, 400)
    signed_in.sign_in(inside)
    say(_("Welcome! This is your account, and you are connected already. Fill in your card, and set up your phone."))
    return go("home.index")


@blueprint.get("/join")
@open_to_all
def join() -> Response:
    """Show whose invitation link it is, and what it does."""
    return _join(_token(), SignUp(), 200)


@blueprint.post("/join")
def follow() -> Response:
    """Ask the owner of a link to be connected, or be it at once where the link says so."""
    me, token = current_person().account_id, request.form.get("token", "")
    return _met(lambda session: invitation_links.follow(session, token, me))


@blueprint.post("/join/sign-up")
@open_to_all
def sign_up_joining() -> Response:
    """Make an account for whoever was handed a link, and come back to it."""
    token, form = request.form.get("token", ""), SignUp()

    def sign_up(login: str, password: str) -> str:
        where: dict[str, Any] = {"source": signed_in.source(), "browser": signed_in.browser()}
        return invitation_links.sign_up(database(), token, login, password, **where)

    inside = _signed_up(form, sign_up)
    if inside is None:
        return _join(token, form, 400)
    signed_in.sign_in(inside)
    say(_("Welcome! This is your account."))
    return go("mail_links.join", token=token)


@blueprint.route("/unsubscribe", methods=["GET", "POST"])
@open_to_all
@one_click
def unsubscribe() -> Response:
    """Send nothing more to an address (RFC 8058 where a mail program asks for it)."""
    token = _token()
    _look(lambda session: suppression.check(session, token))
    if request.method == "POST":
        database().write(lambda session: suppression.suppress(session, token))
        return page("mail_links/unsubscribed.html")
    return page("mail_links/unsubscribe.html", token=token)


def _token() -> str:
    return request.args.get("token", "")


def _look(read: Callable[[Session], T]) -> T:
    # The server's key, which all of these need, was made when the portal started; so whoever sends nonsense keeps
    # nobody from writing.
    with database().reading() as session:
        return read(session)


def _met(meet: Callable[[Session], bool]) -> Response:
    """Do what a link is for, and say whether the two are connected now."""
    at_once: list[bool] = []
    if attempt(lambda: at_once.append(database().write(meet))):
        connected = _("You are connected now. The card is in your address book.")
        say(connected if at_once == [True] else _("You have asked. As soon as they confirm, you are connected."))
    return go("home.index")


def _opener() -> int | None:
    found = visitor()
    return found.account_id if found else None


def _signed_up(form: SignUp, sign_up: Callable[[str, str], str]) -> str | None:
    """Return the token of the new session, or None where the form says what is wrong."""
    # Who was invited has proved an address by that, and whoever holds a link may add one later.
    del form.email
    if visitor() is not None or not form.accepted():
        return None
    try:
        return sign_up(form.login.data or "", form.password.data or "")
    except (AlreadyExists, InvalidInput, TooManyTries) as error:
        form.refuse("login", error)
    return None


def _invitation(token: str, form: SignUp, status: int) -> Response:
    invited = _look(lambda session: invitations.open_invitation(session, token, _opener()))
    return page("mail_links/invitation.html", status, invited=invited, **_coming_in("invitation", token, form))


def _join(token: str, form: SignUp, status: int) -> Response:
    opened = _look(lambda session: invitation_links.open_link(session, token, _opener()))
    return page("mail_links/join.html", status, opened=opened, **_coming_in("join", token, form))


def _coming_in(endpoint: str, token: str, form: SignUp) -> dict[str, Any]:
    if "email" in form:
        del form.email
    with database().reading() as session:
        is_open = signing_up.is_open(session, invited=True)
    back = url_for(f"mail_links.{endpoint}", token=token)
    return {"token": token, "form": form, "is_open": is_open, "sign_in": url_for("signing.sign_in", next=back)}
