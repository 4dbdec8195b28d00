"""People of a household, what they share, and what the worker makes of it."""

from __future__ import annotations

from sync.database.engine import Database
from sync.household import following, offers, parting, shares
from sync.household.pairs import Share
from sync.revisions import fan_out
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of


def offer(database: Database, owner_id: int, field_id: int, carrier_id: int) -> Share:
    """Offer somebody a field."""
    database.write(lambda session: offers.offer(session, owner_id, field_id, carrier_id))
    return Share(owner_id, field_id, carrier_id)


def share(database: Database, owner_id: int, field_id: int, carrier_id: int, *, instead_of: int | None = None) -> int:
    """Let somebody carry a field, who agrees, and return by which field of theirs."""
    offered = offer(database, owner_id, field_id, carrier_id)
    return database.write(lambda session: offers.accept(session, offered, instead_of=instead_of))


def leave(database: Database, carrier_id: int, field_id: int, *, keep: bool = True) -> None:
    """Let somebody carry a field no more."""
    database.write(lambda session: parting.leave(session, carrier_id, field_id, keep=keep))


def take_back(database: Database, shared: Share) -> None:
    """Let an owner share a field with somebody no more."""
    database.write(lambda session: parting.take_back(session, shared))


def follow(database: Database) -> None:
    """Do what the worker does for households, and what that leaves to it."""
    following.work(database)
    fan_out.work(database)


def said(database: Database, owner_id: int) -> dict[int, str]:
    """Return what each field of somebody's says."""
    with database.reading() as session:
        return {each.id: content_of(each).main.value for each in fields_of(session, owner_id)}


def shared(database: Database, owner_id: int) -> dict[tuple[int, int], str]:
    """Return by field and carrier how it stands with what somebody shares."""
    with database.reading() as session:
        return {
            (each.share.field_id, each.share.carrier_id): each.state for each in shares.shared_by(session, owner_id)
        }


def carried(database: Database, carrier_id: int) -> dict[int | None, str]:
    """Return by their own field how it stands with what somebody carries; offers are under None."""
    with database.reading() as session:
        return {each.field_id: each.state for each in shares.carried_by(session, carrier_id)}
