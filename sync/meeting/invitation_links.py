"""
Invitation links: what a person hands to others, as an address or a QR code, so that they need not search.

Whoever follows one asks to be connected, or is connected at once where its owner said so. A link holds which one it is
and a signature, so one that was made up is refused without a look into the database; what it may do is decided by its
row, so it can be taken back.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from itsdangerous import BadSignature, Signer
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync import meeting
from sync.database import accounts
from sync.database.clock import ASTRAY
from sync.database.engine import Database, settings_of
from sync.database.server_keys import key_for
from sync.discovery import refusals
from sync.discovery.public_profiles import public_profiles
from sync.errors import AlreadyExists, InvalidInput, InvalidOneTimeToken, LimitExceeded, NotFound
from sync.meeting import pairs
from sync.meeting.first_card import BLANK, FirstCard
from sync.models import Group, InvitationLink, new_id, now
from sync.sharing import connections
from sync.sharing.visibility import GROUP
from sync.sign_in import signing_up
from sync.vcard import clean

DAY = 24 * 3600
MOST_DAYS = 366
MOST_USES = 10_000
#: Two ids of 63 bits.
_IDS = struct.Struct(">qq")


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What somebody who opened a link may know before they follow it: whose it is, and whether it connects them at once.

    *name* is what strangers may call the owner. *at_once* is decided for who opens it, and false for who is nobody yet:
    to whom the owner has blocked, the link is one by which people ask.
    """

    owner_id: int
    login: str
    name: str
    at_once: bool
    expires_at: int


def create(
    session: Session,
    owner_id: int,
    *,
    label: str = "",
    at_once: bool = False,
    days: int = 30,
    uses: int | None = None,
    group_id: int | None = None,
) -> int:
    """
    Make a link and return its id. It ends after *days*, or *uses* where that is given.

    People who come by it land in the group *group_id*, or in that of newcomers.

    Raises:
        InvalidInput: It would be valid for too long, or be used too often or never, or the label is too long.
        LimitExceeded: The person has as many links as they may.
        NotFound: There is no such person, or no such group of theirs.
    """
    label = " ".join(clean(label).split())
    if len(label) > 100:
        raise InvalidInput("A link's label has at most 100 characters.")
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(f"A link is valid for 1 to {MOST_DAYS} days.")
    if uses is not None and not 1 <= uses <= MOST_USES:
        raise InvalidInput(f"A link may be used 1 to {MOST_USES} times.")
    accounts.lock(session, owner_id)
    if group_id is not None:
        own = select(Group.id).where(Group.owner_id == owner_id, Group.id == group_id, Group.kind == GROUP)
        if session.scalars(own).first() is None:
            raise NotFound("There is no such group.")
    at = now()
    over = delete(InvitationLink).where(InvitationLink.owner_id == owner_id, InvitationLink.expires_at <= at - 30 * DAY)
    session.execute(over)
    limit = settings_of(session).limits.links
    if session.scalars(select(func.count()).where(InvitationLink.owner_id == owner_id)).one() >= limit:
        raise LimitExceeded(f"A person has at most {limit} links; delete one first.")
    link_id = new_id()
    session.execute(
        insert(InvitationLink).values(
            owner_id=owner_id,
            id=link_id,
            label=label,
            at_once=at_once,
            group_id=group_id,
            uses_left=uses,
            created_at=at,
            expires_at=at + days * DAY,
        )
    )
    return link_id


def links_of(session: Session, owner_id: int) -> Sequence[InvitationLink]:
    """Return a person's links, the newest first; those that ended are there for a while."""
    newest_first = (InvitationLink.created_at.desc(), InvitationLink.id)
    return session.scalars(
        select(InvitationLink).where(InvitationLink.owner_id == owner_id).order_by(*newest_first)
    ).all()


def link_of(session: Session, owner_id: int, link_id: int) -> InvitationLink:
    """
    Return a link of a person's, whether or not it still works.

    Raises:
        NotFound: The person has no such link.
    """
    link = session.get(InvitationLink, (owner_id, link_id))
    if link is None:
        raise NotFound("There is no such link.")
    return link


def works(link: InvitationLink) -> bool:
    """Whether a link can still be followed."""
    at = now()
    running = link.created_at - ASTRAY <= at < link.expires_at
    return link.revoked_at is None and running and (link.uses_left is None or link.uses_left > 0)


def address_of(session: Session, owner_id: int, link_id: int) -> str:
    """
    Return the address that a link is. Needs the right to write, for the server's key.

    Raises:
        InvalidInput: The server was not told its own address, so nobody could open it.
    """
    base_url = settings_of(session).base_url
    if not base_url:
        raise InvalidInput("No link can be made, because this server was not told its own address (option base_url).")
    return f"{base_url}/.web/join?token={token_for(session, owner_id, link_id)}"


def token_for(session: Session, owner_id: int, link_id: int) -> str:
    """Return what a link's address carries. Needs the right to write, for the server's key."""
    ids = base64.urlsafe_b64encode(_IDS.pack(owner_id, link_id)).rstrip(b"=")
    return _signer(session).sign(ids).decode()


def revoke(session: Session, owner_id: int, link_id: int) -> None:
    """
    Let nobody follow a link any more. Who came by it stays connected.

    Raises:
        NotFound: The person has no such link, or took it back already.
    """
    key = (InvitationLink.owner_id == owner_id, InvitationLink.id == link_id, InvitationLink.revoked_at.is_(None))
    revoked = update(InvitationLink).where(*key).values(revoked_at=now()).returning(InvitationLink.id)
    if session.scalars(revoked).first() is None:
        raise NotFound("There is no such link.")


def open_link(session: Session, token: str, account_id: int | None = None) -> Opened:
    """
    Return whose link this is, and what it does for *account_id*. Needs the right to write, for the server's key.

    Raises:
        InvalidTicket: It was made up or taken back, has expired or was used up, or its owner is gone.
    """
    link = _working(session, token)
    owner = public_profiles(session, [link.owner_id]).get(link.owner_id)
    if owner is None:
        raise InvalidOneTimeToken
    welcome = account_id is not None and not refusals.barred(session, account_id, [link.owner_id])
    return Opened(link.owner_id, owner.login, owner.name, link.at_once and welcome, link.expires_at)


def known_by(session: Session, token: str, account_id: int) -> int | None:
    """
    Return whose link this is, or was, where *account_id* is connected to them, else None.

    Needs the right to write, for the server's key.
    """
    try:
        owner_id, _link_id = _ids(session, token)
    except InvalidOneTimeToken:
        return None
    return owner_id if connections.is_connected(session, owner_id, account_id) else None


def follow(session: Session, token: str, account_id: int) -> bool:
    """
    Ask the owner of a link to be connected, and return whether the two are connected now.

    Somebody whom the owner blocked asks, as `open_link` told them, and waits.

    Raises:
        InvalidTicket: As in `open_link`.
        InvalidInput: It is the person's own link.
        AlreadyExists: The two are connected, or the person has asked already.
        Refused: The person has blocked the owner.
    """
    opened = open_link(session, token)
    link = _working(session, token)
    if opened.owner_id == account_id:
        raise InvalidInput("This is your own link; give it to somebody else.")
    with session.begin_nested():
        pairs.lock(session, opened.owner_id, account_id)
        if connections.is_connected(session, opened.owner_id, account_id):
            raise AlreadyExists("You are connected already.")
        _use(session, link)
        welcome = not refusals.barred(session, account_id, [opened.owner_id])
        if not (link.at_once and welcome):
            return meeting.ask(session, account_id, opened.owner_id, by_link=True)
        into: dict[int, Collection[int]] | None = None if link.group_id is None else {opened.owner_id: [link.group_id]}
        try:
            pairs.join(session, opened.owner_id, account_id, into=into)
        except NotFound:
            # The group was deleted since; the link's owner wants the connection all the same.
            pairs.join(session, opened.owner_id, account_id)
        return True


def sign_up(
    database: Database,
    token: str,
    login: str,
    password: str,
    *,
    source: str,
    browser: str,
    card: FirstCard = BLANK,
) -> tuple[bool, str]:
    """
    Make an account for somebody who was handed a link, with a first *card*, and `follow` it as them.

    Returns whether the two are connected now, and the token of the session. Parameters are as in
    `sync.sign_in.signing_up.sign_up`.

    Raises:
        InvalidTicket: As in `open_link`; there is no account then.
        AlreadyExists, InvalidInput, Refused, TooManyTries: As in `sync.sign_in.signing_up.sign_up`.
    """
    database.write(lambda session: open_link(session, token))
    connected: list[bool] = []

    def come(session: Session, account_id: int) -> None:
        card.write(session, account_id)
        connected[:] = [follow(session, token, account_id)]

    where = {"source": source, "browser": browser}
    inside = signing_up.sign_up(database, login, password, **where, invited=True, then=come)[1]
    return connected == [True], inside


def _use(session: Session, link: InvitationLink) -> None:
    # Of two who follow the last use at once, one comes too late.
    if link.uses_left is None:
        return
    key = (InvitationLink.owner_id == link.owner_id, InvitationLink.id == link.id, InvitationLink.uses_left > 0)
    used = update(InvitationLink).where(*key).values(uses_left=InvitationLink.uses_left - 1)
    if session.scalars(used.returning(InvitationLink.id)).first() is None:
        raise InvalidOneTimeToken


def _working(session: Session, token: str) -> InvitationLink:
    owner_id, link_id = _ids(session, token)
    link = session.get(InvitationLink, (owner_id, link_id), populate_existing=True)
    if link is None or not works(link):
        raise InvalidOneTimeToken
    return link


def _ids(session: Session, token: str) -> tuple[int, int]:
    try:
        owner_id, link_id = _IDS.unpack(base64.urlsafe_b64decode(_signer(session).unsign(token) + b"=="))
    except (BadSignature, UnicodeError, ValueError, struct.error) as error:
        raise InvalidOneTimeToken from error
    return owner_id, link_id


def _signer(session: Session) -> Signer:
    return Signer(key_for(session, "link"), salt="evercard/link")
