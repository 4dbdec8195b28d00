"""Whether the server can do its work, what waits to be sent, and what failed."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Response, request, session

from radicale_plugin.server import checking, health
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.pages.administration.area import blueprint
from radicale_plugin.web.signed_in import database, portal
from sync import faults, gauges
from sync.accounts.rate_limits import DAY
from sync.database.engine import Session
from sync.notify import given_up

#: So much that failed is listed.
_MOST = 100
#: Where in the browser's session it is that other servers are to be asked, by the next look.
_DISTANT = "asks_others"


@blueprint.get("/messages")
def messages() -> Response:
    """Say how much waits, since when, what could not be handed over or done yet, and what was given up."""
    with database().reading() as transaction:
        waiting, failing, lost = gauges.waiting(transaction), gauges.failing(transaction), given_up.counts(transaction)
        undone = faults.listed(transaction, _MOST)
    found = {"waiting": waiting, "failing": failing, "undone": undone, "lost": lost, "at": int(time.time())}
    return page("administration/messages.html", **found, days=given_up.KEPT // DAY)


@blueprint.post("/messages/now")
def try_now() -> Response:
    """Let a job that failed be tried now; all of them, where none is named."""
    job_id = request.form.get("job", type=int)
    database().write(lambda transaction: faults.try_now(transaction, None if job_id is None else [job_id]))
    say(_("It is tried now."))
    return go("administration.messages")


@blueprint.post("/messages/retry")
def retry() -> Response:
    """Let everything that was given up be tried again, for as long as anything that is new."""
    _act_on_all(given_up.put_back)
    say(_("All of it is tried again now."))
    return go("administration.messages")


@blueprint.post("/messages/drop")
def drop() -> Response:
    """Forget everything that was given up."""
    _act_on_all(given_up.drop)
    say(_("All of it is forgotten."))
    return go("administration.messages")


def _act_on_all(act: Callable[[Session], int]) -> None:
    while database().write(act):
        pass


@blueprint.get("/health")
def condition() -> Response:
    """Say what is wrong or doubtful; other servers are asked once where that was wanted."""
    distant = bool(session.pop(_DISTANT, False))
    ready = health.readiness(database())
    found = checking.of_running(portal().configuration, database(), distant=distant)
    return page("administration/health.html", ready=ready, findings=found)


@blueprint.post("/health")
def examine() -> Response:
    """Ask the mail server and the like, too."""
    session[_DISTANT] = True
    return go("administration.condition")
