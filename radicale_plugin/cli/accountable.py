"""
Every command that works on somebody's account is written down for them before it is done, whatever it does.

Their first argument says whose account it is. What a command does to others because of that is part of what the person
does, and told to them as if they had done it themselves: who is blocked, for instance, is not told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from sync.errors import NotFound

if TYPE_CHECKING:
    from sync.database.engine import Database, Session

#: How a first argument is called that is a person's login, and the second of those who work on two accounts.
PEOPLE = frozenset({"asker", "holder", "login", "one", "owner", "searcher", "viewer"})
BOTH = "one", "other"
#: What writes down by itself, in the same transaction, that it was done; and the list of what was done.
BY_ITSELF = frozenset(
    f"user {name}" for name in ("acts", "add", "administrator", "delete", "disable", "enable", "password")
)


def note(database: Database) -> None:
    """Write down that the command that is running works on somebody's account, if it does."""
    context = click.get_current_context(silent=True)
    if context is None or (name := _name(context)) in BY_ITSELF:
        return
    logins = list(_people(context))
    if logins:
        database.write(lambda session: _write(session, name, logins))


def _write(session: Session, name: str, logins: list[str]) -> None:
    from sync.accounts import acts
    from sync.database import accounts

    for login in logins:
        with contextlib.suppress(NotFound):  # the command says so
            acts.note(session, acts.COMMAND_LINE, accounts.find(session, login), name)


def _people(context: click.Context) -> Iterator[str]:
    first = next((each.name for each in context.command.params if isinstance(each, click.Argument)), None)
    if first in PEOPLE:
        # One that works on everybody where nobody is named is about nobody's account.
        yield from filter(None, (context.params[name] for name in (BOTH if first == BOTH[0] else (first,))))


def _name(context: click.Context) -> str:
    """Return how a command is called below ``evercard``, such as ``profile set``."""
    names = [context.info_name or ""]
    while context.parent is not None:
        context = context.parent
        names.insert(0, context.info_name or "")
    return " ".join(names[1:])
