"""
Invitations: asking somebody to be connected by their e-mail address or phone number, with an account or without.

Whoever invites is answered alike, whoever has the address, and the worker does what depends on that (see
`sync.notify.errands`): somebody who wants to be found by it is asked as if they had been found; everybody else gets one
message, once, with a link to sign up by. Nobody is reminded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from sync import meeting
from sync.accounts import addresses, one_time_tokens
from sync.accounts.rate_limits import DAY, HOUR, Limit, take
from sync.database.engine import Database, settings_of
from sync.discovery import directory, refusals
from sync.discovery.public_profiles import public_profiles
from sync.errors import AlreadyExists, InvalidInput, InvalidOneTimeToken, LimitExceeded, NotFound, Refused, TooManyTries
from sync.meeting import pairs, used_invitations
from sync.meeting.first_card import BLANK, FirstCard
from sync.meeting.requests import checked_message
from sync.models import Group, Invitation, now
from sync.notify import errands, outbox
from sync.sharing import connections, search_keys
from sync.sharing.preferences import preferences_of
from sync.sharing.visibility import GROUP
from sync.sign_in import signing_up

#: The purpose of the one-time token that an invitation carries.
INVITATION = "invitation"
LIFETIME = 60 * DAY
#: What one source and all together may send.
INVITATIONS_OF_SOURCE = Limit("invite from", 100, DAY)
INVITATIONS_OF_ALL = Limit("invite at all", 2_000, HOUR)
#: What one mailbox or number gets from whomever, and of that from one source, which so takes no friend's place.
INVITATIONS_TO_ADDRESS = Limit("invite this address", 6, 30 * DAY)
INVITATIONS_TO_ADDRESS_OF_SOURCE = Limit("invite this address from", 2, 30 * DAY)


@dataclass(frozen=True, slots=True)
class Invited:
    """
    What somebody who opened an invitation is told: who invites them, as strangers may see them.

    *at_once* says whether it connects who opens it: it does, but for somebody between whom and the inviter is a block.
    Of the inviter's they are told nothing: they ask, and wait. *channel* and *address* are where it was sent to.
    """

    inviter_id: int
    name: str
    login: str
    at_once: bool
    channel: str = ""
    address: str = ""


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

    def leave(session: Session) -> None:
        if _has_invited(session, inviter_id, channel, value):
            raise AlreadyExists("You have invited this address already; an invitation is sent once.")
        take_one(session, inviter_id, source)
        session.execute(
            insert(Invitation).values(
                owner_id=inviter_id, channel=channel, value=value, message=message, invited_at=now()
            )
        )
        errands.post(session, INVITATION, inviter_id=inviter_id, channel=channel, value=value, source=source)

    database.write(leave)


def take_one(session: Session, inviter_id: int, source: str) -> None:
    """
    Take one of the invitations that a person, a source and all together may send.

    Raises:
        TooManyTries: There is none left.
    """
    take(session, Limit("invite", settings_of(session).limits.requests_a_day, DAY), str(inviter_id))
    take(session, INVITATIONS_OF_SOURCE, source)
    take(session, INVITATIONS_OF_ALL)


def send(session: Session, left: Mapping[str, Any]) -> None:
    """Do what `invite` left: ask those who want to be found by the address, or send it a message."""
    inviter_id, meant = left["inviter_id"], (left["channel"], left["value"])
    invitation = session.get(Invitation, (inviter_id, *meant), populate_existing=True)
    if invitation is None:
        return
    found = directory.find_by_addresses(session, inviter_id, [meant]).get(meant, [])
    for each in found:
        _ask(session, inviter_id, each.account_id, invitation.message)
    if not found and not _is_unwelcome(session, inviter_id, *meant):
        _send(session, invitation, left["source"])


def open_invitation(session: Session, token: str, account_id: int | None = None) -> Invited:
    """
    Return who sent an invitation, and what it does for *account_id*, which is absent for who has no account yet.

    It stays unused. Needs the right to write, for the server's key.

    Raises:
        InvalidTicket: It was made up, expired, or was used, or whoever sent it is gone.
    """
    return _invited(session, one_time_tokens.peek(session, INVITATION, token), account_id)


def known_by(session: Session, token: str, account_id: int) -> int | None:
    """
    Return who sent an invitation where *account_id* is connected to them and may know: it works still, or was theirs.

    Needs the right to write, for the server's key.
    """
    with contextlib.suppress(InvalidOneTimeToken):
        inviter_id = open_invitation(session, token, account_id).inviter_id
        return inviter_id if connections.is_connected(session, inviter_id, account_id) else None
    return used_invitations.inviter_of(session, token, account_id)


def accept(session: Session, token: str, account_id: int, *, signed_up: bool = False) -> Invited:
    """
    Connect a person with whoever invited them, or ask where `open_invitation` said so. They pressed a button for it.

    Returns who invited, and whether the two are connected now (`Invited.at_once`). Where they just *signed_up* from the
    invitation, the address that it was sent to is theirs: they read it there.

    Raises:
        InvalidTicket: As in `open_invitation`.
        InvalidInput: The person invited themselves.
        AlreadyExists: The two are connected, or the person has asked already.
        Refused: The person has blocked who invited them.
        TooManyTries: The person asked so many people today, or this one so often.
    """
    opened = one_time_tokens.use(session, INVITATION, token)
    invited = _invited(session, opened, account_id)
    used_invitations.note(session, token, account_id, invited.inviter_id)
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
            return replace(invited, at_once=meeting.ask(session, account_id, invited.inviter_id, by_link=True))
        pairs.join(session, invited.inviter_id, account_id, into=_group_of(session, invited.inviter_id, opened.values))
    return replace(invited, at_once=True)


def sign_up(
    database: Database, token: str, login: str, password: str, *, source: str, browser: str, card: FirstCard = BLANK
) -> tuple[Invited, str]:
    """
    Make an account for whoever was invited, with a first *card*, connected to who invited them, and begin a session.

    Returns who invited, and the session's token. Parameters are as in `sync.sign_in.signing_up.sign_up`.

    Raises:
        InvalidTicket: As in `open_invitation`; there is no account then.
        AlreadyExists, InvalidInput, Refused, TooManyTries: As in `sync.sign_in.signing_up.sign_up`.
    """
    # A link that was used makes nobody wait for a password's hash.
    invited = database.write(lambda session: open_invitation(session, token))

    def connect(session: Session, account_id: int) -> None:
        card.write(session, account_id)
        accept(session, token, account_id, signed_up=True)

    _account_id, token = signing_up.sign_up(
        database, login, password, source=source, browser=browser, invited=True, then=connect
    )
    return invited, token


def invitations_of(session: Session, inviter_id: int) -> Sequence[Invitation]:
    """Return whom a person has invited, the last first. Whether it became a request is not told."""
    newest_first = (Invitation.invited_at.desc(), Invitation.channel, Invitation.value)
    return session.scalars(select(Invitation).where(Invitation.owner_id == inviter_id).order_by(*newest_first)).all()


def _group_of(session: Session, inviter_id: int, values: Mapping[str, Any]) -> dict[int, Collection[int]] | None:
    """Where whoever was invited lands: in the group that was chosen for them, where there still is one."""
    invitation = session.get(Invitation, (inviter_id, values["channel"], values["value"]))
    if invitation is None or invitation.group_id is None:
        return None
    own = select(Group.id).where(Group.owner_id == inviter_id, Group.id == invitation.group_id, Group.kind == GROUP)
    return {inviter_id: list(session.scalars(own))} if session.scalars(own).first() is not None else None


def _has_invited(session: Session, inviter_id: int, channel: str, value: str) -> bool:
    return session.get(Invitation, (inviter_id, channel, value)) is not None


def _ask(session: Session, inviter_id: int, target_id: int, message: str) -> None:
    # Whatever stands in the way of a request is what the inviter must not be told.
    with contextlib.suppress(AlreadyExists, NotFound, Refused, TooManyTries):
        meeting.ask(session, inviter_id, target_id, message)


def _is_unwelcome(session: Session, inviter_id: int, channel: str, value: str) -> bool:
    """Whether somebody who proved the address has blocked who invites: they hear nothing of them here, either."""
    owners = search_keys.owners_of_email(session, value) if channel == addresses.EMAIL else ()
    return any(refusals.has_blocked(session, owner_id, inviter_id) for owner_id in owners)


def _send(session: Session, invitation: Invitation, source: str) -> None:
    inviter_id, channel, value = invitation.owner_id, invitation.channel, invitation.value
    named = public_profiles(session, [inviter_id])
    if inviter_id not in named or not _take_of_address(session, channel, value, source):
        return
    values = {"channel": channel, "value": value}
    token = one_time_tokens.issue(session, INVITATION, inviter_id, values, lifetime=LIFETIME)
    said = {"name": named[inviter_id].name, "message": invitation.message or ""}
    language = preferences_of(session, inviter_id).language or "en"
    outbox.post(session, channel, value, "invitation", language, link=outbox.link(session, INVITATION, token), **said)


def _take_of_address(session: Session, channel: str, value: str, source: str) -> bool:
    reached = (channel, addresses.mailbox(channel, value))
    try:
        with session.begin_nested():
            take(session, INVITATIONS_TO_ADDRESS_OF_SOURCE, source, *reached)
            take(session, INVITATIONS_TO_ADDRESS, *reached)
    except TooManyTries:
        return False
    return True


def _invited(session: Session, opened: one_time_tokens.Opened, account_id: int | None) -> Invited:
    inviter_id = opened.account_id
    named = public_profiles(session, [inviter_id]) if inviter_id is not None else {}
    if inviter_id is None or inviter_id not in named:
        raise InvalidOneTimeToken
    barred = account_id is not None and bool(refusals.barred(session, account_id, [inviter_id]))
    sent_to = (opened.values["channel"], opened.values["value"])
    return Invited(inviter_id, named[inviter_id].name, named[inviter_id].login, not barred, *sent_to)
