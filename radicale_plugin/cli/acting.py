"""What several commands do alike: find the people whom they name, and act."""

from __future__ import annotations

from collections.abc import Callable

from radicale_plugin.cli.site import Site
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import NotFound
from sync.sharing import connections


def connected(session: Session, owner: str, person: str) -> int:
    """
    Return the id of a *person* whom *owner* is connected to.

    Raises:
        NotFound: There is no such person, or the two are not connected.
    """
    viewer_id = accounts.find(session, person)
    if not connections.is_connected(session, accounts.find(session, owner), viewer_id):
        raise NotFound(f"{owner} and {person} are not connected; see `evercard connect`.")
    return viewer_id


def of_two(site: Site, one: str, other: str, act: Callable[[Session, int, int], object]) -> object:
    """Do something with two people, who are named by their logins, in one transaction, and return what came of it."""
    return site.write(lambda session: act(session, accounts.find(session, one), accounts.find(session, other)))
