"""
Looking through the organisation's directory: who is there still, and what it says of them now.

Nobody's account is closed unless the whole directory was read, twice, and they were missing both times; and not where
so many are missing that it is likelier to be a mistake, until an administrator says so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sync.database.engine import Database, settings_of
from sync.database.upserts import insert_into
from sync.ends.watch import keeping_ends
from sync.errors import LdapUnavailable
from sync.ldap import group_members
from sync.ldap.group_members import Carried
from sync.models import Account, OrganisationIdentity, OrganisationLook, now
from sync.sign_in import identities
from sync.sign_in.told import LDAP, Source, Told, of_directory

if TYPE_CHECKING:
    from sync.ldap.client import Client

logger = logging.getLogger("evercard")
_NOBODY = "it says that nobody is there"

#: Seconds between two looks, and after one that the directory did not answer.
LOOK, AGAIN = 3600, 300


@dataclass(frozen=True, slots=True)
class Found:
    """
    What came of a look: how many accounts were *closed*, and the logins of those who are *missing*.

    *groups* is what became of organisations.
    """

    closed: int
    missing: tuple[str, ...]
    groups: Carried = field(default_factory=Carried)


@dataclass(frozen=True, slots=True)
class _Known:
    account_id: int
    said: str | None
    is_closed: bool


def work(database: Database, client: Client) -> int:
    """Look, if that is due and nobody else does; returns how many accounts were closed."""
    if not database.write(_take_turn):
        return 0
    try:
        return look(database, client).closed
    except LdapUnavailable:
        database.write(_soon)
        return 0


def look(database: Database, client: Client, *, even_many: bool = False, dry_run: bool = False) -> Found:
    """
    Fill the fields of everybody who is there, open who is there again, and close the accounts of those who are not.

    Where more are missing than the settings say, none is closed, unless *even_many* is set. With *dry_run* nothing is
    done at all. Then organisations get those who are in their groups.

    Raises:
        LdapUnavailable: The directory does not answer, or says that nobody is there. Nobody's account is closed.
    """
    begun, source = now(), of_directory(database.settings.ldap)
    with database.reading() as session:
        known = _known(session)
    seen = _seen(database, client, source, {} if dry_run else known)
    gone = known.keys() - seen
    gone = {each for each in gone if not known[each].is_closed}
    if gone:
        # Whoever is moved while pages are read may be on none of them.
        gone -= _seen(database, client, source, {})
    with database.reading() as session:
        open_ones = _open(session, {known[each].account_id for each in gone})
    gone = {each for each in gone if known[each].account_id in open_ones}
    may = even_many or len(gone) <= database.settings.ldap.close_at_most
    closed = 0
    for each in gone if may and not dry_run else ():
        closing = partial(identities.close, known=each, account_id=known[each].account_id, unseen_since=begun)
        closed += keeping_ends(database, closing)
    groups = Carried()
    if not dry_run:
        database.write(lambda session: _note(session, 0 if may else len(gone)))
    if not may:
        logger.error("%d people are missing in the organisation's directory; see `evercard ldap look`", len(gone))
    if not dry_run:
        accounts = {each: known[each].account_id for each in seen & known.keys()}
        groups = group_members.carry(database, client, source, accounts, even_many=even_many)
    return Found(closed, tuple(sorted(open_ones.values())), groups)


def held_back(session: Session) -> int:
    """Return how many were missing at the last look whose accounts stayed open, because they were so many."""
    return session.scalars(select(OrganisationLook.held_back).where(OrganisationLook.source == LDAP)).first() or 0


def _seen(database: Database, client: Client, source: Source, known: dict[str, _Known]) -> set[str]:
    """Return who is there, after what is said of those who are *known* is carried on."""
    seen = set[str]()
    for page in client.everybody():
        for told in page:
            digest = identities.digest(source, told.subject)
            seen.add(digest)
            if digest in known and _has_news(known[digest], source, told):
                account_id = known[digest].account_id
                keeping_ends(database, partial(_renew, account_id=account_id, source=source, told=told))
    if not seen:
        logger.error("The organisation's directory says that nobody is there: check ldap_base, ldap_filter and rights")
        raise LdapUnavailable(_NOBODY)
    return seen


def _has_news(known: _Known, source: Source, told: Told) -> bool:
    return known.is_closed or known.said != identities.said(identities.contents(source, told))


def _renew(session: Session, account_id: int, source: Source, told: Told) -> None:
    # Who was deleted meanwhile, or is another's by now, is nobody to be told of.
    if identities.account_of(session, source, told) == account_id:
        identities.renew(session, account_id, source, told)


def _known(session: Session) -> dict[str, _Known]:
    identity = OrganisationIdentity
    told = (identity.digest, identity.account_id, identity.said, identity.missing_since)
    rows = session.execute(select(*told).where(identities.of_kind(LDAP))).all()
    return {digest: _Known(account_id, said, missing is not None) for digest, account_id, said, missing in rows}


def _open(session: Session, account_ids: set[int]) -> dict[int, str]:
    rows = session.execute(select(Account.id, Account.login).where(Account.disabled_at.is_(None))).all()
    return {account_id: login for account_id, login in rows if account_id in account_ids}


def _take_turn(session: Session) -> bool:
    if not settings_of(session).ldap.is_known:
        return False
    at = now()
    row = insert_into(session.get_bind().dialect.name, OrganisationLook).values(source=LDAP, looked_at=at, held_back=0)
    # A time that is ahead was written before the clock was put back.
    due = ~OrganisationLook.looked_at.between(at - LOOK + 1, at)
    mine = row.on_conflict_do_update(index_elements=[OrganisationLook.source], set_={"looked_at": at}, where=due)
    return session.scalars(mine.returning(OrganisationLook.source)).first() is not None


def _soon(session: Session) -> None:
    mine = update(OrganisationLook).where(OrganisationLook.source == LDAP)
    session.execute(mine.values(looked_at=now() - LOOK + AGAIN))


def _note(session: Session, number: int) -> None:
    row = insert_into(session.get_bind().dialect.name, OrganisationLook).values(
        source=LDAP, looked_at=now(), held_back=number
    )
    said = {"looked_at": row.excluded.looked_at, "held_back": row.excluded.held_back}
    session.execute(row.on_conflict_do_update(index_elements=[OrganisationLook.source], set_=said))
