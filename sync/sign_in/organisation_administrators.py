"""
Who looks after organisations: administrators of the server, and members whom these let look after one.

Administrators of the server make organisations, say what each asks for, invite anybody, and end them. A member who
looks after an organisation invites whom they can find, and removes members, in this organisation and in no other:
whoever is neither is answered as if there were no organisation. Nobody's card is read or changed here, and nobody is
granted anything. Whatever is done is written down for the person concerned (`sync.accounts.acts`), by the same
transaction. *by* is the account of whoever does it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync.accounts import acts
from sync.database import accounts
from sync.database.lists import among
from sync.errors import NotFound, Refused
from sync.models import Account, Membership, RosterEntry
from sync.organisations import members, organisations
from sync.organisations.organisations import INVITED
from sync.revisions.address_books import PRESENT
from sync.sign_in.administrators import actor

#: How many are on one page.
PAGE = 50
#: Which people are listed.
MEMBERS = "members"
STATES = (MEMBERS, INVITED)


@dataclass(frozen=True, slots=True)
class ListedMember:
    """Somebody who is in an organisation or, where they are no member, invited; since *since*."""

    account_id: int
    login: str
    since: int
    is_member: bool
    is_administrator: bool


@dataclass(frozen=True, slots=True)
class MembersPage:
    """Some of them: page *number*, counted from 1, of *pages*; *total* are all that are looked for."""

    people: Sequence[ListedMember]
    number: int
    pages: int
    total: int


def create(session: Session, by: int, name: str, minimum: Collection[str] = ()) -> int:
    """
    Make an organisation, as `sync.organisations.organisations.create` does.

    Raises:
        InvalidInput: The name, or the minimum, cannot be one.
        NotFound: Who does it is no administrator of the server.
    """
    actor(session, by)
    return organisations.create(session, name, minimum)


def change(session: Session, by: int, organisation_id: int, name: str, minimum: Collection[str]) -> None:
    """
    Rename an organisation, and say what it asks for from now on.

    Raises:
        InvalidInput: The name, or the minimum, cannot be one.
        NotFound: There is no such organisation, or who does it is no administrator of the server.
    """
    actor(session, by)
    organisations.change(session, organisation_id, name, minimum)


def end(session: Session, by: int, organisation_id: int) -> None:
    """
    Delete an organisation, which everybody is told who was in it or invited.

    Raises:
        NotFound: There is no such organisation, or who does it is no administrator of the server.
    """
    who = actor(session, by)
    with session.begin_nested():
        ended = organisations.asked(session, organisation_id)
        organisations.remove(session, organisation_id)
        concerned = [*_on_roster(session, organisation_id, PRESENT), *_on_roster(session, organisation_id, INVITED)]
        acts.note_all(session, who, concerned, acts.END, ended.name)


def invite(session: Session, by: int, organisation_id: int, login: str) -> bool:
    """
    Invite whoever has this login, and return whether that is news.

    Raises:
        NotFound: There is no such person or organisation, or who does it is no administrator of the server.
    """
    actor(session, by)
    return invite_known(session, by, organisation_id, accounts.find(session, login))


def invite_known(session: Session, by: int, organisation_id: int, account_id: int) -> bool:
    """
    Invite somebody whom whoever does it knows already, and return whether that is news.

    Raises:
        NotFound: There is no such person, or no organisation that *by* looks after.
    """
    who = managed(session, by, organisation_id)
    with session.begin_nested():
        if not members.invite(session, organisation_id, account_id):
            return False
        _note(session, who, account_id, acts.CALL_IN, organisation_id)
        return True


def remove(session: Session, by: int, organisation_id: int, account_id: int) -> None:
    """
    Take somebody out of an organisation, or take back that they were invited.

    Raises:
        NotFound: There is no such member, or no organisation that *by* looks after.
        Refused: They look after it as well, and *by* is no administrator of the server.
    """
    who = managed(session, by, organisation_id)
    with session.begin_nested():
        accounts.lock(session, account_id)
        if members.is_administrator(session, organisation_id, account_id) and not is_of_server(session, by):
            raise Refused("Who looks after an organisation is removed from it by an administrator of the server.")
        members.leave(session, organisation_id, account_id)
        _note(session, who, account_id, acts.PUT_OUT, organisation_id)


def set_administrator(session: Session, by: int, organisation_id: int, account_id: int, *, is_one: bool) -> None:
    """
    Let a member look after their organisation, or not any more, from their next request on.

    Raises:
        NotFound: There is no such member or organisation, or who does it is no administrator of the server.
    """
    who = actor(session, by)
    with session.begin_nested():
        organisations.asked(session, organisation_id)
        accounts.lock(session, account_id)
        if members.set_administrator(session, organisation_id, account_id, is_one=is_one):
            _note(session, who, account_id, acts.LET_MANAGE if is_one else acts.NOT_MANAGE, organisation_id)


def managed(session: Session, by: int, organisation_id: int) -> str:
    """
    Return what acts call whoever looks after an organisation.

    Raises:
        NotFound: There is no organisation that *by* looks after.
    """
    if is_of_server(session, by):
        return actor(session, by)
    here = (Account.id == by, Account.disabled_at.is_(None))
    # Whoever is being removed, or dismissed, does nothing more once that is done.
    login = session.scalars(select(Account.login).where(*here).with_for_update(key_share=True)).first()
    if login is None or not members.is_administrator(session, organisation_id, by):
        raise NotFound("There is no such organisation.")
    return login


def require_managed(session: Session, by: int, organisation_id: int) -> organisations.About:
    """
    Return an organisation for whoever may see who is in it.

    Raises:
        NotFound: There is no organisation that *by* looks after.
    """
    if not is_of_server(session, by) and not members.is_administrator(session, organisation_id, by):
        raise NotFound("There is no such organisation.")
    return organisations.asked(session, organisation_id)


def is_of_server(session: Session, by: int) -> bool:
    """Whether somebody is an administrator of the server."""
    here = (Account.id == by, Account.administrator_since.is_not(None))
    return session.scalars(select(Account.id).where(*here)).first() is not None


def page_of(
    session: Session, organisation_id: int, text: str = "", number: int = 1, *, state: str = MEMBERS
) -> MembersPage:
    """
    Return those who are in an organisation and in whose login *text* is, in the order of their logins.

    Whose account is closed is in nobody's book, and is not listed until it is open again.
    """
    theirs = _on_roster(session, organisation_id, INVITED if state == INVITED else PRESENT)
    wanted = select(Account.id, Account.login).where(among(session, Account.id, theirs))
    if text.strip():
        wanted = wanted.where(Account.login.contains(text.strip().lower(), autoescape=True))
    total = session.scalars(select(func.count()).select_from(wanted.subquery())).one()
    pages = max(1, -(-total // PAGE))
    number = min(max(1, number), pages)
    some = wanted.order_by(Account.login, Account.id).limit(PAGE).offset((number - 1) * PAGE)
    return MembersPage(_listed(session, organisation_id, dict(session.execute(some).all())), number, pages, total)


def member(session: Session, organisation_id: int, account_id: int) -> ListedMember:
    """
    Return one of them.

    Raises:
        NotFound: There is no such person in the organisation.
    """
    found = _listed(session, organisation_id, accounts.logins(session, [account_id]))
    if not found:
        raise NotFound("This person is not in the organisation.")
    return found[0]


def _on_roster(session: Session, organisation_id: int, state: str) -> Sequence[int]:
    theirs = (RosterEntry.organisation_id == organisation_id, RosterEntry.state == state)
    return session.scalars(select(RosterEntry.owner_id).where(*theirs)).all()


def _listed(session: Session, organisation_id: int, logins: Mapping[int, str]) -> list[ListedMember]:
    """Return of these people those who are members, or invited, in their order."""
    theirs = (Membership.organisation_id == organisation_id, among(session, Membership.owner_id, logins))
    rows = {row.owner_id: row for row in session.scalars(select(Membership).where(*theirs))}
    return [
        ListedMember(
            each,
            login,
            rows[each].joined_at or rows[each].invited_at,
            rows[each].joined_at is not None,
            rows[each].administrator_since is not None,
        )
        for each, login in logins.items()
        if each in rows
    ]


def _note(session: Session, who: str, account_id: int, what: str, organisation_id: int) -> None:
    acts.note(session, who, account_id, what, organisations.asked(session, organisation_id).name)
