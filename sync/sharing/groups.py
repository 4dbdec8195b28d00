"""
Groups: named sets of the people whom a person is connected to.

Two are built in, and everybody has them: *strangers*, which is anybody at all, and *connections*, which is everybody
whom the person is connected to. So is one for each organisation that the person is a member of. Nobody is put into them
or taken out.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync.database.engine import settings_of
from sync.database.lists import among
from sync.database.prepared import read
from sync.errors import AlreadyExists, InvalidInput, LimitExceeded, NotFound, Refused
from sync.models import Connection, Group, Member, new_id, now
from sync.sharing import cards, connections, grants, link_audiences
from sync.sharing.changes import change
from sync.sharing.visibility import CONNECTIONS, GROUP, ORGANISATION, STRANGERS
from sync.vcard import clean

NAME_LENGTH = 100
#: How many people can be put into a group in one change, so that it keeps others waiting for a moment only.
AT_ONCE = 500
#: The order in which lists show the kinds of groups: from those whom most people are in to those whom fewest are in.
_ORDER = (STRANGERS, CONNECTIONS, ORGANISATION, GROUP)


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A group as lists show it. *members* is 0 for strangers, who are not counted. *kind* is as in `Group`."""

    id: int
    name: str
    kind: str
    members: int


def create_built_in(session: Session, owner_id: int) -> None:
    """Make the built-in groups of a new person."""
    for kind in (STRANGERS, CONNECTIONS):
        _insert(session, owner_id, kind, kind)


def create_for_organisation(session: Session, owner_id: int, organisation_id: int, name: str) -> int:
    """Make the built-in group of an organisation that a person becomes a member of, and return its id."""
    # The person may have a group of their own by this name.
    return _insert(session, owner_id, ORGANISATION, name, f"organisation {organisation_id}")


def rename_for_organisation(session: Session, owner_ids: Collection[int], organisation_id: int, name: str) -> None:
    """Give these people's built-in group of an organisation another name; what it is known by stays."""
    theirs = (among(session, Group.owner_id, owner_ids), Group.name_key == f"organisation {organisation_id}")
    renamed = update(Group).where(*theirs).values(name=name)
    session.execute(renamed.execution_options(synchronize_session=False))


def create(session: Session, owner_id: int, name: str) -> int:
    """
    Make a group and return its id.

    Raises:
        InvalidInput: The name is empty or too long.
        AlreadyExists: There is a group of this name, in whatever case.
        LimitExceeded: The person has as many groups as they may.
    """
    name = _checked_name(name)
    with change(session, owner_id) as under_way:
        under_way.listed.add(owner_id)
        count = session.scalars(select(func.count()).where(Group.owner_id == owner_id, Group.kind == GROUP)).one()
        _require_room(session, count)
        _require_free(session, owner_id, name)
        return _insert(session, owner_id, GROUP, name)


def create_missing(session: Session, owner_id: int, names: Iterable[str], if_room: Iterable[str] = ()) -> None:
    """
    Make in one change the groups of these names that a person does not have, and those *if_room* as far as they may.

    Raises:
        InvalidInput: A name is empty or too long.
        LimitExceeded: There are more *names* than the person may have groups.
    """
    wanted, more = ([(_name_key(name), name) for name in map(_checked_name, each)] for each in (names, if_room))
    with change(session, owner_id) as under_way:
        under_way.listed.add(owner_id)
        rows = session.execute(select(Group.name_key, Group.kind).where(Group.owner_id == owner_id)).all()
        taken, count = {row.name_key for row in rows}, sum(row.kind == GROUP for row in rows)
        # Of two names that are the same in another case, the first one counts.
        made = {key: name for key, name in reversed(wanted) if key not in taken}
        made = dict(reversed(made.items()))
        if made:
            _require_room(session, count + len(made) - 1)
        room = settings_of(session).limits.groups - count - len(made)
        others = {key: name for key, name in more if key not in taken and key not in made}
        made |= dict(list(others.items())[: max(room, 0)])
        if made:
            session.execute(insert(Group), [_row(owner_id, GROUP, name, key) for key, name in made.items()])


def rename(session: Session, owner_id: int, group_id: int, name: str) -> None:
    """
    Give a group another name. Nobody but the owner ever sees it.

    Raises:
        InvalidInput: The name is empty or too long.
        AlreadyExists: Another group has this name.
        NotFound: There is no such group.
        Refused: It is a built-in group.
    """
    name = _checked_name(name)
    with change(session, owner_id) as under_way:
        under_way.listed.add(owner_id)
        group = _own(session, owner_id, group_id)
        if _name_key(name) != group.name_key:
            _require_free(session, owner_id, name)
        session.execute(
            update(Group)
            .where(Group.owner_id == owner_id, Group.id == group_id)
            .values(name=name, name_key=_name_key(name))
        )


def remove(session: Session, owner_id: int, group_id: int) -> None:
    """
    Delete a group with its grants. Its members stay connected and keep what their other groups give them.

    Raises:
        NotFound: There is no such group.
        Refused: It is a built-in group.
    """
    with change(session, owner_id) as under_way:
        under_way.listed.add(owner_id)
        _own(session, owner_id, group_id)
        under_way.regranted[owner_id].update(grants.granted(session, owner_id, group_id))
        # The links that show what this group sees go with it.
        under_way.left[owner_id].update(link_audiences.of_group(session, owner_id, group_id))
        session.execute(delete(Group).where(Group.owner_id == owner_id, Group.id == group_id))
        cards.forget(session, owner_id, groups=frozenset({group_id}))


def add_member(session: Session, owner_id: int, group_id: int, viewer_id: int) -> None:
    """
    Put a person into a group. Doing it twice is the same as once.

    Raises:
        NotFound: There is no such group, or the two are not connected.
        Refused: It is a built-in group.
    """
    add_members(session, owner_id, group_id, [viewer_id])


def add_members(session: Session, owner_id: int, group_id: int, viewer_ids: Collection[int]) -> None:
    """
    Put people into a group, all of them or nobody. Who is in it already stays there.

    Raises:
        LimitExceeded: These are more people than can be put into a group at once.
        NotFound: There is no such group, or somebody is not connected to the owner.
        Refused: It is a built-in group.
    """
    wanted = set(viewer_ids)
    if len(wanted) > AT_ONCE:
        raise LimitExceeded(f"At most {AT_ONCE} people can be put into a group at once.")
    with change(session, owner_id) as under_way:
        under_way.listed.add(owner_id)
        _own(session, owner_id, group_id)
        if wanted - set(connections.connected_to(session, owner_id, wanted)):
            raise NotFound("These two are not connected.")
        key = {"owner_id": owner_id, "group_id": group_id}
        there = select(Member.viewer_id).filter_by(**key).where(among(session, Member.viewer_id, wanted))
        new = sorted(wanted - set(session.scalars(there)))
        if new:
            session.execute(insert(Member), [{"viewer_id": viewer_id, **key} for viewer_id in new])
            connections.regroup(under_way, owner_id, new)


def sort(
    session: Session, owner_id: int, viewer_id: int, *, into: Collection[int] = (), out_of: Collection[int] = ()
) -> None:
    """
    Put a person into some groups and take them out of others, in one change; nobody sees a step in between.

    Groups that are not named stay as they are, and so do those that the person is in, or not in, already.

    Raises:
        NotFound: There is no such group, or the two are not connected.
        Refused: One of them is a built-in group.
    """
    with change(session, owner_id) as under_way:
        under_way.listed.add(owner_id)
        connections.require(session, owner_id, viewer_id)
        for group_id in sorted({*into, *out_of}):
            _own(session, owner_id, group_id)
        before = set(
            session.scalars(select(Member.group_id).where(Member.owner_id == owner_id, Member.viewer_id == viewer_id))
        )
        gone, new = (set(out_of) - set(into)) & before, sorted(set(into) - before)
        if not gone and not new:
            return
        session.execute(
            delete(Member).where(
                Member.owner_id == owner_id, Member.viewer_id == viewer_id, Member.group_id.in_(sorted(gone))
            )
        )
        if new:
            key = {"owner_id": owner_id, "viewer_id": viewer_id}
            session.execute(insert(Member), [{"group_id": group_id, **key} for group_id in new])
        connections.regroup(under_way, owner_id, [viewer_id])


def remove_member(session: Session, owner_id: int, group_id: int, viewer_id: int) -> None:
    """
    Take a person out of a group.

    Raises:
        NotFound: There is no such group, or the person is not in it.
        Refused: It is a built-in group.
    """
    with change(session, owner_id) as under_way:
        under_way.listed.add(owner_id)
        _own(session, owner_id, group_id)
        gone = session.execute(
            delete(Member)
            .where(Member.owner_id == owner_id, Member.group_id == group_id, Member.viewer_id == viewer_id)
            .returning(Member.viewer_id)
        ).first()
        if gone is None:
            raise NotFound("This person is not in the group.")
        connections.regroup(under_way, owner_id, [viewer_id])


def find(session: Session, owner_id: int, name: str) -> GroupSummary:
    """
    Return a person's group by its name, in whatever case.

    Raises:
        NotFound: There is none.
    """
    for group in groups_of(session, owner_id):
        if _name_key(group.name) == _name_key(name):
            return group
    raise NotFound(f"There is no group {name!r}.")


def name_of(session: Session, owner_id: int, group_id: int) -> str:
    """
    Return the name of a person's group.

    Raises:
        NotFound: There is no such group.
    """
    name = session.scalars(select(Group.name).where(Group.owner_id == owner_id, Group.id == group_id)).first()
    if name is None:
        raise NotFound("There is no such group.")
    return name


def groups_of(session: Session, owner_id: int) -> list[GroupSummary]:
    """Return all groups of a person: strangers, connections, then their own by name."""
    summaries = [GroupSummary(*row) for row in read(session, _summaries, {"owner": owner_id})]
    return sorted(summaries, key=lambda group: _ORDER.index(group.kind))


@functools.cache
def _summaries(_dialect: str) -> Select[int, str, str, int]:
    mine = Group.owner_id == bindparam("owner")
    inside = (Member.owner_id == Group.owner_id) & (Member.group_id == Group.id)
    members = select(func.count()).select_from(Member).where(inside).scalar_subquery()
    connected = select(func.count()).where(Connection.owner_id == bindparam("owner")).scalar_subquery()
    size = case((Group.kind == CONNECTIONS, connected), else_=members)
    return select(Group.id, Group.name, Group.kind, size).where(mine).order_by(Group.name_key)


def members(session: Session, owner_id: int, group_id: int) -> Sequence[int]:
    """Return the account ids of the people in a group."""
    return session.scalars(
        select(Member.viewer_id)
        .where(Member.owner_id == owner_id, Member.group_id == group_id)
        .order_by(Member.viewer_id)
    ).all()


def _insert(session: Session, owner_id: int, kind: str, name: str, key: str = "") -> int:
    row = _row(owner_id, kind, name, key or _name_key(name))
    session.execute(insert(Group).values(row))
    return int(row["id"])


def _row(owner_id: int, kind: str, name: str, key: str) -> dict[str, Any]:
    return {"owner_id": owner_id, "id": new_id(), "kind": kind, "name": name, "name_key": key, "created_at": now()}


def _own(session: Session, owner_id: int, group_id: int) -> Group:
    group = session.get(Group, (owner_id, group_id), populate_existing=True)
    if group is None:
        raise NotFound("There is no such group.")
    if group.kind != GROUP:
        raise Refused("A built-in group has no members of its own, and cannot be renamed or deleted.")
    return group


def _require_room(session: Session, count: int) -> None:
    most = settings_of(session).limits.groups
    if count >= most:
        raise LimitExceeded(f"More than {most} groups are not possible; delete one first.")


def _require_free(session: Session, owner_id: int, name: str) -> None:
    taken = select(Group.id).where(Group.owner_id == owner_id, Group.name_key == _name_key(name))
    if session.scalars(taken).first() is not None:
        raise AlreadyExists(f"There is a group {name!r} already.")


def _checked_name(name: str) -> str:
    name = " ".join(clean(name).split())
    if not name or len(name) > NAME_LENGTH:
        raise InvalidInput(f"A group's name has 1 to {NAME_LENGTH} characters.")
    return name


def _name_key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()[:200]
