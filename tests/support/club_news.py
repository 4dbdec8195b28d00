"""What may be told of fellow members: a model that knows nothing of the engine, fed after each thing that happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: What somebody shows: by each marker the kind of the field that says it.
Shown = Mapping[str, str]


@dataclass
class Sight:
    """
    What somebody sees of somebody by one organisation, for as long as it is this one without a break.

    *news* are markers that came since it began, *gone* kinds of what went while it could be seen.
    """

    by: int | None = None
    last: dict[str, str] = field(default_factory=dict)
    news: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def now(self, by: int | None, shown: Shown, *, is_apart: bool) -> None:
        """Note by which organisation, None for none, what is shown; *is_apart* says that a block is between the two."""
        if by is None or by != self.by:
            self.by, self.last, self.news, self.gone = by, dict(shown), set(), set()
            return
        self.news |= shown.keys() - self.last.keys()
        if not is_apart:
            self.gone |= {kind for marker, kind in self.last.items() if marker not in shown}
        self.last = dict(shown)

    def may_say(self, *, marker: str = "", kind: str = "") -> bool:
        """Whether a value that is shown now, or the kind of one that is gone, is news."""
        return marker in self.news & self.last.keys() if marker else kind in self.gone
