"""What people are told when something goes wrong. No answer is 401 or 403: Radicale would hold it back for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from flask import Response, g, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from radicale_plugin.web import kept_forms
from radicale_plugin.web.error_messages import explained
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import page
from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import visitor
from sync.errors import AlreadyExists, Conflict, DatabaseUnavailable, EndsDue, EvercardError, NotFound, TooManyTries

logger = logging.getLogger("evercard")
E = TypeVar("E", bound=Exception)
#: Seconds after which it is worth trying again.
_RETRY_AFTER = 30


def install(portal: Portal) -> None:
    """Answer every error with a page."""
    portal.register_error_handler(CSRFError, _asking_first(_stale_form))
    portal.register_error_handler(HTTPException, _asking_first(_http_error))
    portal.register_error_handler(EvercardError, _asking_first(_refused))
    portal.register_error_handler(Exception, _asking_first(_failed))


def _asking_first(handler: Callable[[E], Response]) -> Callable[[E], Response]:
    """Let a handler make a page only when it is known who is signed in, or that nobody can say."""

    def handle(error: E) -> Response:
        if isinstance(error, DatabaseUnavailable):
            g.signed_in = None
        else:
            _ask_nobody()
        return handler(error)

    return handle


def _stale_form(_error: CSRFError) -> Response:
    told = _("This form is not valid any more, perhaps because you signed in or out meanwhile. Open it again.")
    return kept_forms.stale() or _told(400, told)


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if code in (401, 403):
        code = 404
    said = {
        404: _("There is nothing at this address."),
        405: _("This cannot be done here."),
        413: _("That was too large. Send less at once, or a smaller file."),
    }
    # A text of ours is a sentence in the language of the page; Werkzeug's are in English.
    own = error.description if code == 400 and type(error).description != error.description else None
    answer = _told(code, said.get(code) or own or _("This request was not understood."))
    if code == 405 and error.get_response().headers.get("Allow"):
        answer.headers["Allow"] = error.get_response().headers["Allow"]
    return answer


def _refused(error: EvercardError) -> Response:
    if isinstance(error, DatabaseUnavailable):
        logger.error("The portal cannot reach the database: %s", error.reason)
        answer = _told(503, _("This server is busy or being maintained. Try again in a minute."))
        answer.headers["Retry-After"] = str(_RETRY_AFTER)
        return answer
    kinds = ((EndsDue, 503), (NotFound, 404), ((AlreadyExists, Conflict), 409), (TooManyTries, 429))
    answer = _told(next((code for kind, code in kinds if isinstance(error, kind)), 400), explained(error))
    if isinstance(error, TooManyTries):
        answer.headers["Retry-After"] = str(error.seconds)
    return answer


def _failed(error: Exception) -> Response:
    logger.error("The page %s failed", request.endpoint, exc_info=error)
    return _told(500, _("Something went wrong here. It was written down; try again later."))


def _told(code: int, message: str) -> Response:
    """Return the page that says so; it is a plain sentence where even a page cannot be made."""
    try:
        return page("error.html", code, message=message)
    except Exception:
        logger.exception("The page that says what went wrong failed")
        return Response(f"{message}\n", code, mimetype="text/plain")


def _ask_nobody() -> None:
    """Find out who is signed in while that can fail without making things worse."""
    try:
        visitor()
    except EvercardError as error:
        logger.warning("Nobody can say who is signed in: %s", type(error).__name__)
        g.signed_in = None
    except Exception:
        logger.exception("Nobody can say who is signed in")
        g.signed_in = None
