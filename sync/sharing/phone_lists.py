"""
Which devices show their person's groups as lists, and what they propose about these.

Whoever moves somebody from list to list on a phone mostly does not think of what that person may see then. So nothing
changes by it: it is written down as a proposal, which the person agrees to or dismisses in the portal.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.database.upserts import insert_into
from sync.errors import InvalidInput, NotFound
from sync.models import Base, Device, Group, ListProposal, Member, now
from sync.revisions import list_states
from sync.revisions.list_states import CATEGORIES, LISTS
from sync.sharing import changes, groups

#: What a device may show of groups, beside nothing.
CHOICES = (LISTS, CATEGORIES)
#: Proposals that are kept of one person; those beyond are not, and the phone gets its list back all the same.
MOST = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """A device wants somebody in a group, or out of it; *device* is its label, empty where it is gone."""

    group_id: int
    group: str
    person_id: int
    is_in: bool
    device: str
    proposed_at: int


def choose(session: Session, viewer_id: int, device_id: int, choice: str | None) -> None:
    """
    Let a device show its person's groups as lists, in the way that *choice* says, or no more where that is None.

    Its sync token is another one from then on, so it looks at everything anew.

    Raises:
        InvalidInput: There is no such choice.
        NotFound: The person has no such device, or it was shut out.
    """
    if choice is not None and choice not in CHOICES:
        raise InvalidInput(f"A device shows lists as one of these: {', '.join(CHOICES)}.")
    mine = (Device.viewer_id == viewer_id, Device.id == device_id, Device.revoked_at.is_(None))
    with session.begin_nested():
        # What changes groups meanwhile must know that there are lists to be told of, or be seen here.
        changes.hold(session, viewer_id)
        list_states.lock(session, [viewer_id])
        chosen = session.execute(update(Device).where(*mine).values(lists=choice).returning(Device.id)).first()
        if chosen is None:
            raise NotFound("There is no such device.")
        if choice is not None:
            list_states.renew(session, viewer_id, now())


def propose(
    session: Session, viewer_id: int, device_id: int, group_id: int, *, come: Collection[int], go: Collection[int]
) -> None:
    """
    Note that a device put people on the list of a group, and took others off it. What they may see stays the same.

    What is so already, and what nobody of the person's can be meant by, is not noted; the newest word counts.
    """
    with session.begin_nested():
        _propose(session, viewer_id, device_id, group_id, come, go)


def _propose(
    session: Session, viewer_id: int, device_id: int, group_id: int, come: Collection[int], go: Collection[int]
) -> None:
    key = (ListProposal.viewer_id == viewer_id, ListProposal.group_id == group_id)
    there = set(groups.members(session, viewer_id, group_id))
    wanted = {**dict.fromkeys(set(come) - there, True), **dict.fromkeys(set(go) & there, False)}
    # Whoever is put back where they are is not to be asked about any more.
    moot = (set(come) & there) | (set(go) - there)
    session.execute(delete(ListProposal).where(*key, among(session, ListProposal.person_id, moot)))
    room = MOST - session.scalars(select(func.count()).where(ListProposal.viewer_id == viewer_id)).one()
    at = now()
    values = [
        {"viewer_id": viewer_id, "group_id": group_id, "person_id": each, "is_in": is_in}
        | {"device_id": device_id, "proposed_at": at}
        for each, is_in in sorted(wanted.items())[: max(room, 0)]
    ]
    if values:
        table = Base.metadata.tables["list_proposal"]
        made = insert_into(session.get_bind().dialect.name, table)
        news = {name: made.excluded[name] for name in ("is_in", "device_id", "proposed_at")}
        session.execute(made.on_conflict_do_update(index_elements=table.primary_key.columns, set_=news), values)


def proposals(session: Session, viewer_id: int) -> Sequence[Proposal]:
    """Return what a person's devices propose and is not so yet, newest first."""
    group = (Group.owner_id == ListProposal.viewer_id) & (Group.id == ListProposal.group_id)
    device = (Device.viewer_id == ListProposal.viewer_id) & (Device.id == ListProposal.device_id)
    found = (
        select(ListProposal.group_id, Group.name, ListProposal.person_id, ListProposal.is_in)
        .add_columns(func.coalesce(Device.label, ""), ListProposal.proposed_at)
        .join(Group, group)
        .outerjoin(Device, device)
        .where(ListProposal.viewer_id == viewer_id, _IS_NEWS)
        .order_by(ListProposal.proposed_at.desc(), Group.name_key, ListProposal.person_id)
    )
    return [Proposal(*row) for row in session.execute(found)]


def count(session: Session, viewer_id: int) -> int:
    """Return how many `proposals` has."""
    mine = (ListProposal.viewer_id == viewer_id, _IS_NEWS)
    return session.scalars(select(func.count()).select_from(ListProposal).where(*mine)).one()


def accept(session: Session, viewer_id: int, group_id: int, person_id: int) -> None:
    """
    Do what a device proposed: put somebody into a group, or take them out, with all that they may see by it.

    Raises:
        NotFound: There is no such proposal.
    """
    with session.begin_nested():
        if _end(session, viewer_id, group_id, person_id):
            groups.sort(session, viewer_id, person_id, into=[group_id])
        else:
            groups.sort(session, viewer_id, person_id, out_of=[group_id])


def dismiss(session: Session, viewer_id: int, group_id: int, person_id: int) -> None:
    """
    Leave a group as it is, and ask no more.

    Raises:
        NotFound: There is no such proposal.
    """
    _end(session, viewer_id, group_id, person_id)


def _end(session: Session, viewer_id: int, group_id: int, person_id: int) -> bool:
    key = {"viewer_id": viewer_id, "group_id": group_id, "person_id": person_id}
    is_in: bool | None = session.scalars(delete(ListProposal).filter_by(**key).returning(ListProposal.is_in)).first()
    if is_in is None:
        raise NotFound("There is no such proposal.")
    return is_in


_IS_NEWS = ListProposal.is_in != exists().where(
    Member.owner_id == ListProposal.viewer_id,
    Member.group_id == ListProposal.group_id,
    Member.viewer_id == ListProposal.person_id,
)
