"""Making card links, by the owner of the card, listing and ending them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from sync.card_links import link_secrets
from sync.card_links.link_secrets import LinkKeys
from sync.database.engine import settings_of
from sync.ends import next_ends
from sync.ends.setting import minute_of
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.models import CardLink, new_id, now
from sync.sharing import groups, link_audiences
from sync.sharing.changes import change
from sync.vcard import clean

#: How many a person has at most.
MOST = 20


class LinkSecrets(NamedTuple):
    """What a link is handed out as: the *address* of its page, and what programs need to follow the card."""

    address: str
    server: str
    login: str
    password: str


def create(
    session: Session, owner_id: int, group_id: int, *, label: str = "", until: int | None = None, utc_offset: int = 0
) -> int:
    """
    Make a link to the card that a group of the owner's sees, and return its id.

    It is over at *until*, on the minute, said by a clock that is ahead of UTC by *utc_offset* minutes; None for when
    the owner says so.

    Raises:
        InvalidInput: The label is too long, or the end is past, less than a minute or more than ten years ahead.
        LimitExceeded: The person has as many as they may.
        NotFound: There is no such person, or no such group of theirs.
    """
    label = " ".join(clean(label).split())
    if len(label) > 100:
        raise InvalidInput("A link's label has at most 100 characters.")
    if until is not None:
        until = minute_of(until, utc_offset)
    with change(session, owner_id) as under_way:
        groups.name_of(session, owner_id, group_id)
        if session.scalars(select(func.count()).where(CardLink.owner_id == owner_id)).one() >= MOST:
            raise LimitExceeded(f"A person has at most {MOST} links to cards; end one first.")
        link_id = new_id()
        session.execute(
            insert(CardLink).values(
                owner_id=owner_id,
                id=link_id,
                group_id=group_id,
                audience_id=link_audiences.audience_for(under_way, owner_id, group_id),
                label=label,
                uid=str(uuid.uuid4()),
                epoch=new_id(),
                changed_at=under_way.at,
                ends_at=until,
                utc_offset=utc_offset,
                created_at=under_way.at,
            )
        )
        next_ends.renew(session, owner_id)
    return link_id


def links_of(session: Session, owner_id: int) -> Sequence[CardLink]:
    """Return a person's links, the newest first, without those that are over."""
    newest_first = (CardLink.created_at.desc(), CardLink.id)
    mine = select(CardLink).where(CardLink.owner_id == owner_id).order_by(*newest_first)
    at = now()
    found = session.scalars(mine.execution_options(populate_existing=True))
    return [link for link in found if link.ends_at is None or link.ends_at > at]


def link_of(session: Session, owner_id: int, link_id: int) -> CardLink:
    """
    Return a link of a person's.

    Raises:
        NotFound: The person has no such link, or it is over.
    """
    found = next((link for link in links_of(session, owner_id) if link.id == link_id), None)
    if found is None:
        raise NotFound("There is no such link.")
    return found


def end(session: Session, owner_id: int, link_id: int) -> None:
    """
    End a link: from now on it opens nothing, by whatever door. Who has downloaded the card keeps it.

    Raises:
        NotFound: The person has no such link.
    """
    if not link_audiences.end(session, owner_id, CardLink.id == link_id):
        raise NotFound("There is no such link.")


def secrets_of(session: Session, owner_id: int, link_id: int) -> LinkSecrets:
    """
    Return what a link is handed out as; it can be shown again and again.

    Raises:
        InvalidInput: The server was not told its own address, so nobody could open it.
    """
    base_url = settings_of(session).base_url
    if not base_url:
        raise InvalidInput("No link can be made, because this server was not told its own address (option base_url).")
    keys, ids = LinkKeys.of(session), (owner_id, link_id)
    login = link_secrets.login_for(ids)
    address = f"{base_url}/.web/cards?token={keys.token_for(ids)}"
    return LinkSecrets(address, f"{base_url}/{login}/", login, keys.password_for(ids))
