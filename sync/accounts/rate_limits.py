"""
Rate limits: how often something may be tried, counted in the database, so for all processes together.

Whoever has not tried for a while may try a few times at once; each try then comes back after its share of the period
(the generic cell rate algorithm). One row for each thing and whoever tries it says when the rate limit will be whole
again, and one statement looks and takes, so that two at once never get more than there is.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, case, delete, or_, select
from sqlalchemy.orm import Session

from sync.database.upserts import insert_into
from sync.errors import TooManyTries
from sync.models import RateLimit

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: How many bits of an IPv6 address belong to one customer of a provider.
IPV6_CUSTOMER = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """
    At most *tries* in *period* seconds, however they lie.

    *name* is that of the thing which is tried, and part of what is stored.
    """

    name: str
    tries: int
    period: int

    @property
    def step(self) -> int:
        """The milliseconds after which one try comes back."""
        return max(1, self.period * 1000 // self.tries)

    @property
    def whole(self) -> int:
        """The milliseconds after which everything has come back."""
        return self.step * self.tries


def take(session: Session, limit: Limit, *who: str, tries: int = 1) -> None:
    """
    Take one try of *limit*, or several, from whoever *who* names: an account, a source, a pair; nobody for all.

    Call this before any work that costs something, in a writing transaction of its own, so that a try stays taken
    whatever comes of it. Several rate limits may be taken in one transaction: then all are taken or none is. Take those
    that fewer people share first, because this one is locked until the commit.

    Raises:
        TooManyTries: There is none left, or fewer than *tries*.
    """
    at, key = _milliseconds(), _key(limit, who)
    if tries > limit.tries:
        # However long somebody waited, there would not be so many.
        raise TooManyTries(max(1, limit.whole // 1000))
    cost = limit.step * tries
    counted_from = case((RateLimit.full_at.between(at, _latest(limit, at)), RateLimit.full_at), else_=_number(at))
    taken = (
        insert_into(session.get_bind().dialect.name, RateLimit)
        .values(key=key, full_at=at + cost)
        .on_conflict_do_update(
            index_elements=[RateLimit.key],
            set_={"full_at": counted_from + _number(cost)},
            where=or_(
                RateLimit.full_at <= _number(at + limit.whole - cost),
                RateLimit.full_at > _number(_latest(limit, at)),
            ),
        )
        .returning(RateLimit.full_at)
    )
    if session.scalars(taken).first() is not None:
        return
    full_at = session.scalars(select(RateLimit.full_at).where(RateLimit.key == key)).first() or at
    raise TooManyTries(max(1, -(-(full_at + cost - limit.whole - at) // 1000)))


def take_some(session: Session, limit: Limit, *who: str, wanted: int) -> tuple[int, int]:
    """
    Take as many tries of *limit* as are *wanted*, or one where there are not so many, or none; nothing is raised.

    Returns how many were taken, and in how many seconds there is another one.
    """
    pause = 1
    for tries in dict.fromkeys((min(wanted, limit.tries), 1)):
        try:
            take(session, limit, *who, tries=tries)
        except TooManyTries as error:
            pause = error.seconds
        else:
            return tries, 1
    return 0, pause


def source(address: str) -> str:
    """
    Return what stands for all addresses of one customer: an IPv4 address, or the first 64 bits of an IPv6 one.

    Whatever is no address is one source together, so that nobody escapes by not having any.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        # Who has an IPv4 address gets 65,536 networks with 6to4, and can make up addresses with Teredo.
        inside = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1]
        if inside is None:
            return str(ipaddress.ip_network((parsed, IPV6_CUSTOMER), strict=False))
        parsed = inside
    return str(parsed)


def purge(session: Session) -> int:
    """Drop the rows of everybody whose rate limits are whole again, and return how many those were."""
    whole = delete(RateLimit).where(RateLimit.full_at <= _milliseconds()).returning(RateLimit.key)
    return len(session.scalars(whole).all())


def _latest(limit: Limit, at: int) -> int:
    # No honest clock writes a later time than this; one that was wrong must not shut anybody out for long.
    return at + 2 * limit.whole


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


def _number(value: int) -> object:
    return bindparam(None, value, type_=BigInteger)


def _key(limit: Limit, who: tuple[str, ...]) -> str:
    # Of a hash, because an address that somebody looks for is nobody's business who reads the table.
    named = "\0".join(who).encode("utf-8", "surrogatepass")
    return f"{limit.name}:{hashlib.blake2b(named, digest_size=20).hexdigest()}"
