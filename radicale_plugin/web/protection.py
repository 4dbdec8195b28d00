"""What keeps other sites out: where a form comes from, and what a page may load (security rule R8)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from flask import Flask, Request, Response, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from itsdangerous import BadSignature
from typing_extensions import override
from werkzeug.exceptions import BadRequest

from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.portal import Portal

# The arrow of a list to choose from is an image in the style sheet, and codes to scan are in their pages.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # With none at all, a browser would call the origin of our own forms null.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
View = TypeVar("View", bound=Callable[..., Any])


class Tokens(CSRFProtect):
    """Looks at the token of every form but of what a mail program sends by itself, which has none (see `one_click`)."""

    @override
    def init_app(self, app: Flask) -> None:
        super().init_app(app)  # type: ignore[no-untyped-call]
        # A page has a form in each of its rows, all with the same.
        app.context_processor(lambda: {"csrf_token": cache(generate_csrf)})

    @override
    def protect(self, apply_exemptions: bool = False) -> None:
        if not is_one_click():
            super().protect(apply_exemptions)  # type: ignore[no-untyped-call]


class Cookies(SecureCookieSessionInterface):
    """
    The one cookie, signed, which no other site can have replaced.

    With a form of another site's the browser sends no cookie; a new one in the answer would sign its user out. How long
    somebody is signed in is a matter of their session (`sync.sign_in.sessions`): after the clock was put back, Flask
    takes every signature for one that expired, which would sign everybody out.
    """

    @override
    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        try:
            return self.session_class(serializer.loads(request.cookies.get(self.get_cookie_name(app), "")))
        except BadSignature:
            return self.session_class()

    @override
    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        return not g.get("foreign", False) and super().should_set_cookie(app, session)


def install(portal: Portal) -> None:
    """Check every POST and put the headers on every answer."""

    def check() -> None:
        g.foreign = request.method == "POST" and not _is_from(portal.place.origin)
        if g.foreign and not is_one_click():
            raise BadRequest(
                _(
                    "This form was not opened at %(origin)s, which is the address of this server. Open it there.",
                    origin=portal.place.origin,
                )
            )

    portal.session_interface = Cookies()
    portal.before_request(check)
    portal.after_request(_add_headers)


def one_click(view: View) -> View:
    """
    Let a mail program unsubscribe its user by a POST that no page of ours was open for (RFC 8058, 3.2).

    The view does nothing more for it than what the secret in its address allows anybody who has that.
    """
    view.one_click = True  # type: ignore[attr-defined]
    return view


def is_one_click() -> bool:
    """Whether a mail program sent this by itself."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "one_click", False) and request.form.getlist("List-Unsubscribe") == ["One-Click"]


def _is_from(origin: str) -> bool:
    """Whether no other site sent this. A browser too old to say where from is left to the form's token."""
    said = request.headers.get("Origin")
    if said is None:
        return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
    return said == origin


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static" and response.status_code in (200, 304):
        # Radicale compresses it for whoever takes that.
        response.headers["Vary"] = "Accept-Encoding"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response
