"""How the contacts of a person's own stand in their lists: stored with the contact, and written anew after upgrades."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Insert, bindparam, select, update
from sqlalchemy.orm import Session

from sync.database.prepared import execute_all
from sync.database.upserts import insert_into
from sync.models import Base, Overlay, PrivateCard
from sync.sorting import list_keys
from sync.vcard import VCard, headlines

#: So many are written anew in one transaction.
_SOME = 50


def store(
    session: Session,
    viewer_id: int,
    entry_id: int,
    data: bytes,
    before: bytes | None = None,
    card: VCard | None = None,
) -> None:
    """
    Store the keys of a private entry that says *data*, unless these are those of *before*, None for nothing.

    *card* is what *data* says, where somebody has read it.
    """
    text = _text(data)
    if before is None or not headlines.are_alike(text, _text(before)):
        said = headlines.headline(text) if card is None else headlines.headline_of(card.properties)
        row = _row(viewer_id, entry_id, list_keys.of_headline(*said))
        execute_all(session, _setting(session.get_bind().dialect.name), [row])


def write_anew(session: Session, viewer_id: int, after: int) -> int | None:
    """
    Write what lists know of some of a person's contacts, and of what they added to cards, as this release writes it.

    They are those with ids behind *after*. Returns the last of these ids, None where there are no more.
    """
    with session.begin_nested():
        contacts = _texts(session, PrivateCard, PrivateCard.data, viewer_id, after)
        overlays = _texts(session, Overlay, Overlay.content, viewer_id, after)
        last = min((found[-1][0] for found in (contacts, overlays) if len(found) == _SOME), default=None)
        rows = [
            _row(viewer_id, each, list_keys.of_contact(_text(data)))
            for each, data in contacts
            if last is None or each <= last
        ]
        execute_all(session, _setting(session.get_bind().dialect.name), rows)
        added = [(each, list_keys.of_overlay(content)) for each, content in overlays if last is None or each <= last]
        execute_all(session, _SET_ADDED, [_row(viewer_id, each, numbers) for each, numbers in added])
    return last


def _texts(session: Session, table: Any, text: Any, viewer_id: int, after: int) -> Sequence[Any]:
    # Whoever stores one of them meanwhile waits, and writes what is right then.
    mine = select(table.entry_id, text).where(table.viewer_id == viewer_id, table.entry_id > after)
    return session.execute(mine.order_by(table.entry_id).limit(_SOME).with_for_update()).all()


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _row(viewer_id: int, entry_id: int, listed: list_keys.ListKeys | list_keys.Numbers) -> dict[str, Any]:
    # The parameters of an update must not be called as its columns are.
    said = {f"new_{name}": value for name, value in listed._asdict().items()}
    return {"viewer": viewer_id, "entry": entry_id, **said}


_OVERLAYS = Base.metadata.tables["overlay"]
_SET_ADDED = (
    update(_OVERLAYS)
    .where(_OVERLAYS.c.viewer_id == bindparam("viewer"), _OVERLAYS.c.entry_id == bindparam("entry"))
    .values({name: bindparam(f"new_{name}") for name in list_keys.Numbers._fields})
)


@functools.cache
def _setting(dialect: str) -> Insert:
    table = Base.metadata.tables["contact_list_key"]
    said: dict[str, Any] = {name: bindparam(f"new_{name}") for name in list_keys.ListKeys._fields}
    made = insert_into(dialect, table).values(viewer_id=bindparam("viewer"), entry_id=bindparam("entry"), **said)
    setting: Insert = made.on_conflict_do_update(index_elements=table.primary_key.columns, set_=said)
    return setting
