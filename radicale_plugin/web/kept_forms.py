"""
Forms that could not be taken because the session ended meanwhile, or another one began: nothing typed is lost.

What was typed goes along through signing in, in the pages themselves: the server stores nothing of it. Whoever is in
again sees the page where they typed it, with everything in its place, and sends it by its button; nothing is ever done
by itself. Passwords and files are not kept, and neither is what another site may have sent (see
`radicale_plugin.web.protection`). A form that is nothing but a button has nothing to keep but the page that it is on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from flask import Response, current_app, make_response, redirect, request, session, url_for

from radicale_plugin.web import language, refilled
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import is_own, page
from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import SignedOut, portal, visitor

PATH, PAGE, VALUES, FILES = (f"{refilled.ALONG}{end}" for end in ("_path", "_page", "", "_files"))
#: So many octets of a form go along.
_MOST = 256 * 1024
_NOT_KEPT = ("signing.sign_in", "signing.sign_out", "locale.choose")
#: What nobody typed, though it is in the form.
_HIDDEN = frozenset(
    ("seen", "kind", "next", "had", "box", "field", "group", "shown", "only", "who", "from", "other", "mark")
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that waits: where it is sent, the *page* that it is on if known, and its values. *files* are lost."""

    path: str
    page: str
    values: tuple[tuple[str, str], ...]
    files: bool = False

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """The hidden inputs in which it goes along with another form."""
        files = [(FILES, "yes")] if self.files else []
        values = ((VALUES, f"{name}={value}") for name, value in self.values)
        return [(PATH, self.path), (PAGE, self.page), *files, *values]

    @property
    def typed(self) -> list[str]:
        """What somebody typed, to be shown to them."""
        return [value for name, value in self.values if name not in _HIDDEN and value.strip() and not value.isdigit()]


def install(portal: Portal) -> None:
    """Let pages that followed from a form pass on what was typed there."""
    portal.context_processor(lambda: {"kept_here": sent() if request.method == "POST" else None})


def sent() -> Kept | None:
    """Return the form of this request, or the one that goes along with it; None where there is nothing to keep."""
    if request.method != "POST" or not _is_ours():
        return None
    along = carried()
    return along if request.endpoint in _NOT_KEPT or along is not None or PATH in request.form else _own()


def carried() -> Kept | None:
    """Return the form that goes along with this request's own."""
    pairs = (text.partition("=") for text in request.form.getlist(VALUES))
    values = tuple((name, value) for name, _equals, value in pairs)
    return checked(Kept(request.form.get(PATH, ""), request.form.get(PAGE, ""), values, FILES in request.form))


def shown(kept: Kept, status: int = 200, why: str = "") -> Response:
    """
    Return the page that a form which was kept is on, with what was typed in it, or lead there where nothing was.

    Where there is no such page, it is one from which the form can be sent. *why* is said on it.
    """
    sent_again: refilled.Sent = {}
    for name, value in kept.values:
        sent_again.setdefault(name, []).append(value)
    told = list(session.get("_flashes", ()))
    files = _("A file that you had chosen has to be chosen again.") if kept.files else ""
    if said := language.gap().join(filter(None, (why, files))):
        told.append(("kept", said))
    for path in dict.fromkeys((kept.page, kept.path)):
        session["_flashes"] = [*told]
        found = refilled.shown_again(path, kept.path, sent_again, language.current())
        if found is not None and (found.is_typed or kept.files):
            return make_response(found.text, status)
        # A page that nobody sees has said it to nobody.
        session["_flashes"] = [*told]
        if found is not None:
            return cast("Response", redirect(path, 303))
    if kept.values:
        return page("signing/kept.html", status, kept=kept)
    return cast("Response", redirect(kept.page, 303))


def meanwhile() -> str:
    """Say why a form was not taken."""
    return _("You signed in or out meanwhile, so this did not happen yet. Look at it, and send it again.")


def stale() -> Response | None:
    """Return what a form with a token of another session is answered; None where there is nothing to keep of it."""
    view, is_in = current_app.view_functions.get(request.endpoint or ""), visitor() is not None
    if is_in and request.endpoint == "signing.sign_in" and carried() is None and _own() is not None:
        return cast("Response", redirect(url_for("home.index"), 303))
    # What went along with a form to sign in goes on doing so, until somebody is in.
    kept = _own() if request.endpoint in _NOT_KEPT and _is_ours() and not (is_in and carried()) else sent()
    if not is_in and not getattr(view, "open_to_all", False):
        return None if kept is None else cast("Response", current_app.handle_user_exception(SignedOut()))
    if kept is None:
        return None
    return plainly() if request.headers.get("HX-Request") else shown(kept, 400, meanwhile())


def checked(kept: Kept) -> Kept | None:
    """Return a form that waits, if there is a way back to it, it is not too large and one of ours; None otherwise."""
    size = sum(len(name) + len(value) for name, value in kept.values)
    is_found = bool(kept.values or kept.page) and is_own(kept.path) and (not kept.page or is_own(kept.page))
    return kept if is_found and size <= _MOST else None


def _own() -> Kept | None:
    values = tuple((name, value) for name, value in request.form.items(multi=True) if not refilled.is_secret(name))
    path = request.script_root + request.full_path.rstrip("?")
    return checked(Kept(path, _opened_at(), values, any(file.filename for file in request.files.values())))


def _opened_at() -> str:
    """Return the page that the form of this request is on, as the browser says; empty where it does not."""
    said = urlsplit(request.headers.get("Referer", ""))
    path = said.path + (f"?{said.query}" if said.query else "")
    return path if f"{said.scheme}://{said.netloc}" == portal().place.origin and is_own(path) else ""


def _is_ours() -> bool:
    """Whether the browser says that a page of ours sent this. An old one that says nothing might send another's."""
    said = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    return said[0] == portal().place.origin or (said[0] is None and said[1] == "same-origin")


def plainly() -> Response:
    """Let the script of the page send its form as if there were no script, so that the answer is a whole page."""
    return Response(status=204, headers={"HX-Trigger": "plainly"})
