"""
The last changes of what members show their organisations: what the others are told of them follows from these.

Each is one row, however many members there are, with the revision of the roster and the version of the owner's profile:
so who was shown what, and what a member knows already, is compared by numbers that only rise. What is told in the end
is decided where it is read (`sync.queries.member_news`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from sync.database.prepared import execute, execute_all
from sync.models import Base
from sync.pipeline.answers import Rows

#: Changes are news among so many of the last revisions of an organisation.
KEPT = 500


def note(
    session: Session,
    owners: Mapping[int, Collection[int]],
    versions: Mapping[int, int],
    at: int,
    revisions: Mapping[int, int],
) -> None:
    """
    Note that organisations see something else on the cards of these *owners*, whose rows have their stamps.

    *revisions* are those of the rosters with the change.
    """
    for organisation_id, owner_ids in sorted(owners.items()):
        revision = revisions[organisation_id]
        said = {"organisation": organisation_id, "revision": revision, "at": at}
        rows = [{**said, "owner": owner_id, "version": versions[owner_id]} for owner_id in sorted(owner_ids)]
        execute_all(session, _NOTE, rows)
        execute(session, _TRIM, {"organisation": organisation_id, "last": revision - KEPT})


def forget(session: Session, organisation_id: int, owner_id: int) -> None:
    """Forget what somebody changed who is not there any more, or comes back: it is no news to anybody."""
    execute(session, _FORGET, {"organisation": organisation_id, "owner": owner_id})


def after(session: Session, organisation_id: int, revision: int, reader_id: int) -> Rows:
    """Return owner, revision, version and time of what others than the reader changed after a revision, in order."""
    return execute(session, _AFTER, {"organisation": organisation_id, "after": revision, "reader": reader_id})


_CHANGES = Base.metadata.tables["roster_change"]
_MINE = _CHANGES.c.organisation_id == bindparam("organisation")
_NOTE = insert(_CHANGES).values(
    organisation_id=bindparam("organisation"),
    revision=bindparam("revision"),
    owner_id=bindparam("owner"),
    version=bindparam("version"),
    changed_at=bindparam("at"),
)
_TRIM = delete(_CHANGES).where(_MINE, _CHANGES.c.revision <= bindparam("last"))
_FORGET = delete(_CHANGES).where(_MINE, _CHANGES.c.owner_id == bindparam("owner"))
_AFTER = (
    select(_CHANGES.c.owner_id, _CHANGES.c.revision, _CHANGES.c.version, _CHANGES.c.changed_at)
    .where(_MINE, _CHANGES.c.revision > bindparam("after"), _CHANGES.c.owner_id != bindparam("reader"))
    .order_by(_CHANGES.c.revision)
)
