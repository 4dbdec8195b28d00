"""
The first card: what a new person says of themselves when they sign up, and what of it their connections see.

It is written in the transaction that makes the account, so whoever is connected by it is never shown an empty card.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from sync.accounts import preference_changes, starter_groups
from sync.errors import AlreadyExists
from sync.fields import FieldContent
from sync.meeting import sent_forms
from sync.profiles import profiles
from sync.sharing import grants, groups
from sync.sharing.visibility import CONNECTIONS
from sync.sorting import names

T = TypeVar("T")
#: The login of somebody whose name says nothing in Latin letters.
UNSPOKEN = "card"
#: How many logins are tried for somebody who leaves it to the server.
_TRIES = 4


@dataclass(frozen=True, slots=True)
class FirstCard:
    """
    What somebody says of themselves: *shown* to everybody they connect with, *kept* for themselves.

    *language* is that of their browser, a BCP 47 tag, in which they are written to and their groups are called. *form*
    is the secret in the form that it was typed into, empty where there was none (see `sync.meeting.sent_forms`).
    """

    language: str | None = None
    shown: tuple[FieldContent, ...] = ()
    kept: tuple[FieldContent, ...] = ()
    form: str = ""

    def write(self, session: Session, account_id: int) -> None:
        """
        Give a new person this card, the usual groups, and their language.

        Raises:
            AlreadyExists: The form was sent before, and there is an account because of it.
            InvalidInput: There is no such language.
            LimitExceeded: A field is too large.
            NotFound: There is no such person.
        """
        with session.begin_nested():
            if self.form:
                sent_forms.note(session, self.form, account_id)
            if self.language is not None:
                preference_changes.set_language(session, account_id, self.language)
            starter_groups.create(session, account_id, self.language)
            field_ids = profiles.add_fields(session, account_id, [*self.shown, *self.kept])
            everybody = groups.find(session, account_id, CONNECTIONS).id
            grants.grant(session, account_id, everybody, field_ids[: len(self.shown)])


#: That of somebody who says nothing of themselves.
BLANK = FirstCard()


def proposed_login(name: str) -> str:
    """Return the login that is proposed to somebody of this name; whether anybody has it is not looked up."""
    return names.latin(name) or UNSPOKEN


def with_login(attempt: Callable[[str], T], login: str, name: str) -> T:
    """
    Return what *attempt* does with *login*, or with one like it where it was proposed for *name* and is taken.

    Raises:
        AlreadyExists: It is taken, and was the person's own choice.
    """
    for _ in range(_TRIES - 1 if login == proposed_login(name) else 0):
        try:
            return attempt(login)
        except AlreadyExists:
            login = f"{proposed_login(name)}{secrets.randbelow(9_000) + 1_000}"
    return attempt(login)
