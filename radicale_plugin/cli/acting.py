"""What several commands do alike: find the people whom they name, and what they have, and act."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from radicale_plugin.cli.site import Site
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import InvalidInput, NotFound
from sync.sharing import connections

Given = ParamSpec("Given")
Result = TypeVar("Result")


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


def of_one(
    site: Site,
    login: str,
    act: Callable[Concatenate[Session, int, Given], Result],
    *given: Given.args,
    **named: Given.kwargs,
) -> Result:
    """Do something with the person of a login and with what is *given*, and return what came of it."""
    return site.write(lambda session: act(session, accounts.find(session, login), *given, **named))


def of_two(
    site: Site,
    one: str,
    other: str,
    act: Callable[Concatenate[Session, int, int, Given], Result],
    *given: Given.args,
    **named: Given.kwargs,
) -> Result:
    """Do something with two people and with what is *given*, in one transaction, and return what came of it."""

    def change(session: Session) -> Result:
        return act(session, accounts.find(session, one), accounts.find(session, other), *given, **named)

    return site.write(change)


def id_of(offered: Sequence[tuple[int, str]], wanted: str, called: str, missing: str) -> int:
    """
    Return the id of the one that is *wanted*, by its number or its label, of what is *offered*, each its id and label.

    Raises:
        NotFound: There is none, as *missing* says.
        InvalidInput: Several, which are *called* so, have this label.
    """
    found = [number for number, label in offered if wanted in (str(number), label)]
    if not found:
        raise NotFound(missing)
    if len(found) > 1:
        raise InvalidInput(f"Several {called} have this label; give a number: {', '.join(map(str, found))}.")
    return found[0]
