"""
The rosters of organisations: revisions, and the stamps on their rows. Nothing else writes either.

A roster is to the members of an organisation what an address book is to one person, and goes by the same rules
(`sync.revisions.address_books`): whatever a member can see of it raises the organisation's number by one in the
transaction of the change, by an update in place, and what changed carries that number. It is done after the books are
raised, in the order of the organisations' ids. So a change costs one row, however many members there are.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, case, delete, select, update
from sqlalchemy.orm import Session

from sync.database.distribution import is_distributed
from sync.database.engine import Database
from sync.database.lists import among_parameter, ids
from sync.database.prepared import execute, execute_all, value
from sync.models import CONTACTS, Base, RosterEntry
from sync.revisions import entry_names


class Roster(NamedTuple):
    """
    An organisation that a person is a member of by the membership *id*, and the *revision* that its roster has.

    Who left before *let_go* is not known any more.
    """

    id: int
    organisation_id: int
    revision: int
    let_go: int = 0

    def is_known(self, revision: int) -> bool:
        """Whether a device that knows the roster as of *revision* can be told what changed since."""
        return self.let_go <= revision <= self.revision


def read(database: Database, named: str | None) -> tuple[Roster, ...]:
    """Return the rosters that an address book *named*, in their order; those that are no more are left out."""
    found = _read(named)
    if not found:
        return ()
    dialect = database.engine.dialect.name
    wanted = {"organisations": ids(dialect, [organisation_id for _, organisation_id in found])}
    return _with_revisions(found, database.quick_rows(_revisions(dialect), wanted))


def find(session: Session, named: str | None) -> tuple[Roster, ...]:
    """Return what `read` does, in a transaction."""
    found = _read(named)
    if not found:
        return ()
    dialect = session.get_bind().dialect.name
    wanted = {"organisations": ids(dialect, [organisation_id for _, organisation_id in found])}
    return _with_revisions(found, execute(session, _revisions(dialect), wanted))


def named_by(session: Session, viewer_id: int) -> list[tuple[int, int]]:
    """Return the ids of the memberships, and of the organisations, that a person's address book names."""
    rows = execute(session, _NAMED, {"viewer": viewer_id})
    return _read(rows[0][0]) if rows else []


def set_named(session: Session, viewer_id: int, named: Collection[tuple[int, int]], names_key: bytes) -> None:
    """Let a person's address book name these; *names_key* becomes its key where it has none yet."""
    text = " ".join(f"{one:x}:{other:x}" for one, other in named) or None
    execute(session, _SET_NAMED, {"viewer": viewer_id, "named": text})
    execute(session, _SET_KEY, {"viewer": viewer_id, "new_key": names_key})


def revision_of(session: Session, organisation_id: int) -> int:
    """Return the revision of a roster; whoever holds the lock of its organisation knows that it stays so."""
    return value(session, _REVISION_OF, {"organisation": organisation_id}) or 0


def begin(session: Session, viewer_id: int, organisation_ids: Collection[int]) -> None:
    """Let nothing that changed in these organisations until now be news to one of their members."""
    reached = revisions_of(session, organisation_ids)
    rows = [{"viewer": viewer_id, "organisation": each, "reached": revision} for each, revision in reached.items()]
    execute_all(session, _BEGIN, rows)


def names_key(session: Session, viewer_id: int) -> bytes | None:
    """Return the key of the names of those entries in a person's address book that have no row yet."""
    rows = execute(session, _KEY_OF, {"viewer": viewer_id})
    return bytes(rows[0][0]) if rows and rows[0][0] is not None else None


def name_for(session: Session, viewer_id: int, owner_id: int) -> tuple[str, str]:
    """Return href and UID for a new entry of somebody: those that organisations show them under, if there are any."""
    key = names_key(session, viewer_id)
    if key is None:
        return entry_names.href_for(str(uuid.uuid4())), str(uuid.uuid4())
    uid = entry_names.uid_for(key, viewer_id, owner_id)
    return entry_names.href_for(uid), uid


def shows(session: Session, viewer_id: int, owner_id: int) -> bool:
    """Whether a person is in an organisation of which somebody is a member, whatever they decided about them."""
    named = [organisation_id for _, organisation_id in named_by(session, viewer_id)]
    theirs = (RosterEntry.owner_id == owner_id, RosterEntry.state == "present")
    found = select(RosterEntry.state).where(RosterEntry.organisation_id.in_(named), *theirs).limit(1)
    return bool(named) and session.scalars(found).first() is not None


def revisions_of(session: Session, organisation_ids: Collection[int]) -> dict[int, int]:
    """Return by organisation the revision of its roster; one that is no more is left out."""
    if not organisation_ids:
        return {}
    dialect = session.get_bind().dialect.name
    rows = execute(session, _revisions(dialect), {"organisations": ids(dialect, organisation_ids)})
    return {organisation_id: revision for organisation_id, revision, _ in rows}


def stamp(
    session: Session, owners: Mapping[int, Collection[int]], at: int, versions: Mapping[int, int]
) -> dict[int, int]:
    """
    Raise the revision of each organisation's roster, stamp its rows of these *owners* with it, and return it.

    *versions* are those that the owners' profiles have with the change.
    """
    revisions = {}
    for organisation_id, owner_ids in sorted(owners.items()):
        revisions[organisation_id] = value(session, _RAISE, {"organisation": organisation_id}) or 0
        key, is_apart = {"organisation": organisation_id, "at": at}, is_distributed(session)
        rows = [
            {**key, "owner": owner_id, **({"version": versions.get(owner_id)} if is_apart else {})}
            for owner_id in sorted(owner_ids)
        ]
        execute_all(session, _STAMP_APART if is_apart else _STAMP, rows)
    return revisions


def raised_for(before: ColumnElement[int | None]) -> ColumnElement[int | None]:
    """Return the later one of *before* and the parameter ``version``, which is absent for no change of the owner's."""
    version = bindparam("version", type_=BigInteger)
    return case((version.is_(None) | (before > version), before), else_=version)


def let_go(session: Session, organisation_id: int, staying: Collection[int]) -> int:
    """
    Forget who left an organisation, but for those *staying* who come back, and return how many those were.

    A device that has not been told of all of them lists anew once. The caller holds the lock of the organisation.
    """
    gone = (RosterEntry.organisation_id == organisation_id, RosterEntry.state == "removed")
    forgotten = delete(RosterEntry).where(*gone, RosterEntry.owner_id.not_in(sorted(staying)))
    found = session.scalars(forgotten.returning(RosterEntry.owner_id)).all()
    execute(session, _LET_GO, {"organisation": organisation_id})
    return len(found)


def _read(named: str | None) -> list[tuple[int, int]]:
    return [(int(one, 16), int(other, 16)) for one, _, other in (each.partition(":") for each in (named or "").split())]


def _with_revisions(found: Collection[tuple[int, int]], rows: Iterable[Sequence[Any]]) -> tuple[Roster, ...]:
    states = {row[0]: (row[1], row[2] or 0) for row in rows}
    return tuple(Roster(key, other, *states[other]) for key, other in found if other in states)


_ORGANISATIONS, _ROWS = Base.metadata.tables["organisation"], Base.metadata.tables["roster_entry"]
_BOOKS, _MEMBERSHIPS = Base.metadata.tables["address_book"], Base.metadata.tables["membership"]
_MINE = (_BOOKS.c.viewer_id == bindparam("viewer"), _BOOKS.c.id == CONTACTS)
_NAMED = select(_BOOKS.c.rosters).where(*_MINE)
_KEY_OF = select(_BOOKS.c.names_key).where(*_MINE)
_SET_NAMED = update(_BOOKS).where(*_MINE).values(rosters=bindparam("named"))
_JOINED = (_MEMBERSHIPS.c.owner_id == bindparam("viewer"), _MEMBERSHIPS.c.joined_at.is_not(None))
_BEGIN = (
    update(_MEMBERSHIPS)
    .where(*_JOINED, _MEMBERSHIPS.c.organisation_id == bindparam("organisation"))
    .values(told_from=bindparam("reached"))
)
_SET_KEY = update(_BOOKS).where(*_MINE, _BOOKS.c.names_key.is_(None)).values(names_key=bindparam("new_key"))
_THIS = _ORGANISATIONS.c.id == bindparam("organisation")
_RAISE = (
    update(_ORGANISATIONS)
    .where(_THIS)
    .values(revision=_ORGANISATIONS.c.revision + 1)
    .returning(_ORGANISATIONS.c.revision)
)
_LET_GO = update(_ORGANISATIONS).where(_THIS).values(let_go=_ORGANISATIONS.c.revision)
_REVISION_OF = select(_ORGANISATIONS.c.revision).where(_THIS)


@functools.cache
def _revisions(dialect: str) -> Select[int, int, int | None]:
    theirs = among_parameter(dialect, _ORGANISATIONS.c.id, "organisations")
    columns = (_ORGANISATIONS.c.id, _ORGANISATIONS.c.revision, _ORGANISATIONS.c.let_go)
    return select(*columns).where(theirs, _ORGANISATIONS.c.deleted_at.is_(None))


_STAMP = (
    update(_ROWS)
    .where(_THIS, _ROWS.c.organisation_id == bindparam("organisation"), _ROWS.c.owner_id == bindparam("owner"))
    .values(revision=_ORGANISATIONS.c.revision, changed_at=bindparam("at"))
)
_STAMP_APART = _STAMP.values(raised_for=raised_for(_ROWS.c.raised_for))
