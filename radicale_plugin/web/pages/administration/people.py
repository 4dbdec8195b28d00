"""Who has an account, who came last, and what administrators did."""

from __future__ import annotations

from flask import Response, request

from radicale_plugin.web.page import page
from radicale_plugin.web.pages.administration.area import blueprint
from radicale_plugin.web.people import number_of_page, sought
from radicale_plugin.web.signed_in import database
from sync.accounts import acts
from sync.accounts.rate_limits import DAY
from sync.sign_in import people_list


@blueprint.get("/")
def index() -> Response:
    """List everybody by login, or those whose login has a text in it."""
    text = sought()
    state = request.args.get("state", people_list.ALL)
    state = state if state in people_list.STATES else people_list.ALL
    with database().reading() as session:
        listed = people_list.page_of(session, text, number_of_page(), state=state)
    return page("administration/people.html", listed=listed, text=text, state=state)


@blueprint.get("/sign-ups")
def sign_ups() -> Response:
    """List who came last, and say who may come."""
    with database().reading() as session:
        listed = people_list.newest(session, number_of_page())
    return page("administration/sign_ups.html", listed=listed, mode=database().settings.sign_up)


@blueprint.get("/acts")
def done() -> Response:
    """List what administrators and the command line did, the last first."""
    with database().reading() as session:
        listed = acts.everything(session, number_of_page())
    return page("administration/acts.html", listed=listed, days=acts.KEPT // DAY)
