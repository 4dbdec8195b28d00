"""
Connections: two accounts that agreed to be in each other's address book.

A connection is two rows, one for each direction, and two entries. What the one may see of the other lives on the
current connection only: disconnecting takes people out of all groups and exceptions, and connecting again starts with
what all connections see. The entry keeps its href and UID for ever.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.database.models import CONTACTS, Connection, Entry, FieldException, Member, PublicFriend, Request
from sync.errors import AlreadyExists, InvalidInput, NotFound
from sync.revisions import fan_out
from sync.revisions.address_books import HIDDEN, PRESENT, REMOVED
from sync.sharing import cards, disclosure
from sync.sharing.changes import Change, change
from sync.sharing.visibility import Composition, composition_of

CONNECTION = "connection"


def connect(session: Session, one: int, other: int, *, into: Mapping[int, Collection[int]] | None = None) -> None:
    """
    Put two people into each other's address book.

    Each sees of the other what the built-in group of all connections sees; *into* says by owner id which of the
    owner's own groups, if any, the other is in besides from the beginning.

    Raises:
        InvalidInput: They are the same person.
        AlreadyExists: They are connected.
        NotFound: One of them does not exist.
    """
    if one == other:
        raise InvalidInput("Nobody can be connected to themselves.")
    with change(session, one, other) as under_way:
        if is_connected(session, one, other):
            raise AlreadyExists("These two are connected already.")
        for owner_id, viewer_id in ((one, other), (other, one)):
            composition = _join(session, owner_id, viewer_id, (into or {}).get(owner_id, ()))
            audience_id = cards.audience_for(session, owner_id, composition)
            session.execute(
                insert(Connection).values(
                    owner_id=owner_id,
                    viewer_id=viewer_id,
                    audience_id=audience_id,
                    hidden=False,
                    connected_at=under_way.at,
                )
            )
            disclosure.enter(session, owner_id, viewer_id, audience_id, under_way.versions[owner_id])
            _show(under_way, owner_id, viewer_id, audience_id)
            # Whatever either was asked is settled.
            session.execute(
                delete(Request).where(
                    Request.owner_id == owner_id, Request.direction.in_(("in", "out")), Request.other_id == viewer_id
                )
            )


def disconnect(session: Session, one: int, other: int) -> None:
    """
    Take two people out of each other's address book, and out of each other's groups and exceptions.

    Raises:
        NotFound: They are not connected.
    """
    with change(session, one, other) as under_way:
        if not is_connected(session, one, other):
            raise NotFound("These two are not connected.")
        for owner_id, viewer_id in ((one, other), (other, one)):
            for model in (Member, FieldException, Connection):
                session.execute(delete(model).where(model.owner_id == owner_id, model.viewer_id == viewer_id))
            session.execute(
                delete(PublicFriend).where(PublicFriend.owner_id == owner_id, PublicFriend.friend_id == viewer_id)
            )
            disclosure.enter(session, owner_id, viewer_id, None, under_way.versions[owner_id])
            under_way.left.add(owner_id)
            if _state(session, owner_id, viewer_id) == PRESENT:
                under_way.touch(viewer_id, owner_id)
            _set_entry(session, owner_id, viewer_id, state=REMOVED, card_id=None)


def hide(session: Session, viewer_id: int, owner_id: int) -> None:
    """
    Take a connection's entry off the viewer's devices. The two stay connected; `show` brings it back.

    Raises:
        NotFound: There is no such connection, or its entry is hidden already.
    """
    with change(session, owner_id) as under_way:
        if _state(session, owner_id, viewer_id) != PRESENT:
            raise NotFound("There is no such entry.")
        _set_hidden(session, owner_id, viewer_id, hidden=True)
        _set_entry(session, owner_id, viewer_id, state=HIDDEN)
        under_way.touch(viewer_id, owner_id)


def show(session: Session, viewer_id: int, owner_id: int) -> None:
    """
    Bring back an entry that the viewer hid.

    Raises:
        NotFound: There is no hidden entry of this owner's.
    """
    with change(session, owner_id) as under_way:
        if _state(session, owner_id, viewer_id) != HIDDEN:
            raise NotFound("No entry of this person is hidden.")
        _set_hidden(session, owner_id, viewer_id, hidden=False)
        _set_entry(session, owner_id, viewer_id, state=PRESENT)
        under_way.touch(viewer_id, owner_id)


def regroup(under_way: Change, owner_id: int, viewer_id: int) -> None:
    """Give the viewer the card of the audience that they are in, after their groups or exceptions changed."""
    session = under_way.session
    audience_id = cards.audience_for(session, owner_id, composition_of(session, owner_id, viewer_id))
    now_in = session.scalars(
        select(Connection.audience_id).where(Connection.owner_id == owner_id, Connection.viewer_id == viewer_id)
    ).one()
    if now_in == audience_id:
        return
    under_way.left.add(owner_id)
    if _state(session, owner_id, viewer_id) == PRESENT:
        # Who leaves a card before the outbox has come to them was told nothing of it: they have an older text.
        owed = fan_out.is_owed(session, owner_id, now_in, viewer_id)
        under_way.moved(owner_id, viewer_id, "" if owed else cards.digest_for(session, owner_id, viewer_id))
    session.execute(
        update(Connection)
        .where(Connection.owner_id == owner_id, Connection.viewer_id == viewer_id)
        .values(audience_id=audience_id)
    )
    disclosure.enter(session, owner_id, viewer_id, audience_id, under_way.versions[owner_id])
    _set_entry(session, owner_id, viewer_id, card_id=audience_id)


def is_connected(session: Session, owner_id: int, viewer_id: int) -> bool:
    """Whether the two are in each other's address book, hidden or not."""
    found = select(Connection.viewer_id).where(Connection.owner_id == owner_id, Connection.viewer_id == viewer_id)
    return session.scalars(found).first() is not None


def require(session: Session, owner_id: int, viewer_id: int) -> None:
    """
    Make sure that two people are connected.

    Raises:
        NotFound: They are not.
    """
    if not is_connected(session, owner_id, viewer_id):
        raise NotFound("These two are not connected.")


def connected_to(session: Session, owner_id: int, only: Collection[int] | None = None) -> Sequence[int]:
    """Return the ids of everybody whom a person is connected to; with *only*, of those among these people."""
    chosen = select(Connection.viewer_id).where(Connection.owner_id == owner_id)
    if only is not None:
        chosen = chosen.where(among(session, Connection.viewer_id, only))
    return session.scalars(chosen.order_by(Connection.viewer_id)).all()


def hidden_from(session: Session, viewer_id: int) -> Sequence[int]:
    """Return the ids of the owners whose entries a person took off their devices; `show` brings one back."""
    return session.scalars(
        select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.state == HIDDEN).order_by(Entry.id)
    ).all()


def _join(session: Session, owner_id: int, viewer_id: int, group_ids: Collection[int]) -> Composition:
    for group_id in sorted(set(group_ids)):
        session.execute(insert(Member).values(owner_id=owner_id, group_id=group_id, viewer_id=viewer_id))
    return Composition(frozenset(group_ids))


def _show(under_way: Change, owner_id: int, viewer_id: int, card_id: int) -> None:
    session = under_way.session
    if _state(session, owner_id, viewer_id) is None:
        session.execute(
            insert(Entry).values(
                viewer_id=viewer_id,
                id=owner_id,
                book_id=CONTACTS,
                href=f"{uuid.uuid4()}.vcf",
                uid=str(uuid.uuid4()),
                kind=CONNECTION,
                state=PRESENT,
                revision=0,
                changed_at=under_way.at,
                card_id=card_id,
            )
        )
    else:
        _set_entry(session, owner_id, viewer_id, state=PRESENT, card_id=card_id)
    under_way.touch(viewer_id, owner_id)


def _state(session: Session, owner_id: int, viewer_id: int) -> str | None:
    return session.scalars(select(Entry.state).where(Entry.viewer_id == viewer_id, Entry.id == owner_id)).first()


def _set_entry(session: Session, owner_id: int, viewer_id: int, **values: object) -> None:
    session.execute(update(Entry).where(Entry.viewer_id == viewer_id, Entry.id == owner_id).values(**values))


def _set_hidden(session: Session, owner_id: int, viewer_id: int, *, hidden: bool) -> None:
    session.execute(
        update(Connection)
        .where(Connection.owner_id == owner_id, Connection.viewer_id == viewer_id)
        .values(hidden=hidden)
    )
