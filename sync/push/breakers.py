"""
Hosts of push services that are left alone because they fail, as all processes that send know them.

There is a row only for a host that fails: it is written when a process leaves the host alone, when one takes the trial
that follows the pause, and goes when that is well. So who is told costs no write, and a look one row by its key. A
process that died in the middle of a trial holds up the next one for as long as a claim lasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from sync.database.prepared import execute
from sync.database.upserts import insert_into
from sync.models import Base, PushHost, now
from sync.push.claims import LEASE, LONGEST_WAIT

#: After so many seconds nobody remembers a host that nothing was sent to since.
_FORGOTTEN = 3 * LONGEST_WAIT
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Breaker:
    """A host is left alone for *pause* seconds, until *closed_until*, and tried by somebody until *tried_until*."""

    pause: int
    closed_until: int
    tried_until: int = 0

    @property
    def is_closed(self) -> bool:
        """Whether the host is left alone now, but for its trial."""
        return now() < self.closed_until <= now() + LONGEST_WAIT

    @property
    def is_open(self) -> bool:
        """Whether somebody may try it now."""
        return not self.is_closed and not now() < self.tried_until <= now() + LEASE


def known(session: Session, hosts: Sequence[str]) -> Mapping[str, Breaker]:
    """Return those of *hosts* that fail."""
    found: dict[str, Breaker] = {}
    for start in range(0, len(hosts), _AT_ONCE):
        read = _ROWS.where(PushHost.host.in_(hosts[start : start + _AT_ONCE]))
        found |= {row.host: Breaker(row.pause, row.closed_until, row.tried_until) for row in session.execute(read)}
    return found


def admit(session: Session, host: str, most: int) -> tuple[int, Breaker | None]:
    """
    Return how many messages may be sent to a host now, *most* where it is well, and what is known of it.

    One that is tried is sent one, by whoever asks first: that is noted, until `abandon`, `close` or `leave_alone`.
    """
    rows = execute(session, _ROW, {"host": host})
    if not rows:
        return most, None
    breaker = Breaker(*rows[0][1:])
    if not breaker.is_open:
        return 0, breaker
    at = now()
    taken = execute(session, _TRY, {"named": host, "seen": breaker.tried_until, "until": at + LEASE})
    return len(taken), Breaker(breaker.pause, breaker.closed_until, at + LEASE)


def abandon(session: Session, host: str) -> None:
    """Say that there was nothing to try a host with after all."""
    execute(session, _ABANDON, {"named": host})


def close(session: Session, host: str) -> None:
    """Note that a host is well."""
    execute(session, _WELL, {"named": host})


def leave_alone(session: Session, host: str, breaker: Breaker, *, after_trial: bool) -> None:
    """Leave a host alone; where that is no answer to its trial, only if nobody else did so meanwhile."""
    values = {"pause": breaker.pause, "closed_until": breaker.closed_until, "tried_until": 0}
    at = now()
    is_over = or_(PushHost.closed_until <= at, PushHost.closed_until > at + LONGEST_WAIT)
    session.execute(
        insert_into(session.get_bind().dialect.name, PushHost)
        .values(host=host, **values)
        .on_conflict_do_update(index_elements=[PushHost.host], set_=values, where=None if after_trial else is_over)
    )


def purge(session: Session) -> None:
    """Forget the hosts that nothing was sent to for days, and what was noted before the clock was put back."""
    at = now()
    is_old = or_(PushHost.closed_until <= at - _FORGOTTEN, PushHost.closed_until > at + LONGEST_WAIT)
    session.execute(delete(PushHost).where(is_old))


_HOSTS = Base.metadata.tables["push_host"]
_ROWS = select(PushHost.host, PushHost.pause, PushHost.closed_until, PushHost.tried_until)
_ROW = _ROWS.where(PushHost.host == bindparam("host"))
_NAMED = _HOSTS.c.host == bindparam("named")
_TRY = (
    update(_HOSTS)
    .where(_NAMED, _HOSTS.c.tried_until == bindparam("seen"))
    .values(tried_until=bindparam("until"))
    .returning(_HOSTS.c.host)
)
_ABANDON = update(_HOSTS).where(_NAMED).values(tried_until=0)
_WELL = delete(_HOSTS).where(_NAMED)
