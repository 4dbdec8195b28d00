"""Requests of programs that follow the card of a link (`sync.card_links`), by the login and password of the link."""

from __future__ import annotations

from typing import NamedTuple

from radicale_plugin.dav import followed
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.names import dav
from radicale_plugin.dav.paths import Location
from radicale_plugin.dav.place import Place
from radicale_plugin.dav.requests import Request
from radicale_plugin.dav.responses import Response
from sync.card_links.link_secrets import PREFIX
from sync.card_links.opening import LinkGate, OpenedLink
from sync.database.engine import Database
from sync.ends.watch import Watch


class Follower(NamedTuple):
    """Whose request it is, and what for."""

    link: OpenedLink
    location: Location


class Following:
    """Admits followers, and answers them, for one process."""

    def __init__(self, database: Database, watch: Watch, prefix: str) -> None:
        """Open links of *database*, where the application is mounted at *prefix*."""
        self._gate = LinkGate(database)
        self._settings = database.settings
        self._watch = watch
        self._prefix = prefix

    def admitted(self, login: str, password: str, location: Location | None) -> Follower | None:
        """
        Return who follows a card with this login and password, None for nobody.

        Raises:
            DavError: 403 or 404: they may do nothing where the request is for.
        """
        link = self._gate.admitted(login, password)
        if link is None:
            return None
        if location is None:
            raise DavError(404, "There can be nothing at this path.")
        if location.login not in ("", link.follower):
            raise DavError(403, "This belongs to somebody else.", dav("need-privileges"))
        return Follower(link, location)

    def settled(self, follower: Follower) -> OpenedLink | None:
        """Return what a follower follows, with whatever is over taken back; None where the link is."""
        if self._watch.is_due():
            self._watch.settle(follower.link.owner_id)
        return self._gate.again(follower.link)

    def place(self, link: OpenedLink) -> Place:
        """Return where a follower is."""
        return followed.place_of(self._prefix, link, self._settings)

    def answer(self, link: OpenedLink, request: Request) -> Response:
        """
        Answer a request.

        Raises:
            DavError, PreconditionFailed: As in `radicale_plugin.dav.followed.answer`.
        """
        return followed.answer(self._gate, link, request)


def is_of_follower(location: Location | None) -> bool:
    """Whether a path is one of a follower's, of a link that is there or not."""
    return location is not None and location.login.startswith(PREFIX)
