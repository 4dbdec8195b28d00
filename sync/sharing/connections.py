"""
Connections: two accounts that agreed to be in each other's address book.

A connection is two rows, one for each direction, and two entries. What the one may see of the other lives on the
current connection only: disconnecting takes people out of all groups and exceptions, and connecting again starts with
what all connections see. The entry keeps its href and UID for ever.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Update, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync.database.lists import among, among_parameter, ids
from sync.database.prepared import read
from sync.disclosure import records
from sync.errors import AlreadyExists, InvalidInput, NotFound
from sync.models import CONTACTS, Base, Connection, Entry, FieldException, Member, PublicFriend, Request
from sync.revisions import fan_out, rosters, shared_fields
from sync.revisions.address_books import HIDDEN, PRESENT, REMOVED
from sync.sharing import cards
from sync.sharing.changes import Change, change
from sync.sharing.visibility import CONNECTED, ONE, Composition, compositions_of

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
        under_way.listed.update((one, other))
        if is_connected(session, one, other):
            raise AlreadyExists("These two are connected already.")
        for owner_id, viewer_id in ((one, other), (other, one)):
            composition = _join(session, owner_id, viewer_id, (into or {}).get(owner_id, ()))
            audience_id = cards.audience_for(under_way, owner_id, composition)
            session.execute(
                insert(Connection).values(
                    owner_id=owner_id,
                    viewer_id=viewer_id,
                    audience_id=audience_id,
                    hidden=False,
                    connected_at=under_way.at,
                )
            )
            records.enter(session, owner_id, {viewer_id: audience_id}, under_way.versions[owner_id])
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
        under_way.listed.update((one, other))
        if not is_connected(session, one, other):
            raise NotFound("These two are not connected.")
        for owner_id, viewer_id in ((one, other), (other, one)):
            under_way.left[owner_id].update(_audiences(session, owner_id, [viewer_id]).values())
            for model in (Member, FieldException, Connection):
                session.execute(delete(model).where(model.owner_id == owner_id, model.viewer_id == viewer_id))
            session.execute(
                delete(PublicFriend).where(PublicFriend.owner_id == owner_id, PublicFriend.friend_id == viewer_id)
            )
            records.enter(session, owner_id, {viewer_id: None}, under_way.versions[owner_id])
            if _state(session, owner_id, viewer_id) == PRESENT or rosters.shows(session, viewer_id, owner_id):
                under_way.touch(viewer_id, owner_id)
            _set_entry(session, owner_id, viewer_id, state=REMOVED, card_id=None)
        shared_fields.part(session, one, other, under_way.at)


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
        under_way.listed.add(viewer_id)


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
        # Where the two are not connected, it is an organisation that shows the owner, or none any more.
        state = PRESENT if is_connected(session, owner_id, viewer_id) else REMOVED
        _set_entry(session, owner_id, viewer_id, state=state)
        under_way.touch(viewer_id, owner_id)
        under_way.listed.add(viewer_id)


def regroup(under_way: Change, owner_id: int, viewer_ids: Collection[int]) -> None:
    """
    Give viewers the cards of the audiences that they are in, after their groups or exceptions changed.

    It takes the same statements for any number of connected people.
    """
    session = under_way.session
    compositions = compositions_of(session, owner_id, viewer_ids)
    wanted = {viewer_id: compositions.get(viewer_id, CONNECTED) for viewer_id in viewer_ids}
    audiences = cards.audiences_for(under_way, owner_id, set(wanted.values()))
    before = _audiences(session, owner_id, viewer_ids)
    moves = {each: audiences[wanted[each]] for each in before if audiences[wanted[each]] != before[each]}
    if not moves:
        return
    under_way.left[owner_id].update(before[viewer_id] for viewer_id in moves)
    _note_moves(under_way, owner_id, {viewer_id: before[viewer_id] for viewer_id in moves})
    _place(session, owner_id, moves)
    records.enter(session, owner_id, moves, under_way.versions[owner_id])


def is_connected(session: Session, owner_id: int, viewer_id: int) -> bool:
    """Whether the two are in each other's address book, hidden or not."""
    return bool(read(session, ONE, {"owner": owner_id, "viewer": viewer_id}))


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


def how_many(session: Session, owner_id: int) -> int:
    """Return how many people somebody is connected to."""
    return session.scalars(select(func.count()).where(Connection.owner_id == owner_id)).one()


def hidden_from(session: Session, viewer_id: int) -> Sequence[int]:
    """Return the ids of the owners whose entries a person took off their devices; `show` brings one back."""
    return session.scalars(
        select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.state == HIDDEN).order_by(Entry.id)
    ).all()


def _join(session: Session, owner_id: int, viewer_id: int, group_ids: Collection[int]) -> Composition:
    groups = frozenset(group_ids)
    if groups:
        key = {"owner_id": owner_id, "viewer_id": viewer_id}
        session.execute(insert(Member), [{"group_id": group_id, **key} for group_id in sorted(groups)])
    return Composition(groups)


def _audiences(session: Session, owner_id: int, viewer_ids: Collection[int]) -> dict[int, int]:
    mine = (Connection.owner_id == owner_id, among(session, Connection.viewer_id, viewer_ids))
    return dict(session.execute(select(Connection.viewer_id, Connection.audience_id).where(*mine)).all())


def _note_moves(under_way: Change, owner_id: int, audiences: Mapping[int, int]) -> None:
    """Note of those who see the owner's entry which card they have had, of these audiences by viewer."""
    session = under_way.session
    digests = cards.digests_for(session, owner_id, audiences)
    owed = fan_out.owed_of(session, owner_id)
    here = (Entry.id == owner_id, Entry.state == PRESENT, among(session, Entry.viewer_id, audiences))
    for viewer_id in session.scalars(select(Entry.viewer_id).where(*here)):
        # Who leaves a card before the outbox has come to them was told nothing of it: they have an older text.
        is_owed = owed.get(audiences[viewer_id], viewer_id) < viewer_id
        under_way.moved(owner_id, viewer_id, "" if is_owed else digests.get(viewer_id, ""))


def _place(session: Session, owner_id: int, moves: Mapping[int, int]) -> None:
    """Let viewers have the card of an audience, by viewer: statements for each audience, however many come into it."""
    dialect = session.get_bind().dialect.name
    together: dict[int, list[int]] = {}
    for viewer_id, audience_id in moves.items():
        together.setdefault(audience_id, []).append(viewer_id)
    rows = [
        {"owner": owner_id, "audience": audience_id, "viewers": ids(dialect, viewers)}
        for audience_id, viewers in sorted(together.items())
    ]
    for statement in _placing(dialect):
        session.execute(statement, rows)


@functools.cache
def _placing(dialect: str) -> tuple[Update, Update]:
    connections, entries = Base.metadata.tables["connection"], Base.metadata.tables["entry"]
    connected = (
        connections.c.owner_id == bindparam("owner"),
        among_parameter(dialect, connections.c.viewer_id, "viewers"),
    )
    shown = (among_parameter(dialect, entries.c.viewer_id, "viewers"), entries.c.id == bindparam("owner"))
    return (
        update(connections).where(*connected).values(audience_id=bindparam("audience")),
        update(entries).where(*shown).values(card_id=bindparam("audience")),
    )


def _show(under_way: Change, owner_id: int, viewer_id: int, card_id: int) -> None:
    session = under_way.session
    if _state(session, owner_id, viewer_id) is None:
        href, uid = rosters.name_for(session, viewer_id, owner_id)
        session.execute(
            insert(Entry).values(
                viewer_id=viewer_id,
                id=owner_id,
                book_id=CONTACTS,
                href=href,
                uid=uid,
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
