"""Organisations: made, found, and deleted at once, however many members they have."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import Session

from sync import fields
from sync.database.hints import leaves_work
from sync.database.lists import among_parameter
from sync.database.prepared import read
from sync.errors import InvalidInput, NotFound
from sync.models import Organisation, RosterEntry, new_id, now
from sync.revisions.address_books import PRESENT
from sync.sharing import groups
from sync.vcard import clean

NAME_LENGTH = 100
#: The state of whoever was asked and has not joined.
INVITED = "invited"


@dataclass(frozen=True, slots=True)
class About:
    """An organisation, with the kinds of fields of which whoever joins shows one each, and how many are in it."""

    id: int
    name: str
    minimum: Sequence[str]
    created_at: int
    members: int = 0
    invited: int = 0


def create(session: Session, name: str, minimum: Collection[str] = ()) -> int:
    """
    Make an organisation without members, and return its id. *minimum* names kinds of fields.

    Raises:
        InvalidInput: The name is empty, too long, or another organisation's; or there is no such kind of fields.
    """
    said = _checked(session, name, minimum)
    key, at = new_id(), now()
    session.execute(insert(Organisation).values(id=key, revision=0, created_at=at, **said))
    return key


def change(session: Session, organisation_id: int, name: str, minimum: Collection[str]) -> None:
    """
    Call an organisation otherwise, and ask whoever joins from now on for this minimum; members stay as they are.

    Raises:
        InvalidInput: As in `create`.
        NotFound: There is no such organisation.
    """
    with session.begin_nested():
        there = (Organisation.id == organisation_id, Organisation.deleted_at.is_(None))
        # Whoever joins meanwhile waits, and gives their group the new name.
        locked = select(Organisation.id).where(*there).with_for_update()
        if session.execute(locked).first() is None:
            raise NotFound("There is no such organisation.")
        said = _checked(session, name, minimum, organisation_id)
        session.execute(update(Organisation).where(*there).values(**said))
        on_roster = select(RosterEntry.owner_id).where(RosterEntry.organisation_id == organisation_id)
        owner_ids = session.scalars(on_roster.where(RosterEntry.state != INVITED)).all()
        groups.rename_for_organisation(session, owner_ids, organisation_id, said["name"])


def remove(session: Session, organisation_id: int) -> None:
    """
    Delete an organisation: from this moment on no member has another's card by it.

    What is left of each membership is tidied up by the worker (`sync.organisations.members.tidy`).

    Raises:
        NotFound: There is no such organisation.
    """
    gone = update(Organisation).where(Organisation.id == organisation_id, Organisation.deleted_at.is_(None))
    if session.execute(gone.values(deleted_at=now()).returning(Organisation.id)).first() is None:
        raise NotFound("There is no such organisation.")
    leaves_work(session)


def about(session: Session, organisation_id: int) -> About:
    """
    Return what there is to know of an organisation.

    Raises:
        NotFound: There is no such organisation.
    """
    for found in _read(session, _ABOUT.where(Organisation.id == organisation_id)):
        return found
    raise NotFound("There is no such organisation.")


def asked(session: Session, organisation_id: int) -> About:
    """
    Return what `about` does, without counting who is in it.

    Raises:
        NotFound: There is no such organisation.
    """
    for found in known_among(session, [organisation_id]).values():
        return found
    raise NotFound("There is no such organisation.")


def known_among(session: Session, organisation_ids: Collection[int]) -> dict[int, About]:
    """Return those of these organisations that there are by id, without counting who is in them, in one statement."""
    rows = read(session, _among, {}, ids=organisation_ids)
    return {row[0]: _about(*row, counts={}) for row in rows}


def id_of(session: Session, name: str) -> int:
    """
    Return the id of the organisation of this name, in whatever case.

    Raises:
        NotFound: There is none.
    """
    return named(session, name).id


def named(session: Session, name: str) -> About:
    """
    Return the organisation of this name, in whatever case, without counting who is in it.

    Raises:
        NotFound: There is none.
    """
    wanted = name.strip().casefold()
    for row in session.execute(_ABOUT):
        if row.name.casefold() == wanted:
            return _about(*row, counts={})
    raise NotFound(f"There is no organisation {name!r}.")


def find(session: Session, name: str) -> About:
    """
    Return the organisation of this name, in whatever case.

    Raises:
        NotFound: There is none.
    """
    return about(session, id_of(session, name))


def everything(session: Session) -> list[About]:
    """Return all organisations, by name."""
    return sorted(_read(session, _ABOUT), key=lambda each: each.name.casefold())


def _read(session: Session, wanted: Select[int, str, str, int]) -> list[About]:
    rows = session.execute(wanted).all()
    counted = select(RosterEntry.organisation_id, RosterEntry.state, func.count()).where(
        RosterEntry.organisation_id.in_([row.id for row in rows]), RosterEntry.state.in_((PRESENT, INVITED))
    )
    counts = {
        (key, state): count
        for key, state, count in session.execute(counted.group_by(RosterEntry.organisation_id, RosterEntry.state))
    }
    return [_about(*row, counts=counts) for row in rows]


def _about(key: int, name: str, minimum: str, at: int, *, counts: Mapping[tuple[int, str], int]) -> About:
    inside, invited = (counts.get((key, state), 0) for state in (PRESENT, INVITED))
    return About(key, name, minimum.split("\n") if minimum else [], at, inside, invited)


def _checked(session: Session, name: str, minimum: Collection[str], of: int | None = None) -> dict[str, str]:
    unknown = sorted(set(minimum) - set(fields.CATALOGUE))
    if unknown:
        raise InvalidInput(f"There is no kind of field called {unknown[0]!r}.")
    return {"name": _checked_name(session, name, of), "minimum": "\n".join(sorted(set(minimum)))}


def _checked_name(session: Session, name: str, of: int | None) -> str:
    name = " ".join(clean(name).split())
    if not name or len(name) > NAME_LENGTH:
        raise InvalidInput(f"An organisation's name has 1 to {NAME_LENGTH} characters.")
    others = select(Organisation.name).where(Organisation.deleted_at.is_(None), Organisation.id != (of or 0))
    names = session.scalars(others)
    if name.casefold() in {each.casefold() for each in names}:
        raise InvalidInput(f"There is an organisation {name!r} already.")
    return name


_ABOUT = select(Organisation.id, Organisation.name, Organisation.minimum, Organisation.created_at).where(
    Organisation.deleted_at.is_(None)
)


@functools.cache
def _among(dialect: str) -> Select[int, str, str, int]:
    return _ABOUT.where(among_parameter(dialect, Organisation.id, "ids"))
