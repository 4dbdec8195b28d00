"""
Invitations: asking somebody to be connected by their e-mail address or phone number, with an account or without.

Whoever invites is answered alike, whoever has the address: somebody who wants to be found by it is asked as if they had
been found; everybody else gets one message, once, with a link to sign up by. Nobody is reminded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from sync import meeting
from sync.accounts import addresses, one_time_tokens, signing_up
from sync.accounts.rate_limits import DAY, HOUR, Limit, take
from sync.database.engine import Database, settings_of
from sync.database.models import Invitation, now
from sync.discovery import directory, refusals
from sync.discovery.public_profiles import public_profiles
from sync.errors import AlreadyExists, InvalidInput, InvalidOneTimeToken, LimitExceeded, NotFound, Refused, TooManyTries
from sync.meeting import pairs
from sync.meeting.requests import checked_message
from sync.notify import outbox
from sync.sharing import connections
from sync.sharing.preferences import preferences_of

#: The purpose of the one-time token that an invitation carries.
INVITATION = "invitation"
LIFETIME = 60 * DAY
#: What one source and all together may send, and what one address gets from whomever.
INVITATIONS_OF_SOURCE = Limit("invite from", 100, DAY)
INVITATIONS_OF_ALL = Limit("invite at all", 2_000, HOUR)
INVITATIONS_TO_ADDRESS = Limit("invite this address", 3, 30 * DAY)
_NO_MESSAGE = "—"


@dataclass(frozen=True, slots=True)
class Invited:
    """What somebody who opened an invitation is told: who invites them, as strangers may see them."""

    inviter_id: int
    name: str
    login: str


def invite(database: Database, inviter_id: int, address: str, message: str, *, source: str) -> None:
    """
    Ask whoever has an e-mail address or phone number to be connected.

    Raises:
        AlreadyExists: The person invited this address before; an invitation is sent once.
        InvalidInput: It is no address, or the message is too long.
        Refused: This server sends nothing there.
        TooManyTries: The person, the source or all together invited too many.
    """
    message = checked_message(message)
    with database.reading() as session:
        meant = addresses.meant_by(session, address)
        settings = settings_of(session)
    if meant is None:
        raise InvalidInput("This is neither an e-mail address nor a phone number with its country code.")
    channel, value = meant
    if not settings.sending.can_send(channel) or not settings.base_url:
        raise Refused("This server sends no messages of this kind; hand out an invitation link instead.")

    def count(session: Session) -> None:
        if _has_invited(session, inviter_id, channel, value):
            raise AlreadyExists("You have invited this address already; an invitation is sent once.")
        take(session, Limit("invite", settings.limits.requests_a_day, DAY), str(inviter_id))
        take(session, INVITATIONS_OF_SOURCE, source)
        take(session, INVITATIONS_OF_ALL)

    def send(session: Session) -> None:
        if _has_invited(session, inviter_id, channel, value):
            return
        session.execute(
            insert(Invitation).values(
                owner_id=inviter_id, channel=channel, value=value, message=message, invited_at=now()
            )
        )
        found = directory.find_by_addresses(session, inviter_id, [meant]).get(meant, [])
        if found:
            for each in found:
                _ask(session, inviter_id, each.account_id, message)
        else:
            _send(session, inviter_id, channel, value, message)

    database.write(count)
    database.write(send)


def open_invitation(session: Session, token: str) -> Invited:
    """
    Return who sent an invitation, which stays unused. Needs the right to write, for the server's key.

    Raises:
        InvalidTicket: It was made up, expired, or was used, or whoever sent it is gone.
    """
    return _invited(session, one_time_tokens.peek(session, INVITATION, token))


def accept(session: Session, token: str, account_id: int, *, signed_up: bool = False) -> Invited:
    """
    Connect a person with whoever invited them. The person pressed a button that says so.

    Where they just *signed_up* from the invitation, the address that it was sent to is theirs: they read it there.

    Raises:
        InvalidTicket: As in `open_invitation`.
        InvalidInput: The person invited themselves.
        AlreadyExists: The two are connected.
    """
    opened = one_time_tokens.use(session, INVITATION, token)
    invited = _invited(session, opened)
    if invited.inviter_id == account_id:
        raise InvalidInput("You cannot accept your own invitation.")
    if signed_up:
        # The person may have as many addresses as they may already; the invitation works all the same.
        with contextlib.suppress(LimitExceeded):
            addresses.add(session, account_id, opened.values["channel"], opened.values["value"])
    with session.begin_nested():
        pairs.lock(session, invited.inviter_id, account_id)
        if connections.is_connected(session, invited.inviter_id, account_id):
            raise AlreadyExists("You are connected already.")
        if refusals.barred(session, account_id, [invited.inviter_id]):
            raise InvalidOneTimeToken
        pairs.join(session, invited.inviter_id, account_id)
    return invited


def sign_up(
    database: Database, token: str, login: str, password: str, *, source: str, browser: str
) -> tuple[Invited, str]:
    """
    Make an account for whoever was invited, connected to who invited them, and begin a session for it.

    Returns who invited, and the session's token. Parameters are as in `sync.accounts.signing_up.sign_up`.

    Raises:
        InvalidTicket: As in `open_invitation`; there is no account then.
        AlreadyExists, InvalidInput, Refused, TooManyTries: As in `sync.accounts.signing_up.sign_up`.
    """
    # A link that was used makes nobody wait for a password's hash.
    invited = database.write(lambda session: open_invitation(session, token))

    def connect(session: Session, account_id: int) -> None:
        accept(session, token, account_id, signed_up=True)

    _account_id, token = signing_up.sign_up(
        database, login, password, source=source, browser=browser, invited=True, then=connect
    )
    return invited, token


def invitations_of(session: Session, inviter_id: int) -> Sequence[Invitation]:
    """Return whom a person has invited, the last first. Whether it became a request is not told."""
    newest_first = (Invitation.invited_at.desc(), Invitation.channel, Invitation.value)
    return session.scalars(select(Invitation).where(Invitation.owner_id == inviter_id).order_by(*newest_first)).all()


def _has_invited(session: Session, inviter_id: int, channel: str, value: str) -> bool:
    return session.get(Invitation, (inviter_id, channel, value)) is not None


def _ask(session: Session, inviter_id: int, target_id: int, message: str) -> None:
    # Whatever stands in the way of a request is what the inviter must not be told.
    with contextlib.suppress(AlreadyExists, NotFound, Refused, TooManyTries):
        meeting.ask(session, inviter_id, target_id, message)


def _send(session: Session, inviter_id: int, channel: str, value: str, message: str) -> None:
    named = public_profiles(session, [inviter_id])
    if inviter_id not in named:
        raise NotFound("There is no such person.")
    try:
        take(session, INVITATIONS_TO_ADDRESS, channel, value)
    except TooManyTries:
        return
    values = {"channel": channel, "value": value}
    token = one_time_tokens.issue(session, INVITATION, inviter_id, values, lifetime=LIFETIME)
    said = {"name": named[inviter_id].name, "message": message or _NO_MESSAGE}
    language = preferences_of(session, inviter_id).language or "en"
    outbox.post(session, channel, value, "invitation", language, link=outbox.link(session, INVITATION, token), **said)


def _invited(session: Session, opened: one_time_tokens.Opened) -> Invited:
    inviter_id = opened.account_id
    named = public_profiles(session, [inviter_id]) if inviter_id is not None else {}
    if inviter_id is None or inviter_id not in named:
        raise InvalidOneTimeToken
    return Invited(inviter_id, named[inviter_id].name, named[inviter_id].login)
