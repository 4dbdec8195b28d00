"""Who is at the browser, and who must be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import current_app, g, request, session

from radicale_plugin.web.portal import Portal
from sync.accounts import rate_limits
from sync.database.engine import Database
from sync.errors import NotFound
from sync.sign_in import sessions
from sync.sign_in.sessions import SignedIn

_TOKEN = "visit"  # noqa: S105 - where in the session it is
View = TypeVar("View", bound=Callable[..., Any])


class SignedOut(Exception):
    """A page was asked for that only somebody who is signed in can see; `pages.signing` answers it."""


def install(portal: Portal) -> None:
    """Let nobody in who is not signed in, but to pages that are open to all."""
    portal.before_request(_require_person)
    portal.context_processor(lambda: {"visitor": visitor()})


def open_to_all(view: View) -> View:
    """Let a page be seen by people who are not signed in, too."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def portal() -> Portal:
    """Return the portal that answers this request."""
    return cast("Portal", current_app)


def database() -> Database:
    """Return the database of this server."""
    return portal().database


def session_token() -> str:
    """Return what this browser was given when its session began, empty where it has none."""
    return str(session.get(_TOKEN) or "")


def visitor() -> SignedIn | None:
    """Return who is signed in, or None."""
    if "signed_in" not in g:
        token = session_token()
        with database().reading() as transaction:
            g.signed_in = sessions.find(transaction, token) if token else None
    return cast("SignedIn | None", g.signed_in)


def current_person() -> SignedIn:
    """
    Return who is signed in.

    Raises:
        SignedOut: Nobody is; the browser is sent to sign in.
    """
    found = visitor()
    if found is None:
        raise SignedOut
    return found


def source() -> str:
    """Return what limits of tries for one place are counted by (see `sync.accounts.rate_limits.source`)."""
    return rate_limits.source(request.remote_addr or "")


def browser() -> str:
    """Return what the browser says of itself."""
    return request.headers.get("User-Agent", "")


def sign_in(token: str) -> None:
    """Begin a session in this browser. Nothing stays of what was kept for it, which others may have put there."""
    chosen = session.get("language")
    session.clear()
    session.permanent = True
    session[_TOKEN] = token
    if chosen:
        session["language"] = chosen
    g.pop("signed_in", None)
    g.pop("csrf_token", None)


def sign_out() -> None:
    """End this browser's session."""
    found = visitor()
    if found is not None:
        # It may have been ended elsewhere by now.
        with contextlib.suppress(NotFound):
            database().write(lambda transaction: sessions.end(transaction, found.account_id, found.id))
    session.clear()
    g.pop("signed_in", None)
    g.pop("csrf_token", None)


def _require_person() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or request.endpoint == "static" or getattr(view, "open_to_all", False):
        return
    found = current_person()
    if request.method == "POST":
        portal().spending.spend(found.account_id, request.content_length or 0)
    if sessions.is_worth_noting(found):
        database().write_if_free(lambda transaction: sessions.note(transaction, found))
        # The browser shall keep its cookie for as long again.
        session.modified = True
