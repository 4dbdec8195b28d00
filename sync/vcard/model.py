"""What a vCard is made of: content lines in their order, and the limits within which they are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.errors import InvalidVCard
from sync.vcard.text import unescape

Parameters = tuple[tuple[str, tuple[str, ...]], ...]
"""Names in upper case with their values, in the order of the line; a bare parameter of vCard 2.1 has no values."""


@dataclass(frozen=True, slots=True)
class Property:
    """
    One content line.

    *group* is written as it came (`item1`), *name* in upper case, parameter values without quotes and carets
    (RFC 6868). *value* is the raw text between the colon and the end of the unfolded line, escapes and all. *line* is
    the number of the first physical line it came from, 0 if it came from no file; it takes no part in comparisons.
    """

    group: str
    name: str
    params: Parameters
    value: str
    line: int = field(default=0, compare=False)

    def parameter(self, name: str) -> tuple[str, ...]:
        """All values of the parameter *name* (upper case), over all its repetitions."""
        return tuple(value for key, values in self.params if key == name for value in values)

    def types(self) -> frozenset[str]:
        """The TYPE values in lower case; a quoted list such as `TYPE="work,voice"` counts as several."""
        kinds = ",".join(self.parameter("TYPE")).lower().split(",")
        return frozenset(kind.strip() for kind in kinds if kind.strip())


@dataclass(frozen=True, slots=True)
class VCard:
    """
    A card: its version and its properties without BEGIN, VERSION and END.

    *flaws* says of each line that is no property what is wrong with it; nothing else of such a line is kept.
    """

    version: str
    properties: tuple[Property, ...]
    line: int = field(default=0, compare=False)
    flaws: tuple[InvalidVCard, ...] = field(default=(), compare=False)

    def first(self, name: str) -> Property | None:
        """The first property called *name* (upper case)."""
        return next((item for item in self.properties if item.name == name), None)

    def all(self, name: str) -> list[Property]:
        """Every property called *name* (upper case), in order."""
        return [item for item in self.properties if item.name == name]

    @property
    def uid(self) -> str | None:
        """The UID as plain text, or None where there is none or an empty one."""
        found = self.first("UID")
        return (unescape(found.value).strip() or None) if found else None


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How much of everything is read before `LimitExceeded` is raised.

    *properties* counts per card, *depth* counts the cards inside cards that AGENT allows, *octets* and *cards* count
    per text. A list of as many people as fit into the largest card has half as many properties as are read.
    """

    octets: int = 16 * 1024 * 1024
    properties: int = 10_000
    parameters_per_line: int = 100
    depth: int = 3
    cards: int = 20_000


DEFAULT = Limits()
