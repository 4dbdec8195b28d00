"""The groups that a new person has before they make any: ordinary groups, to be renamed and deleted at will."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from sync.sharing import groups

ENGLISH = "en"
NAMES = {
    ENGLISH: ("Family", "Friends", "Colleagues"),
    "zh-Hans": ("家人", "朋友", "同事"),
}


def names_in(language: str | None) -> tuple[str, ...]:
    """Return what the groups are called in a language, a BCP 47 tag; in English where there are no words in it."""
    return NAMES.get(language or ENGLISH, NAMES[ENGLISH])


def create(session: Session, owner_id: int, language: str | None, others: Iterable[str] = ()) -> None:
    """
    Make the groups of a new person, and *others*. One that is there already stays as it is; nobody is in any.

    Where a person may have fewer groups, the last of the usual ones are left out.

    Raises:
        InvalidInput: The name of one of the *others* is empty or too long.
        LimitExceeded: There are more *others* than a person may have groups.
    """
    groups.create_missing(session, owner_id, others, names_in(language))
