"""
Of which organisations somebody is told what fellow members change, by the digest or in their browsers.

Each is a choice of the member's, off until they make it, and begins with what changes then: by the revision that the
roster has at that moment. It ends with the membership.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.errors import NotFound
from sync.models import Membership
from sync.revisions import rosters

#: The column of a membership that says from which revision on the digest tells, or browsers do.
From = InstrumentedAttribute[int | None]
BY_DIGEST: From = Membership.digest_from
IN_BROWSERS: From = Membership.browsers_from


@dataclass(frozen=True, slots=True)
class Telling:
    """Whether the digest tells of what members of an organisation change, and whether browsers do."""

    by_digest: bool = False
    in_browsers: bool = False


def choice_of(session: Session, viewer_id: int, organisation_id: int) -> Telling:
    """
    Return what a member chose.

    Raises:
        NotFound: They are no member.
    """
    columns = (Membership.digest_from, Membership.browsers_from)
    row = session.execute(select(*columns).where(*_mine(viewer_id, organisation_id))).first()
    if row is None:
        raise NotFound("There is no such member.")
    return Telling(row[0] is not None, row[1] is not None)


def choose(
    session: Session,
    viewer_id: int,
    organisation_id: int,
    *,
    by_digest: bool | None = None,
    in_browsers: bool | None = None,
) -> None:
    """
    Tell a member of what the others change, from now on, or no more; what is None stays as it is.

    Raises:
        NotFound: They are no member.
    """
    with session.begin_nested():
        now = choice_of(session, viewer_id, organisation_id)
        reached = rosters.revision_of(session, organisation_id)
        told = {BY_DIGEST: (now.by_digest, by_digest), IN_BROWSERS: (now.in_browsers, in_browsers)}
        # Choosing it again is not to begin anew.
        changed = {
            column.key: reached if wanted else None
            for column, (is_told, wanted) in told.items()
            if wanted is not None and wanted != is_told
        }
        if changed:
            mine = update(Membership).where(*_mine(viewer_id, organisation_id)).values(changed)
            session.execute(mine.execution_options(synchronize_session=False))


def told_from(session: Session, viewer_id: int, column: From) -> dict[int, int]:
    """Return by organisation from which revision of its roster on somebody is told in this way."""
    chosen = select(Membership.organisation_id, column).where(Membership.owner_id == viewer_id, column.is_not(None))
    return {organisation_id: revision for organisation_id, revision in session.execute(chosen) if revision is not None}


def positions(chosen: Mapping[int, int], known: Mapping[int, int]) -> dict[int, int]:
    """Return by organisation up to which revision somebody was told who *chose* it so, and was told up to *known*."""
    return {each: max(revision, known.get(each, 0)) for each, revision in chosen.items()}


def _mine(viewer_id: int, organisation_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        Membership.owner_id == viewer_id,
        Membership.organisation_id == organisation_id,
        Membership.joined_at.is_not(None),
    )
