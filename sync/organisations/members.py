"""
Members of organisations: invited, joining with what they choose to show, and leaving, each with one row.

Whoever joins is granted nothing by anybody else: what the organisation sees is what its built-in group was granted, by
the member, field by field. What is asked for as a minimum is asked for once, before they join; what they gave they can
take back at any time, and they can leave.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.orm import Session

from sync.database.engine import Database
from sync.database.upserts import insert_into
from sync.disclosure import records
from sync.errors import AlreadyExists, LimitExceeded, NotFound, Refused
from sync.models import Base, Group, Membership, Organisation, Profile, RosterEntry, new_id, now
from sync.organisations import organisations
from sync.organisations.organisations import INVITED
from sync.revisions import entry_names, roster_changes, rosters
from sync.revisions.address_books import PRESENT, REMOVED
from sync.sharing import cards, grants, groups, link_audiences
from sync.sharing.changes import Change, change
from sync.sharing.visibility import Composition

#: Organisations that one person can be in; the token of an address book names them all.
MOST = 16
#: Members of a deleted organisation that are tidied up in one look.
_SOME = 100


@dataclass(frozen=True, slots=True)
class Belonging:
    """
    An organisation, as somebody sees it who is invited or, where *joined_at* says so, a member by *group_id*.

    *is_administrator* says that they look after it.
    """

    organisation: organisations.About
    invited_at: int
    joined_at: int | None
    group_id: int | None
    is_administrator: bool = False


def invite(session: Session, organisation_id: int, owner_id: int) -> bool:
    """
    Invite somebody into an organisation, and return whether that is news. No member sees anything of it.

    Raises:
        NotFound: There is no such person or organisation.
    """
    with session.begin_nested():
        organisations.asked(session, organisation_id)
        locked = select(Profile.version).where(Profile.owner_id == owner_id).with_for_update()
        if session.scalars(locked).first() is None:
            raise NotFound("There is no such person.")
        if _membership(session, owner_id, organisation_id) is not None:
            return False
        values = {"owner_id": owner_id, "organisation_id": organisation_id, "id": new_id(), "invited_at": now()}
        session.execute(insert(Membership).values(**values))
        _set_row(session, organisation_id, owner_id, state=INVITED)
        return True


def join(session: Session, organisation_id: int, owner_id: int, field_ids: Collection[int] = ()) -> None:
    """
    Become a member of an organisation, whose members see these fields from now on.

    Raises:
        NotFound: The person is not invited, or has no such field.
        AlreadyExists: They are a member.
        Refused: These fields are not the minimum that is asked for.
        LimitExceeded: They are in as many organisations as one can be.
    """
    with change(session, owner_id) as under_way:
        membership = _membership(session, owner_id, organisation_id)
        asked = _open(session, organisation_id)
        if membership is None:
            raise NotFound("You are not invited into this organisation.")
        if membership.joined_at is not None:
            raise AlreadyExists("This person is a member of the organisation already.")
        _require_minimum(under_way, owner_id, asked, field_ids)
        named = rosters.named_by(session, owner_id)
        if len(named) >= MOST:
            raise LimitExceeded(f"A person can be a member of at most {MOST} organisations.")
        group_id = groups.create_for_organisation(session, owner_id, organisation_id, asked.name)
        alone = Composition(frozenset({group_id}), connected=False)
        audience_id = cards.audience_for(under_way, owner_id, alone, cards.ORGANISATION)
        grants.give(under_way, owner_id, group_id, field_ids)
        new = {"id": new_id(), "joined_at": under_way.at, "group_id": group_id, "audience_id": audience_id}
        new["told_from"] = rosters.revision_of(session, organisation_id)
        session.execute(update(Membership).where(*_key(owner_id, organisation_id)).values(**new))
        _set_row(session, organisation_id, owner_id, state=PRESENT, card_id=audience_id)
        rosters.set_named(session, owner_id, [*named, (new["id"], organisation_id)], entry_names.new_key())
        _tell(under_way, owner_id, organisation_id, audience_id)


def leave(session: Session, organisation_id: int, owner_id: int) -> None:
    """
    Be no member any more, or no longer invited: nobody in the organisation has the person's card, nor they any other's.

    Raises:
        NotFound: The person is neither.
    """
    with change(session, owner_id) as under_way:
        membership = _membership(session, owner_id, organisation_id)
        if membership is None:
            raise NotFound("This person is not in the organisation.")
        _end(under_way, membership)


def set_administrator(session: Session, organisation_id: int, owner_id: int, *, is_one: bool) -> bool:
    """
    Let a member look after their organisation, or not any more, and return whether that is news.

    Raises:
        NotFound: There is no such member.
    """
    membership = _membership(session, owner_id, organisation_id)
    if membership is None or membership.joined_at is None:
        raise NotFound("There is no such member.")
    if (membership.administrator_since is not None) == is_one:
        return False
    since = now() if is_one else None
    changed = update(Membership).where(*_key(owner_id, organisation_id), Membership.joined_at.is_not(None))
    session.execute(changed.values(administrator_since=since))
    return True


def is_administrator(session: Session, organisation_id: int, owner_id: int) -> bool:
    """Whether somebody is a member who looks after this organisation, which is there."""
    there = select(Organisation.id).where(Organisation.id == organisation_id, Organisation.deleted_at.is_(None))
    if session.scalars(there).first() is None:
        return False
    membership = _membership(session, owner_id, organisation_id)
    return membership is not None and membership.administrator_since is not None


def leave_all(session: Session, owner_id: int) -> None:
    """Be in no organisation any more, where the person's account goes."""
    mine = select(Membership.organisation_id).where(Membership.owner_id == owner_id)
    for organisation_id in session.scalars(mine.order_by(Membership.organisation_id)).all():
        leave(session, organisation_id, owner_id)


def set_away(session: Session, owner_id: int, *, away: bool) -> None:
    """Take somebody out of the books of all members, while their account is closed, or put them back into these."""
    joined = (Membership.owner_id == owner_id, Membership.joined_at.is_not(None))
    mine = select(Membership.organisation_id, Membership.audience_id).where(*joined)
    if session.execute(mine.limit(1)).first() is None:
        return
    with change(session, owner_id) as under_way:
        for organisation_id, audience_id in session.execute(mine).all():
            state, card_id = (REMOVED, None) if away else (PRESENT, audience_id)
            _set_row(session, organisation_id, owner_id, state=state, card_id=card_id)
            roster_changes.forget(session, organisation_id, owner_id)
            under_way.rostered[organisation_id].add(owner_id)


def belongings(session: Session, owner_id: int) -> list[Belonging]:
    """Return the organisations that somebody is invited into or a member of, by name."""
    rows = session.scalars(select(Membership).where(Membership.owner_id == owner_id)).all()
    known = {each.id: each for each in organisations.everything(session)} if rows else {}
    found = [
        Belonging(
            known[row.organisation_id], row.invited_at, row.joined_at, row.group_id, row.administrator_since is not None
        )
        for row in rows
        if row.organisation_id in known
    ]
    return sorted(found, key=lambda each: each.organisation.name.casefold())


def invitations(session: Session, owner_id: int) -> list[organisations.About]:
    """Return the organisations that somebody is invited into, the first invitation first, without counting anybody."""
    return _asked(session, owner_id, Membership.joined_at.is_(None))


def joined(session: Session, owner_id: int) -> list[organisations.About]:
    """Return the organisations that somebody is a member of, the first invitation first, without counting anybody."""
    return _asked(session, owner_id, Membership.joined_at.is_not(None))


def _asked(session: Session, owner_id: int, state: ColumnElement[bool]) -> list[organisations.About]:
    theirs = select(Membership.organisation_id).where(Membership.owner_id == owner_id, state)
    ids = session.scalars(theirs.order_by(Membership.invited_at, Membership.id)).all()
    known = organisations.known_among(session, ids) if ids else {}
    return [known[each] for each in ids if each in known]


def people(
    session: Session, organisation_id: int, state: str = PRESENT, *, after: int = 0, count: int = 100
) -> Sequence[int]:
    """Return the ids of the next *count* people behind an id who are members, or as *state* says."""
    theirs = (RosterEntry.organisation_id == organisation_id, RosterEntry.state == state, RosterEntry.owner_id > after)
    chosen = select(RosterEntry.owner_id).where(*theirs).order_by(RosterEntry.owner_id)
    return session.scalars(chosen.limit(count)).all()


def tidy(database: Database) -> int:
    """Take the members of deleted organisations out of them one by one, and return how many those were."""
    with database.reading() as session:
        deleted = session.scalars(select(Organisation.id).where(Organisation.deleted_at.is_not(None))).all()
    done = 0
    for organisation_id in deleted:
        while some := database.write(partial(_left_in, organisation_id=organisation_id)):
            for owner_id in some:
                database.write(partial(_tidy, organisation_id=organisation_id, owner_id=owner_id))
            done += len(some)
    return done


def _left_in(session: Session, organisation_id: int) -> Sequence[int]:
    """Return some of those who are still in a deleted organisation; where nobody is, let it go."""
    theirs = (RosterEntry.organisation_id == organisation_id, RosterEntry.state != REMOVED)
    found = session.scalars(select(RosterEntry.owner_id).where(*theirs).limit(_SOME)).all()
    if not found:
        session.execute(delete(Organisation).where(Organisation.id == organisation_id))
    return found


def _tidy(session: Session, organisation_id: int, owner_id: int) -> None:
    if session.scalars(select(Profile.owner_id).where(Profile.owner_id == owner_id)).first() is not None:
        with change(session, owner_id) as under_way:
            membership = _membership(session, owner_id, organisation_id)
            if membership is not None:
                _end(under_way, membership)
                return
    _set_row(session, organisation_id, owner_id, state=REMOVED)


def _end(under_way: Change, membership: Membership) -> None:
    session, owner_id, organisation_id = under_way.session, membership.owner_id, membership.organisation_id
    session.execute(delete(Membership).where(*_key(owner_id, organisation_id)))
    _set_row(session, organisation_id, owner_id, state=REMOVED)
    if membership.audience_id is None:
        return
    group_id = membership.group_id or 0
    # The links that show what the organisation sees go with it.
    under_way.left[owner_id].update((membership.audience_id, *link_audiences.of_group(session, owner_id, group_id)))
    session.execute(delete(Group).where(Group.owner_id == owner_id, Group.id == group_id))
    named = rosters.named_by(session, owner_id)
    kept = [each for each in named if each[1] != organisation_id]
    roster_changes.forget(session, organisation_id, owner_id)
    # By those that were joined later they see from now on whom this one showed them: what was before is no news.
    later = [each for _, each in itertools.dropwhile(lambda each: each[1] != organisation_id, named)]
    rosters.begin(session, owner_id, later)
    rosters.set_named(session, owner_id, kept, entry_names.new_key())
    _tell(under_way, owner_id, organisation_id, None)


def _tell(under_way: Change, owner_id: int, organisation_id: int, audience_id: int | None) -> None:
    """Note that somebody came or went: for the other members, and for their own devices."""
    records.enter(under_way.session, owner_id, {organisation_id: audience_id}, under_way.versions[owner_id])
    under_way.rostered[organisation_id].add(owner_id)
    under_way.told.add(owner_id)


def _require_minimum(under_way: Change, owner_id: int, asked: organisations.About, field_ids: Collection[int]) -> None:
    shown = under_way.kinds_of(owner_id, field_ids)
    missing = [kind for kind in asked.minimum if kind not in shown]
    if missing:
        raise Refused(f"This organisation asks for more: show a field of each of these kinds: {', '.join(missing)}.")


def _open(session: Session, organisation_id: int) -> organisations.About:
    """Return an organisation, which nobody deletes before this transaction ends."""
    locked = select(Organisation.id).where(Organisation.id == organisation_id).with_for_update()
    session.execute(locked)
    return organisations.asked(session, organisation_id)


def _membership(session: Session, owner_id: int, organisation_id: int) -> Membership | None:
    found = select(Membership).where(*_key(owner_id, organisation_id)).execution_options(populate_existing=True)
    return session.scalars(found).first()


def _key(owner_id: int, organisation_id: int) -> tuple[Any, Any]:
    return Membership.owner_id == owner_id, Membership.organisation_id == organisation_id


def _set_row(session: Session, organisation_id: int, owner_id: int, *, state: str, card_id: int | None = None) -> None:
    """Write the row of a roster; whoever can see it is told by `rosters.stamp`."""
    table = Base.metadata.tables["roster_entry"]
    said: dict[str, Any] = {"state": state, "card_id": card_id}
    made = insert_into(session.get_bind().dialect.name, table).values(
        organisation_id=organisation_id, owner_id=owner_id, revision=0, changed_at=now(), **said
    )
    session.execute(made.on_conflict_do_update(index_elements=table.primary_key.columns, set_=said))
