"""The Flask application as every part of the portal knows it; `radicale_plugin.web.application` puts it together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, has_request_context
from radicale import config
from typing_extensions import override

from radicale_plugin.server import running
from radicale_plugin.web.base_url import Place
from radicale_plugin.web.paths import Paths, is_plain
from sync.card_links.opening import LinkGate
from sync.database.engine import Database
from sync.ends.watch import Watch
from sync.errors import EndsDue
from sync.openid.provider import Provider

if TYPE_CHECKING:
    from sync.ldap.client import Client

#: The most octets of a form, and of one with files in it.
MAX_FORM = 1024 * 1024
MAX_UPLOAD = 8 * 1024 * 1024

View = TypeVar("View", bound=Callable[..., Any])


class Portal(Flask):
    """Flask, with what the pages need to know about this server."""

    def __init__(self, database: Database, place: Place, configuration: config.Configuration) -> None:
        """Prepare for *database*, whose server is at *place* and has this *configuration*."""
        super().__init__("radicale_plugin.web", static_folder="static", static_url_path="/static")
        self.database = database
        self.place = place
        self.configuration = configuration
        self.provider: Provider | None = None
        self.ldap: Client | None = None
        self.watch = Watch(database)
        self.links = LinkGate(database)
        self._paths = Paths()
        self.spending = running.spending(database.settings.limits.writes_a_day)

    @override
    def dispatch_request(self) -> Any:
        try:
            return super().dispatch_request()
        except EndsDue as error:
            self.watch.carry_out(error.owner_ids)
            return super().dispatch_request()

    @override
    def url_for(self, /, endpoint: str, *, _anchor: str | None = None, **values: Any) -> str:
        build = super().url_for
        is_usual = has_request_context() and (_anchor is None or is_plain(_anchor))
        path = self._paths.path_of(endpoint, values, build) if is_usual else None
        if path is None:
            return build(endpoint, _anchor=_anchor, **values)
        return path if _anchor is None else f"{path}#{_anchor}"

    @override
    def log_exception(self, exc_info: Any) -> None:
        # `error_pages` does; Flask's own line has the path in it.
        return


def takes_files(view: View) -> View:
    """Let more octets in than a form without files may have."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view
