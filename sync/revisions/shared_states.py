"""
How one member sees a book that an organisation shares, in a sync token and below their principal.

The contacts are those of an address book that is nobody's. What a reader makes of them is an address book of the
reader's own, which is *laid over* it: at the same path, with the id of the shared book, and with revisions of its own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

READER, WRITER, NO_ACCESS = "reader", "writer", "none"
#: The kind of an entry that says what a reader made of a contact.
SHARED = "shared"
_PATH = re.compile(r"shared-([1-9a-f][0-9a-f]{0,15})", re.ASCII)


class Shared(NamedTuple):
    """
    A shared book in the state of *epoch* and *revision*, as somebody sees it who may do what *role* says.

    *is_laid_over* is true where they have anything of their own in it.
    """

    id: int
    organisation_id: int
    role: str
    epoch: int
    revision: int
    is_laid_over: bool

    @property
    def is_writer(self) -> bool:
        """Whether what they change, they change for everybody."""
        return self.role == WRITER


def path_of(book_id: int) -> str:
    """Return the name of a shared book below the principal of each member."""
    return f"shared-{book_id:x}"


def id_of(path: str) -> int | None:
    """Return the id of the shared book that has this name, None where none can have it."""
    found = _PATH.fullmatch(path)
    return int(found[1], 16) if found else None


def key_of(membership_id: int, role: str) -> int:
    """Return what names a membership in sync tokens: another one for whoever comes again, or may do something else."""
    return membership_id ^ (role == WRITER)
