"""
Whom a member may invite who looks after an organisation: people whom they are connected to, or can find.

Somebody who does not want to be found is answered for as nobody is, so that looking after an organisation lets nobody
learn who has an account. Each look counts as one in the directory.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from sync.database import accounts
from sync.database.engine import Database
from sync.discovery import directory
from sync.errors import InvalidInput, NotFound
from sync.sharing import connections
from sync.sign_in import organisation_administrators


def invite(database: Database, by: int, organisation_id: int, text: str, source: str) -> bool:
    """
    Invite whoever is found by a login, an address, a number or a name, and return whether that is news.

    *source* is as `sync.accounts.rate_limits.source` makes it.

    Raises:
        InvalidInput: Several people are found.
        NotFound: Nobody is found, or there is no organisation that *by* looks after.
        TooManyTries: As in `sync.discovery.directory.search`.
    """
    with database.reading() as session:
        organisation_administrators.require_managed(session, by, organisation_id)
        found = _connected(session, by, text)
    found |= {each.account_id for each in directory.search(database, by, text, source)} if not found else set()
    if not found:
        raise NotFound("Nobody is found by this. You can invite people whom you are connected to, or can find.")
    if len(found) > 1:
        raise InvalidInput("Several people are found by this; give a login, an e-mail address or a number.")
    account_id = found.pop()
    return database.write(
        lambda session: organisation_administrators.invite_known(session, by, organisation_id, account_id)
    )


def _connected(session: Session, by: int, text: str) -> set[int]:
    try:
        account_id = accounts.find(session, text)
    except NotFound:
        return set()
    return {account_id} if connections.is_connected(session, by, account_id) else set()
