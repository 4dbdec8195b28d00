"""
The buckets of the outbox: the numbers by which workers look for what there is to do, each in one statement.

On one machine the bucket of whatever a row is about is its id modulo `BUCKETS`. Where the tables are spread over
machines, a row shall be on the machine of the person or organisation that it is about. There it is by the hash of its
key: machines have ranges of hashes, all of the same size (Citus calls them shards). So each range has one number with a
hash in it, and that is the bucket of whoever has a hash in it, too.

Rows are found by these numbers: they never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BUCKETS = 16
#: Into how many ranges of hashes tables are spread. A power of two, so that half as many ranges have whole ones.
RANGES = 32

_WORD = 0xFFFFFFFF
_SIZE = (_WORD + 1) // RANGES


@dataclass(frozen=True, slots=True)
class Buckets:
    """Which buckets there are, and whether they are one for each range of hashes."""

    numbers: Sequence[int]
    by_range: bool

    def of(self, about_id: int) -> int:
        """Return the bucket of what is about a person, an organisation or a shared book."""
        return self.numbers[range_of(about_id)] if self.by_range else about_id % BUCKETS

    def some(self, numbers: Sequence[int] | None) -> Sequence[int]:
        """Return these *numbers*, for None all."""
        return self.numbers if numbers is None else numbers


def range_of(key: int) -> int:
    """Return in which range of hashes a key is, counted from the lowest."""
    # The hash is a number with a sign: the lowest is that with the highest bit alone.
    return ((_hash(key) + (_WORD + 1) // 2) & _WORD) // _SIZE


def _hash(key: int) -> int:
    """Return PostgreSQL's ``hashint8`` of a number, which is ``hashint4`` of the same, without the sign."""
    low, high = key & _WORD, (key >> 32) & _WORD
    a = b = c = 0x9E3779B9 + 4 + 3923095
    a = (a + (low ^ (high if key >= 0 else ~high & _WORD))) & _WORD
    c = ((c ^ b) - _turned(b, 14)) & _WORD
    a = ((a ^ c) - _turned(c, 11)) & _WORD
    b = ((b ^ a) - _turned(a, 25)) & _WORD
    c = ((c ^ b) - _turned(b, 16)) & _WORD
    a = ((a ^ c) - _turned(c, 4)) & _WORD
    b = ((b ^ a) - _turned(a, 14)) & _WORD
    return ((c ^ b) - _turned(b, 24)) & _WORD


def _turned(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _WORD


def _first_of_each_range() -> list[int]:
    # None is one of those that are used on one machine: of a row that has one it is known by which rule it was written.
    found, number = dict[int, int](), BUCKETS
    while len(found) < RANGES:
        found.setdefault(range_of(number), number)
        number += 1
    return [found[each] for each in range(RANGES)]


BY_ID = Buckets(range(BUCKETS), by_range=False)
BY_RANGE = Buckets(_first_of_each_range(), by_range=True)
