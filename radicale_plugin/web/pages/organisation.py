"""Signing in by an organisation: going there, coming back, and confirming that an identity there is one's own."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request, url_for

from radicale_plugin.web import language, organisation, signed_in
from radicale_plugin.web.error_messages import explained
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, go_to, page, say
from radicale_plugin.web.signed_in import current_person, database, open_to_all, visitor
from sync.accounts import rate_limits
from sync.errors import AlreadyExists, OrganisationUnavailable, Refused, SignInRefused
from sync.openid import arriving as identities
from sync.openid.provider import Attempt
from sync.sign_in.signing_in import ALL, SOURCE
from sync.sign_in.told import Told

blueprint = Blueprint("organisation", __name__, url_prefix="/organisation")


@blueprint.before_request
def _only_where_there_is_one() -> None:
    if not database().settings.organisation.is_known:
        abort(404)


@blueprint.get("/start")
@open_to_all
def start() -> Response:
    """Send the browser to the provider."""
    begun = Attempt.begin()
    try:
        address = organisation.provider().begin(begun)
    except OrganisationUnavailable as error:
        return _failed(explained(error), 503)
    organisation.keep(begun, request.args.get("next", ""))
    return Response(status=303, headers={"Location": address})


@blueprint.get("/back")
@open_to_all
def back() -> Response:
    """Let in who comes back, or let who is signed in already confirm that this is them."""
    try:
        begun, wanted = organisation.take()
        told = _told(begun)
        me = visitor()
        if me is not None:
            token = database().write(lambda session: identities.offer(session, me.account_id, told))
            return page("organisation/confirm.html", token=token, called=_called(told))
        browser, spoken = signed_in.browser(), language.current()
        inside = identities.arrive(database(), told, browser=browser, language=spoken)
    except OrganisationUnavailable as error:
        return _failed(explained(error), 503)
    except (AlreadyExists, Refused, SignInRefused) as error:
        return _failed(explained(error))
    if inside is None:
        return _failed(
            _("No account here is linked with this sign-in. Sign in with your password, and link it in your settings.")
        )
    signed_in.sign_in(inside)
    organisation.note_arrival()
    return go_to(wanted, "home.index")


@blueprint.post("/link")
def link() -> Response:
    """Link an identity with the account of who confirmed that it is theirs."""
    me, token = current_person().account_id, request.form.get("token", "")
    if attempt(lambda: database().write(lambda session: identities.confirm(session, me, token))):
        say(_("From now on you can sign in by your organisation."))
    return go("account.index")


def _told(begun: Attempt) -> Told:
    database().write(lambda session: rate_limits.take(session, SOURCE, signed_in.source()))
    database().write(lambda session: rate_limits.take(session, ALL))
    given = request.args
    return organisation.provider().finish(begun, given.get("state", ""), given.get("code", ""), given.get("iss"))


def _called(told: Told) -> str:
    return told.text("preferred_username") or told.text("email") or told.text("name")


def _failed(message: str, status: int = 400) -> Response:
    return page("organisation/failed.html", status, message=message)


def signed_out_page() -> Response | None:
    """Return the page that also offers to sign out at the provider, where the session that ends began there."""
    if not organisation.came() or not database().settings.organisation.is_known:
        return None
    here = f"{signed_in.portal().place.origin}{url_for('home.index')}"
    address = organisation.provider().sign_out_address(here)
    signed_in.sign_out()
    return page("organisation/signed_out.html", address=address) if address else None
