"""
Bugs to plant in card links: one of each class by which something leaks, or is made twice.

Each replaces a part of the engine by what a hurried hand might have written. None is in the product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
from sqlalchemy import delete, update

from radicale_plugin.web.pages import card_links as pages
from sync.card_links.opening import LinkGate, OpenedLink
from sync.database.engine import Database, Session
from sync.ends import carrying, next_ends
from sync.ends.watch import Watch
from sync.models import CardLink, Ending, now
from sync.revisions import link_revisions
from sync.sharing import changes, grants, link_audiences
from sync.sharing.visibility import Adjustment
from tests.support.machines import Plant

T = TypeVar("T")


def make_it_again(patch: pytest.MonkeyPatch) -> None:
    """Whoever got no answer and sends the form again has two links."""

    def replacement(change: Callable[[Session], T], _then: str) -> Callable[[Session], T]:
        return change

    patch.setattr(pages, "once", replacement)


def leave_ends_to_the_worker(patch: pytest.MonkeyPatch) -> None:
    """What is over is gone as soon as a worker comes."""

    def replacement(_gate: LinkGate, row: Sequence[Any]) -> OpenedLink | None:
        return OpenedLink(*row[:-1])

    patch.setattr(LinkGate, "_unless_over", replacement)
    patch.setattr(Watch, "is_due", lambda _: False)


def forget_that_it_was_over(patch: pytest.MonkeyPatch) -> None:
    """A link that is over is not shown, and is there again when the clock is put back."""

    def replacement(_gate: LinkGate, row: Sequence[Any]) -> OpenedLink | None:
        *found, ends_at = row
        return OpenedLink(*found) if ends_at is None or ends_at > now() else None

    patch.setattr(LinkGate, "_unless_over", replacement)
    patch.setattr(Watch, "is_due", lambda _: False)


def tell_nobody(patch: pytest.MonkeyPatch) -> None:
    """Programs that follow a card are not told that it changed."""
    patch.setattr(link_revisions, "raise_shown", lambda *_: None)


def strike_off_first(patch: pytest.MonkeyPatch) -> None:
    """What ended is struck off in one transaction and taken back in the next."""

    def strike_off(session: Session, owner_id: int, at: int) -> Sequence[int]:
        changes.hold(session, owner_id)
        session.execute(delete(Ending).where(Ending.owner_id == owner_id, Ending.ends_at <= at))
        over = update(CardLink).where(CardLink.owner_id == owner_id, CardLink.ends_at <= at).values(ends_at=None)
        struck = session.scalars(over.returning(CardLink.id)).all()
        next_ends.renew(session, owner_id)
        return struck

    def take_back(session: Session, owner_id: int, pairs: frozenset[tuple[int, int]], links: Sequence[int]) -> None:
        changes.hold(session, owner_id)
        link_audiences.end(session, owner_id, CardLink.id.in_(links))
        grants.adjust(session, owner_id, Adjustment(taken_back=pairs))

    def replacement(database: Database, owner_id: int) -> None:
        at = now()
        with database.reading() as session:
            pairs = carrying._over(session, owner_id, at).grants
        links = database.write(lambda session: strike_off(session, owner_id, at))
        database.write(lambda session: take_back(session, owner_id, pairs, links))

    patch.setattr(carrying, "carry_out", replacement)


PLANTS: tuple[Plant, ...] = (
    make_it_again,
    leave_ends_to_the_worker,
    forget_that_it_was_over,
    tell_nobody,
    strike_off_first,
)
