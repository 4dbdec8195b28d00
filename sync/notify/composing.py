"""Messages whose text is decided when they are sent, because what they tell may be another thing by then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from sync.notify.templates import Text


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is about to be sent: which one, how and whom to, and the values that were written with it."""

    id: int
    channel: str
    recipient: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Composed:
    """
    What a message says. *text* is absent where there is nothing to say any more.

    *links* are the addresses in it that were put there by the server. *settled* notes what was told, in the transaction
    that takes the message out of the outbox.
    """

    text: Text | None
    language: str = "en"
    unsubscribe: str | None = None
    links: tuple[str, ...] = ()
    settled: Callable[[Session], object] = lambda _session: None


#: Decides what a message says, from one state of the database.
Composer = Callable[[Session, Waiting], Composed]
#: Nothing is sent, and nothing was told.
NOTHING = Composed(None)
