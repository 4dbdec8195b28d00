"""
Writing cards and fields that were, and the pictures in them once. Whoever does holds their owner's lock.

A release before this one reads no text without its picture. It may still run for a while beside this one after an
upgrade, so in a database that had people by then everything is kept whole until a time that the upgrade noted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from weakref import WeakSet

from sqlalchemy import BigInteger, String, Text, bindparam, delete, exists, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import Pool

from sync.models import Base, ServerSecret, now
from sync.pictures.cutting import LEAST, Cut, cut_card, cut_field

#: Under this name it is noted among what a server knows from when on nothing needs to be whole. It goes when all that
#: was written before is kept apart; in a database that is new it never was there.
APART_FROM = "pictures_apart_from"
#: Values of a row, or of a statement's parameters.
Row: TypeAlias = dict[str, Any]
#: Of which databases it is known that nothing needs to be whole; that stays so.
_APART = WeakSet[Pool]()


class Keeper:
    """Takes the pictures out of what is written of one owner; `pictures` has rows of them for the statement `KEEP`."""

    def __init__(self, session: Session, owner_id: int) -> None:
        """Begin with none."""
        self._session = session
        self._owner_id = owner_id
        self._found = dict[str, str]()

    @property
    def pictures(self) -> list[Row]:
        """What is to be kept, before that which names it is written."""
        return [{"owner": self._owner_id, "name": digest, "data": data} for digest, data in self._found.items()]

    def card(self, body_3: str, body_4: str) -> Row:
        """Return the columns of a card with these texts, as parameters of `WRITE` and `REWRITE`."""
        cut_3, cut_4 = self._cut(cut_card, body_3), self._cut(cut_card, body_4)
        if cut_3 is None or cut_4 is None or cut_3.data != cut_4.data:
            return {"new_body_3": body_3, "new_body_4": body_4, "new_picture": None, "new_at_3": None, "new_at_4": None}
        texts = {"new_body_3": cut_3.rest, "new_body_4": cut_4.rest}
        return {**texts, "new_picture": self._note(cut_3), "new_at_3": cut_3.at, "new_at_4": cut_4.at}

    def field(self, content: str) -> Row:
        """Return the columns of a field that was, with this content, as parameters of `BEGIN` and `TAKE_OUT`."""
        cut = self._cut(cut_field, content)
        if cut is None:
            return {"new_content": content, "new_picture": None, "new_at": None}
        return {"new_content": cut.rest, "new_picture": self._note(cut), "new_at": cut.at}

    def _cut(self, cut: Callable[[str], Cut | None], text: str) -> Cut | None:
        return cut(text) if len(text) >= LEAST and are_apart(self._session) else None

    def _note(self, cut: Cut) -> str:
        self._found[digest := cut.digest] = cut.data
        return digest


def are_apart(session: Session) -> bool:
    """Whether pictures may be kept apart by now."""
    pool = session.connection().engine.pool
    if pool in _APART:
        return True
    since = since_when(session)
    if since is not None and now() < since:
        return False
    _APART.add(pool)
    return True


def since_when(session: Session) -> int | None:
    """Return from when on pictures may be kept apart, None where all are."""
    noted = session.scalars(select(ServerSecret.value).where(ServerSecret.name == APART_FROM)).first()
    return int(noted) if noted is not None else None


# Put together once: for each change, that would take longer than they run.
_PICTURES, _CARDS, _STATES = (Base.metadata.tables[name] for name in ("picture", "card", "field_state"))
_OWNER = bindparam("owner", type_=BigInteger)
_NAMED = exists().where(_PICTURES.c.owner_id == _OWNER, _PICTURES.c.digest == bindparam("name", type_=String))
_NEW: Row = {name: bindparam(f"new_{name}") for name in ("body_3", "body_4", "digest", "picture", "at_3", "at_4")}
_CARD = (_CARDS.c.owner_id == bindparam("owner"), _CARDS.c.id == bindparam("card"))
#: Keep a picture, unless it is.
KEEP = insert(_PICTURES).from_select(
    ["owner_id", "digest", "data"],
    select(_OWNER, bindparam("name", type_=String), bindparam("data", type_=Text)).where(~_NAMED),
)
#: Write a new card, and another text of one.
WRITE = insert(_CARDS).values(owner_id=bindparam("owner"), id=bindparam("card"), changed_at=bindparam("at"), **_NEW)
REWRITE = update(_CARDS).where(*_CARD).values(changed_at=bindparam("at"), **_NEW)
#: Write what a field is from a version on.
_SAID: Row = {name: bindparam(f"new_{name}") for name in ("content", "picture", "at")}
_KNOWN: Row = {name: bindparam(name) for name in ("owner_id", "field_id", "since", "until", "position", "kind")}
BEGIN = insert(_STATES).values({**_KNOWN, **_SAID})
#: Take the picture out of what a field was.
TAKE_OUT = (
    update(_STATES)
    .where(
        _STATES.c.owner_id == bindparam("owner"),
        _STATES.c.field_id == bindparam("field"),
        _STATES.c.since == bindparam("first"),
    )
    .values(_SAID)
)
#: Let go of an owner's pictures that nothing names any more.
LET_GO = delete(_PICTURES).where(
    _PICTURES.c.owner_id == bindparam("owner"),
    ~exists().where(_CARDS.c.owner_id == bindparam("owner"), _CARDS.c.picture == _PICTURES.c.digest),
    ~exists().where(_STATES.c.owner_id == bindparam("owner"), _STATES.c.picture == _PICTURES.c.digest),
)
