"""Devices: which there are, shutting one out, and setting up another; a password is shown once, and stored nowhere."""

from __future__ import annotations

import contextlib
import hashlib
from http import HTTPStatus
from typing import NamedTuple

from flask import Blueprint, Response, abort, make_response, request, session, url_for
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import language, set_up, signed_in
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.once import SecretForm, once_or_again
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.set_up import Access, Client
from radicale_plugin.web.signed_in import current_person, database, portal
from sync.books import arrival
from sync.books.arrival import Arrival
from sync.database.engine import Session
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.meeting import sent_forms
from sync.revisions import address_books
from sync.shared_books import access
from sync.sharing import phone_lists
from sync.sign_in import credentials
from sync.sign_in.credentials import Gate, Made

blueprint = Blueprint("devices", __name__, url_prefix="/devices")

#: How many of those that were shut out are still listed.
_REVOKED = 20
#: Where in the browser's session it is which device it set up last: the program, the form's mark, the device's id.
_BEGUN = "setting_up"


class NewDevice(SecretForm):
    """How the person calls a device."""

    label = StringField(
        lazy("What you call it"),
        [InputRequired(), Length(max=100)],
        description=lazy("So that you know it again in the list, and can shut it out when it is lost."),
    )


@blueprint.get("/")
def index() -> Response:
    """List the devices, and what else can be set up."""
    me = current_person().account_id
    with database().reading() as transaction:
        devices = credentials.devices(transaction, me)
        book = address_books.find_book(transaction, me, address_books.CONTACTS_PATH)
        proposals = phone_lists.count(transaction, me)
        has_shared_books = bool(access.books_of(transaction, me))
    revoked = sorted(
        (each for each in devices if each.revoked_at is not None), key=lambda each: -(each.revoked_at or 0)
    )
    return page(
        "devices/index.html",
        devices=[each for each in devices if each.revoked_at is None],
        revoked=revoked[:_REVOKED],
        revision=book.revision if book is not None else 0,
        clients=set_up.CLIENTS,
        proposals=proposals,
        has_shared_books=has_shared_books,
    )


@blueprint.get("/start")
def start() -> Response:
    """Begin with the phone or computer that the browser is on, where it says which that is."""
    here = set_up.client_of(signed_in.browser())
    if here is None:
        return go("devices.index")
    # An iPad may say that it is a Mac: the page asks the browser once more.
    return go("devices.new", key=here.key, here="yes" if here.key == "mac" else None)


@blueprint.get("/<int:device_id>/wait")
def wait(device_id: int) -> Response:
    """Show whether a device that is being set up has its cards; without scripts, it is asked for again and again."""
    found, version = _arrival(device_id)
    return page("devices/wait.html", device_id=device_id, arrival=found, version=version)


@blueprint.get("/<int:device_id>/state")
def state(device_id: int) -> Response:
    """Answer with what the page that waits shows, where that is not what it shows already."""
    found, version = _arrival(device_id)
    if request.if_none_match.contains(version):
        answer = make_response("", HTTPStatus.NOT_MODIFIED)
    else:
        answer = page("devices/state.html", device_id=device_id, arrival=found)
    answer.set_etag(version)
    return answer


@blueprint.route("/new/<key>", methods=["GET", "POST"])
def new(key: str) -> Response:
    """Tell how a program is set up; after a POST, with a password for it."""
    client = set_up.client(key) or abort(404)
    begun = _begun(key)
    form = NewDevice(**({"label": begun.label, "mark": begun.mark} if begun else {"label": str(client.label)}))
    if form.accepted():
        try:
            found = _set_up(form)
        except (InvalidInput, LimitExceeded, NotFound) as error:
            form.refuse("label", error)
        else:
            return _shown(client, found, form)
    here = portal().place.origin + url_for("devices.new", key=key)
    own = set_up.client_of(signed_in.browser())
    # Whoever is on a phone is at no computer.
    is_here = request.args.get("here") == "yes"
    code = set_up.picture_of(here) if client.is_phone and not is_here and not (own and own.is_phone) else ""
    status = 400 if form.errors else form.status
    return page(
        "devices/new.html",
        status,
        client=client,
        form=form,
        code=code,
        own=own,
        begun=begun.label if begun else "",
        is_here=is_here,
        **_where(),
    )


@blueprint.post("/profile")
def profile() -> Response:
    """Give a new device its profile: who asks sends the password, which is stored nowhere."""
    person = current_person()
    caller = Gate(database()).admit(person.login, request.form.get("password", ""))
    if caller is None or caller.account_id != person.account_id:
        abort(400, _("This password lets no device in any more. Set the device up again."))
    access = Access(portal().place, person.login, caller.device_id, request.form["password"])
    answer = make_response(access.profile(_("Evercard of %(login)s", login=person.login)))
    answer.headers["Content-Type"] = set_up.PROFILE_TYPE
    answer.headers["Content-Disposition"] = f'attachment; filename="evercard-{person.login}.mobileconfig"'
    return answer


@blueprint.post("/<int:device_id>/revoke")
def revoke(device_id: int) -> Response:
    """Shut a device out, from its next request on."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda transaction: credentials.revoke_device(transaction, me, device_id))):
        say(_("The device is shut out from now on. What it has already stays on it until somebody deletes it there."))
    return go("devices.index")


class _Begun(NamedTuple):
    """A device that this browser set up last and that has not called yet, with the mark of the form that did."""

    label: str
    mark: str


def _begun(key: str) -> _Begun | None:
    """Return what this browser has begun to set up with the program *key*, so that going back does not begin anew."""
    of_key, mark, device_id = session.get(_BEGUN) or ("", "", 0)
    if of_key != key or not sent_forms.is_fresh(mark):
        return None
    with contextlib.suppress(NotFound), database().reading() as transaction:
        found = arrival.of(transaction, current_person().account_id, device_id)
        return None if found.has_called else _Begun(found.label, mark)
    return None


def _set_up(form: NewDevice) -> Made:
    """Let the device in that the form is about; where it was sent before, return the one that it let in."""
    me, label, seed = current_person().account_id, form.label.data or "", form.seed

    def add(transaction: Session) -> Made:
        return Made(*credentials.add_device(transaction, me, label, seed), has_called=False, is_revoked=False)

    # One that was shut out so long ago that nothing is known of it is not let in again.
    return once_or_again(
        add, lambda transaction: credentials.made_with(transaction, me, seed), url_for("devices.index")
    )


def _shown(client: Client, made: Made, form: NewDevice) -> Response:
    """Show the password of a device that has not called yet; of another, what became of it."""
    if made.is_revoked:
        say(_("This device is shut out. Set it up anew where it is to come in again."))
        return go("devices.index")
    if made.has_called:
        return go("devices.wait", device_id=made.device_id)
    session[_BEGUN] = [client.key, form.mark.data, made.device_id]
    access = Access(portal().place, current_person().login, made.device_id, made.password)
    return _made(client, access, form.label.data or "")


def _made(client: Client, access: Access, label: str) -> Response:
    code = set_up.picture_of(access.link) if client.key == "android" else ""
    found, version = _arrival(access.device_id)
    waited = {"arrival": found, "version": version, "device_id": access.device_id}
    return page("devices/made.html", client=client, access=access, label=label, code=code, **waited, **_where())


def _arrival(device_id: int) -> tuple[Arrival, str]:
    """Return how far a device has come, and what changes as soon as something else is to be shown of it."""
    with database().reading() as transaction:
        found = arrival.of(transaction, current_person().account_id, device_id)
    said = f"{language.current()} {found!r}".encode()
    return found, hashlib.blake2b(said, digest_size=12).hexdigest()


def _where() -> dict[str, bool]:
    place = portal().place
    settings = database().settings
    return {"is_secure": place.is_secure, "is_known": bool(settings.base_url), "can_push": settings.can_push}
