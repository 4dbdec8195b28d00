"""
What can go wrong, in sentences that a person can act on.

Every error that the engine raises on purpose derives from `EvercardError`; its text is one sentence that says what is
wrong and, where there is something to do, what to do. No text ever holds a field value, a password or a token.
"""

from __future__ import annotations

from collections.abc import Collection


class EvercardError(Exception):
    """Something went wrong that the caller can be told about."""

    def __init__(self, message: str | None = None) -> None:
        """Use *message*, or the first line of the class's docstring when there is none."""
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class InvalidInput(EvercardError, ValueError):
    """What was given cannot be used as it is."""


class InvalidVCard(InvalidInput):
    """
    The text is not a vCard.

    *line* is the number of the first physical line of the offending content line, counted from 1, or 0 when the text
    as a whole is meant. *reason* says what is wrong without it.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        """Prefix *message* with the line it is about."""
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line
        self.reason = message


class LimitExceeded(InvalidInput):
    """There is more of something than this server accepts."""


class TooLarge(LimitExceeded):
    """The card is larger than this server says that it takes (RFC 6352, 6.3.2.1, `max-resource-size`)."""


class NotFound(EvercardError, LookupError):
    """There is no such thing here."""


class AlreadyExists(EvercardError):
    """There is one already."""


class Conflict(EvercardError):
    """What was asked does not fit what is there."""


class UIDConflict(Conflict):
    """
    Another entry of this address book has this UID (RFC 6352, 6.3.2.1, `no-uid-conflict`).

    *href* names that entry inside the address book.
    """

    def __init__(self, href: str) -> None:
        """Remember where the UID is in use."""
        super().__init__("Another entry of this address book has this UID.")
        self.href = href


class EndsDue(EvercardError):
    """
    Something that was shared is over, and is being taken back; ask again.

    *owner_ids* are those who shared it. Whoever meets this has `sync.ends.watch` carry it out, and reads anew.
    """

    def __init__(self, owner_ids: Collection[int]) -> None:
        """Remember whose it is."""
        super().__init__()
        self.owner_ids = tuple(owner_ids)


class PreconditionFailed(EvercardError):
    """The entry is not in the state that the request asked for."""


class Refused(EvercardError):
    """This cannot be changed here."""


class InvalidSyncToken(EvercardError, ValueError):
    """The sync token is not one of this address book (RFC 6578, 3.2, `valid-sync-token`)."""


class InvalidOneTimeToken(EvercardError, ValueError):
    """This link does not work any more: it was used, it expired, or it is not complete."""


class WrongPassword(EvercardError):
    """The login or the password is wrong."""


class OrganisationUnavailable(EvercardError):
    """The sign-in of your organisation does not answer now; try again in a minute, or sign in with a password."""


class LdapUnavailable(EvercardError):
    """
    Your organisation's directory does not answer now, and only passwords that were set here are known; try again.

    *reason* tells an administrator what went wrong, and has no value in it.
    """

    def __init__(self, reason: str = "") -> None:
        """Say what went wrong."""
        super().__init__()
        self.reason = reason


class SignInRefused(EvercardError):
    """Your organisation's answer is not valid here; sign in again from the beginning."""


class TooManyTries(EvercardError):
    """
    That was tried too often; wait a little and try again.

    *seconds* is how long until the next try may succeed.
    """

    def __init__(self, seconds: int) -> None:
        """Say how long to wait, in the largest unit that fits."""
        number, unit = (-(-seconds // 60), "minute") if seconds > 60 else (max(1, seconds), "second")
        if number > 60:
            number, unit = -(-number // 60), "hour"
        super().__init__(f"That was tried too often; try again in {number} {unit if number == 1 else unit + 's'}.")
        self.seconds = seconds


class DatabaseUnavailable(EvercardError):
    """
    The database does not answer; check that it runs and that its URL is right.

    *reason* is what the driver said. It names hosts and files, so it is for administrators only, and no part of the
    text.
    """

    def __init__(self, reason: str = "") -> None:
        """Remember what the driver said."""
        super().__init__()
        self.reason = reason


class NotThereYet(DatabaseUnavailable):
    """What changed has not arrived everywhere yet; try again in a moment."""


class DatabaseFull(DatabaseUnavailable):
    """The disk that the database is on is full; make room there."""


class DatabaseReadOnly(DatabaseUnavailable):
    """The database cannot be written; give this user the right to write its file and the folder that it is in."""


class DatabaseHeldBack(DatabaseUnavailable):
    """Changes wait for a standby of the database that does not answer; start it, or let the database do without it."""


class WrongSchema(EvercardError):
    """The tables of the database are not those that this version of Evercard works with."""
