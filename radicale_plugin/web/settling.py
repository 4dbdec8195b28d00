"""Before anybody is shown anything: what is over of it is taken back (see `sync.ends`)."""

from __future__ import annotations

from flask import request

from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import visitor


def install(portal: Portal) -> None:
    """Do so before each page."""

    def settle() -> None:
        if request.endpoint != "static" and portal.watch.is_due():
            found = visitor()
            portal.watch.settle(found.account_id if found is not None else None)

    portal.before_request(settle)
