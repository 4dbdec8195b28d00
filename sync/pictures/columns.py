"""Reading cards: which columns are read of one, and the text with its picture that is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.models import Card, Picture
from sync.pictures.cutting import whole_card

#: What is wanted of a row.
Column: TypeAlias = ColumnElement[Any] | InstrumentedAttribute[Any]
_Selected: TypeAlias = Select[*tuple[Any, ...]]

_OF_CARD = (Picture.owner_id == Card.owner_id) & (Picture.digest == Card.picture)


def with_card(statement: _Selected, *columns: Column) -> _Selected:
    """Let a *statement* that reads cards have *columns* of them at the end, of which `whole_cards` makes texts."""
    wanted = stored(columns)
    return with_picture(statement.add_columns(*wanted), wanted)


def with_picture(statement: _Selected, wanted: Sequence[Column]) -> _Selected:
    """Let a *statement* that reads the cards of `stored` columns find the pictures of these."""
    return statement.outerjoin(Picture, _OF_CARD) if any(each is Picture.data for each in wanted) else statement


def stored(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return what is read for *columns* of a card: where its text is among them, where the picture belongs, and it."""
    places = [_place(column) for column in columns]
    known = [place for place in places if place is not None]
    return (*columns, *known, Picture.data) if known else tuple(columns)


def whole_cards(rows: Iterable[Sequence[Any]], *columns: Column) -> Iterable[Sequence[Any]]:
    """Return *rows* that end in `stored` columns as rows that end in these, with all pictures in their texts."""
    texts = [number - len(columns) for number, column in enumerate(columns) if _place(column) is not None]
    return _whole(rows, texts) if texts else rows


def _place(column: Column) -> Column | None:
    if column is Card.body_3:
        return Card.at_3
    return Card.at_4 if column is Card.body_4 else None


def _whole(rows: Iterable[Sequence[Any]], texts: Sequence[int]) -> Iterator[Sequence[Any]]:
    count = len(texts) + 1
    for row in rows:
        # A picture that is missing is named by verification; what else there is of the card is served.
        if row[-1] is None:
            yield row[:-count]
            continue
        told, places, data = list(row[:-count]), row[-count:-1], row[-1]
        for text, at in zip(texts, places, strict=True):
            told[text] = whole_card(told[text], at, data)
        yield told


def body_of(session: Session, owner_id: int, card_id: int | None, version: str) -> str:
    """Return the text of a card, which is there, in vCard *version*."""
    body = Card.body_4 if version == "4.0" else Card.body_3
    chosen = select(Card.id).where(Card.owner_id == owner_id, Card.id == card_id)
    ((_, text),) = whole_cards(session.execute(with_card(chosen, body)), body)
    return str(text)
