"""
Groups of a directory that are organisations here: who is in one is invited; who came so and is there no more is out.

An invitation is all that follows: whether somebody joins, and what the organisation sees of them, is for them to say.
So it is asked once for as long as the directory has them there. Whoever was invited by somebody stays, whatever the
directory says, and so does whoever cannot be seen there: what is missing is an account, and closed as such.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from sync.accounts import acts
from sync.database.engine import Database
from sync.ends.watch import keeping_ends
from sync.errors import NotFound
from sync.models import DirectoryMember, Membership, Profile
from sync.organisations import members, organisations
from sync.sign_in import identities
from sync.sign_in.told import LDAP, Source

if TYPE_CHECKING:
    from sync.ldap.client import Client

logger = logging.getLogger("evercard")


@dataclass(slots=True)
class Carried:
    """
    How many were *invited*, how many memberships *ended*, and of which organisations how many others would have *held*.

    Nobody leaves one by a directory where so many would at once that it is likelier to be a mistake.
    """

    invited: int = 0
    ended: int = 0
    held: dict[str, int] = field(default_factory=dict)


def carry(
    database: Database, client: Client, source: Source, accounts: Mapping[str, int], *, even_many: bool = False
) -> Carried:
    """
    Let organisations have those whom the directory has in their groups; *accounts* are of those seen, by identity.

    Raises:
        LdapUnavailable: The directory does not answer, or not with all of them. What was done until then stays.
    """
    carried = Carried()
    for name, wanted in database.settings.ldap.organisations:
        with database.reading() as session:
            organisation_id = _id_of(session, name)
            before = _noted(session, organisation_id)
        if organisation_id is None:
            logger.error("ldap_organisations names an organisation that there is not; see `evercard check`")
            continue
        there = _there(client, source, accounts, wanted)
        for account_id in sorted(there - before):
            carried.invited += keeping_ends(database, partial(_bring, who=account_id, where=organisation_id))
        gone = (before & set(accounts.values())) - there
        if gone:
            # Whoever is moved while pages are read may be on none of them.
            gone -= _there(client, source, accounts, wanted)
        if len(gone) > database.settings.ldap.close_at_most and not even_many:
            logger.error("%d people would leave an organisation by the directory; see `evercard ldap look`", len(gone))
            carried.held[name] = len(gone)
            continue
        for account_id in sorted(gone):
            carried.ended += keeping_ends(database, partial(_take_out, who=account_id, where=organisation_id))
    return carried


def missing_organisations(session: Session, named: Collection[tuple[str, str]]) -> list[str]:
    """Return which of the organisations that are *named* there are not."""
    there = {each.name.casefold() for each in organisations.everything(session)}
    return [name for name, _ in named if name.casefold() not in there]


def _there(client: Client, source: Source, accounts: Mapping[str, int], wanted: str) -> set[int]:
    digests = {identities.digest(source, subject) for subject in client.fitting(wanted)}
    return {account_id for digest, account_id in accounts.items() if digest in digests}


def _id_of(session: Session, name: str) -> int | None:
    with contextlib.suppress(NotFound):
        return organisations.id_of(session, name)
    return None


def _noted(session: Session, organisation_id: int | None) -> set[int]:
    mine = (DirectoryMember.organisation_id == organisation_id, DirectoryMember.source == LDAP)
    return set(session.scalars(select(DirectoryMember.owner_id).where(*mine)))


def _bring(session: Session, who: int, where: int) -> bool:
    """Invite somebody whom the directory has there, and return whether that is news."""
    with session.begin_nested():
        locked = select(Profile.version).where(Profile.owner_id == who).with_for_update()
        mine = (DirectoryMember.owner_id == who, DirectoryMember.organisation_id == where)
        if session.scalars(locked).first() is None or session.scalars(select(DirectoryMember).where(*mine)).first():
            return False  # they left meanwhile, or another look has done it
        session.execute(insert(DirectoryMember).values(owner_id=who, organisation_id=where, source=LDAP))
        if not members.invite(session, where, who):
            return False
        brought = update(Membership).where(Membership.owner_id == who, Membership.organisation_id == where)
        session.execute(brought.values(brought_by=LDAP).execution_options(synchronize_session=False))
        acts.note(session, acts.ORGANISATION, who, acts.CALL_IN, organisations.asked(session, where).name)
        return True


def _take_out(session: Session, who: int, where: int) -> bool:
    """Let somebody leave whom the directory has there no more, if they came by it, and return whether they did."""
    with session.begin_nested():
        mine = (DirectoryMember.owner_id == who, DirectoryMember.organisation_id == where)
        if session.scalars(delete(DirectoryMember).where(*mine).returning(DirectoryMember.owner_id)).first() is None:
            return False
        brought = select(Membership.brought_by).where(Membership.owner_id == who, Membership.organisation_id == where)
        if session.scalars(brought).first() != LDAP:
            return False
        acts.note(session, acts.ORGANISATION, who, acts.PUT_OUT, organisations.asked(session, where).name)
        members.leave(session, where, who)
        return True
