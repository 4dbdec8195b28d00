"""Where a request happens: who asks, and under which URLs their resources are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from radicale_plugin.dav import paths
from sync.push.advertisement import Advertisement
from sync.revisions.address_books import Book
from sync.settings import Settings
from sync.sign_in.credentials import Caller


class Place(NamedTuple):
    """
    Who asks, and where the application is mounted (*prefix*, without a slash at its end).

    *push* is what devices need to register for being told of changes, None where they cannot. *is_mac* says that the
    program is one of a Mac, which shows one address book only (client fact I-1).
    """

    prefix: str
    caller: Caller
    settings: Settings
    push: Advertisement | None = None
    is_mac: bool = False

    @property
    def root(self) -> str:
        """The URL of the one collection of principals."""
        return paths.href(self.prefix)

    @property
    def principal(self) -> str:
        """The URL of the person who asks; it is the home of their address books as well."""
        return paths.href(self.prefix, self.caller.login)

    @property
    def directory(self) -> str:
        """The URL of the directory in which they look for others."""
        return paths.href(self.prefix, self.caller.login, paths.DIRECTORY)

    def book(self, book: Book) -> str:
        """The URL of one of their address books."""
        return paths.href(self.prefix, self.caller.login, book.path)


#: The properties of a resource by their full names, each with what makes its content as markup.
Table = Mapping[str, Callable[[Place], str]]
