"""
Bugs to plant in card links: one of each class by which something leaks, or is made twice.

Each replaces a part of the engine by what a hurried hand might have written. None is in the product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest

from radicale_plugin.web.pages import card_links as pages
from sync.card_links.opening import LinkGate, OpenedLink
from sync.database.engine import Session
from sync.ends.watch import Watch
from sync.models import now
from sync.revisions import link_revisions
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


PLANTS: tuple[Plant, ...] = (
    make_it_again,
    leave_ends_to_the_worker,
    forget_that_it_was_over,
    tell_nobody,
)
