"""Whether the server can do its work, and what waits to be sent."""

from __future__ import annotations

from flask import Response

from radicale_plugin.server import checking, health
from radicale_plugin.web.page import page
from radicale_plugin.web.pages.administration.area import blueprint
from radicale_plugin.web.signed_in import database, portal
from sync import gauges


@blueprint.get("/messages")
def messages() -> Response:
    """Say how much waits, since when, and what could not be handed over yet."""
    with database().reading() as session:
        waiting, failing = gauges.waiting(session), gauges.failing(session)
    return page("administration/messages.html", waiting=waiting, failing=failing)


@blueprint.get("/health")
def condition() -> Response:
    """Say what is wrong or doubtful, without asking other servers."""
    return _health(distant=False)


@blueprint.post("/health")
def examine() -> Response:
    """Say it, and ask the mail server and the like, too."""
    return _health(distant=True)


def _health(*, distant: bool) -> Response:
    ready = health.readiness(database())
    found = checking.of_running(portal().configuration, database(), distant=distant)
    return page("administration/health.html", ready=ready, findings=found)
