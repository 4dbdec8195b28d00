"""How the contacts of a person's own stand in their lists: stored with the contact, and written anew after upgrades."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Insert, bindparam, select, update
from sqlalchemy.orm import Session

from sync.database.prepared import execute_all
from sync.database.upserts import insert_into
from sync.models import Base, Overlay, PrivateCard
from sync.sharing import listings

#: So many are written anew in one transaction.
_SOME = 50


def store(session: Session, viewer_id: int, entry_id: int, data: bytes, before: bytes | None = None) -> None:
    """Store the listing of a private entry that says *data*, unless it said the same *before*, None for nothing."""
    listed = _of(data)
    if before is None or listed != _of(before):
        execute_all(session, _setting(session.get_bind().dialect.name), [_row(viewer_id, entry_id, listed)])


def write_anew(session: Session, viewer_id: int, after: int) -> int | None:
    """
    Write what lists know of some of a person's contacts, and of what they added to cards, as this release writes it.

    They are those with ids behind *after*. Returns the last of these ids, None where there are no more.
    """
    # Whoever stores one of them meanwhile waits, and writes what is right then.
    own = select(PrivateCard.entry_id, PrivateCard.data).where(PrivateCard.viewer_id == viewer_id)
    own = own.where(PrivateCard.entry_id > after).order_by(PrivateCard.entry_id).limit(_SOME).with_for_update()
    contacts = session.execute(own).all()
    said = select(Overlay.entry_id, Overlay.content).where(Overlay.viewer_id == viewer_id)
    said = said.where(Overlay.entry_id > after).order_by(Overlay.entry_id).limit(_SOME).with_for_update()
    overlays = session.execute(said).all()
    full = [found[-1][0] for found in (contacts, overlays) if len(found) == _SOME]
    last = min(full, default=None)
    rows = [_row(viewer_id, each, _of(data)) for each, data in contacts if last is None or each <= last]
    execute_all(session, _setting(session.get_bind().dialect.name), rows)
    added = [
        {"viewer": viewer_id, "entry": each, **_new(listings.of_overlay(content)._asdict())}
        for each, content in overlays
        if last is None or each <= last
    ]
    execute_all(session, _SET_ADDED, added)
    return last


def _of(data: bytes) -> listings.Listing:
    return listings.of_contact(data.decode(errors="replace"))


def _row(viewer_id: int, entry_id: int, listed: listings.Listing) -> dict[str, Any]:
    return {"viewer": viewer_id, "entry": entry_id, **_new(listed._asdict())}


def _new(values: Mapping[str, Any]) -> dict[str, Any]:
    # The parameters of an update must not be called as its columns are.
    return {f"new_{name}": value for name, value in values.items()}


_OVERLAYS = Base.metadata.tables["overlay"]
_SET_ADDED = (
    update(_OVERLAYS)
    .where(_OVERLAYS.c.viewer_id == bindparam("viewer"), _OVERLAYS.c.entry_id == bindparam("entry"))
    .values({name: bindparam(f"new_{name}") for name in listings.Numbers._fields})
)


@functools.cache
def _setting(dialect: str) -> Insert:
    table = Base.metadata.tables["contact_listing"]
    said: dict[str, Any] = {name: bindparam(f"new_{name}") for name in listings.Listing._fields}
    made = insert_into(dialect, table).values(viewer_id=bindparam("viewer"), entry_id=bindparam("entry"), **said)
    setting: Insert = made.on_conflict_do_update(index_elements=table.primary_key.columns, set_=said)
    return setting
