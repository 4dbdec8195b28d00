"""What administrators, and whoever uses the server's command line, did with one's own account."""

from __future__ import annotations

from flask import Response

from radicale_plugin.web.page import page
from radicale_plugin.web.pages.settings.area import blueprint
from radicale_plugin.web.people import number_of_page
from radicale_plugin.web.signed_in import current_person, database
from sync.accounts import acts
from sync.accounts.rate_limits import DAY


@blueprint.get("/administrators")
def administrators() -> Response:
    """List it, the last first."""
    with database().reading() as session:
        listed = acts.about(session, current_person().account_id, number_of_page())
    return page("settings/administrators.html", listed=listed, days=acts.KEPT // DAY)
