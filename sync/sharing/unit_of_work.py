"""
What a change of what owners show has done so far, and what therefore is to be done about it in the end.

`sync.sharing.changes.change` makes one, and reads in the end what was noted here: which fields, groups and people the
change touches. Whatever it does not touch is neither looked at nor rendered.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy.orm import Session


@dataclass(slots=True)
class Change:
    """
    A change under way.

    *at* is its time. `touch` is for entries that come or go, `moved` for those that were given another card,
    `rewritten` for owners whose fields changed: which of them did, the history tells. By owner, *regranted* are fields
    that some group came to see or no longer sees, *made* audiences that are new, and *left* those that somebody went
    from. All cards of the owners in *anew* are rendered, whatever changed; everything else follows from the cards.
    """

    session: Session
    at: int
    #: The version that each owner's profile has from now on.
    versions: dict[int, int]
    #: Viewers by entry id.
    entries: dict[int, set[int]] = field(default_factory=dict)
    #: Digest of the card that a viewer had before, by owner and by viewer.
    moves: dict[int, dict[int, str]] = field(default_factory=dict)
    rewritten: set[int] = field(default_factory=set)
    regranted: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    made: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    left: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    anew: set[int] = field(default_factory=set)

    def touch(self, viewer_id: int, entry_id: int) -> None:
        """Note that this entry of the viewer's book changes, whatever its card does."""
        self.entries.setdefault(entry_id, set()).add(viewer_id)

    def moved(self, owner_id: int, viewer_id: int, digest: str) -> None:
        """Note that the viewer was given another card than that of *digest*; with the same text it is no change."""
        self.moves.setdefault(owner_id, {}).setdefault(viewer_id, digest)

    def extent(self, owner_id: int) -> Extent:
        """Return what of an owner's this change may have altered, but for what the history tells."""
        return Extent(
            frozenset(),
            frozenset(self.regranted.get(owner_id, ())),
            frozenset(self.made.get(owner_id, ())),
            everything=owner_id in self.anew,
        )


@dataclass(frozen=True, slots=True)
class Extent:
    """
    What of an owner's a change may have altered.

    *fields* are ids of those that came, went, say something else or stand elsewhere; *regranted* of those that some
    group came to see or no longer sees; *made* are audiences that have no card yet. Or it is *everything*.
    """

    fields: frozenset[int] = frozenset()
    regranted: frozenset[int] = frozenset()
    made: frozenset[int] = frozenset()
    everything: bool = False

    def __bool__(self) -> bool:
        """Whether any card may have to be rendered."""
        return bool(self.made) or self.is_about_fields

    @property
    def is_about_fields(self) -> bool:
        """Whether an audience that was there before may see something else than it did."""
        return bool(self.fields or self.regranted or self.everything)


#: Every card, whatever it was that changed.
EVERYTHING = Extent(everything=True)
