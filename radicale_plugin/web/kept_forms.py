"""
Forms that could not be taken because the session ended meanwhile, or another one began: nothing typed is lost.

What was typed goes along through signing in, in the pages themselves: the server stores nothing of it. Whoever is in
again sees that it is still there, and sends it by a button; nothing is ever done by itself. Passwords are not kept, and
neither is what another site may have sent (see `radicale_plugin.web.protection`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Response, current_app, request

from radicale_plugin.web.page import is_own, page
from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import SignedOut, portal, visitor

PATH, VALUES = "kept_path", "kept"
#: So many octets of a form go along.
_MOST = 256 * 1024
_NOT_KEPT = ("signing.sign_in", "signing.sign_out", "locale.choose")
#: What is in the name of what is typed again.
_NEVER = ("password", "csrf_token")
_NEVER_BY_NAME = frozenset(("old", "new"))
#: What nobody typed, though it is in the form.
_HIDDEN = frozenset(
    ("seen", "kind", "next", "had", "box", "field", "group", "shown", "only", "who", "from", "other", "mark")
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that waits: where it is to be sent, and its *values* by their names. *files* were chosen, and are lost."""

    path: str
    values: tuple[tuple[str, str], ...]
    files: bool = False

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """The hidden inputs in which it goes along with another form."""
        return [(PATH, self.path), *((VALUES, f"{name}={value}") for name, value in self.values)]

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
    if request.endpoint in _NOT_KEPT:
        return along
    if along is not None or PATH in request.form:
        return along
    values = tuple((name, value) for name, value in request.form.items(multi=True) if not is_secret(name))
    path = request.script_root + request.full_path.rstrip("?")
    return checked(Kept(path, values, any(file.filename for file in request.files.values())))


def carried() -> Kept | None:
    """Return the form that goes along with this request's own."""
    pairs = (text.partition("=") for text in request.form.getlist(VALUES))
    return checked(Kept(request.form.get(PATH, ""), tuple((name, value) for name, _equals, value in pairs)))


def shown(kept: Kept, status: int = 200, why: str = "") -> Response:
    """Return the page on which a form that was kept can be sent."""
    return page("signing/kept.html", status, kept=kept, why=why)


def stale(why: str) -> Response | None:
    """Return what a form with a token of another session is answered; None where there is nothing to keep of it."""
    kept = sent()
    if kept is None:
        return None
    view = current_app.view_functions.get(request.endpoint or "")
    if visitor() is None and not getattr(view, "open_to_all", False):
        return cast("Response", current_app.handle_user_exception(SignedOut()))
    return plainly() if request.headers.get("HX-Request") else shown(kept, 400, why)


def is_secret(name: str) -> bool:
    """Whether what is typed in a field of this *name* is never kept."""
    return name in _NEVER_BY_NAME or any(part in name for part in _NEVER)


def checked(kept: Kept) -> Kept | None:
    """Return a form that waits, if it is worth keeping, not too large and one of ours; None otherwise."""
    size = sum(len(name) + len(value) for name, value in kept.values)
    return kept if kept.values and size <= _MOST and is_own(kept.path) else None


def _is_ours() -> bool:
    """Whether the browser says that a page of ours sent this. An old one that says nothing might send another's."""
    said = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    return said[0] == portal().place.origin or (said[0] is None and said[1] == "same-origin")


def plainly() -> Response:
    """Let the script of the page send its form as if there were no script, so that the answer is a whole page."""
    return Response(status=204, headers={"HX-Trigger": "plainly"})
