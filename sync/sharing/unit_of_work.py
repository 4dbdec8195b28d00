"""
What a change of what owners show has done so far, and what therefore is to be done about it in the end.

`sync.sharing.changes.change` makes one, and reads in the end what was noted here: which fields, groups and people the
change touches. Whatever it does not touch is neither looked at nor rendered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from sync.pipeline.answers import Answer
from sync.revisions.shared_fields import Said
from sync.sharing.visibility import StoredField, ask_fields, fields_in


@dataclass(frozen=True, slots=True)
class OwnCard:
    """What somebody's own entry shows: a card of this *digest* since *at*, of which *revision* tells their devices."""

    digest: str
    revision: int
    at: int


@dataclass(slots=True)
class _Fields:
    """The fields of a profile by their ids: as they were *before* the change, and as they are *now*."""

    before: dict[int, StoredField]
    now: dict[int, StoredField]


@dataclass(slots=True)
class Change:
    """
    A change under way.

    *at* is its time. `touch` is for entries that come or go, `moved` for those that were given another card,
    `rewritten` for owners whose fields changed: which of them did, `extent` tells. By owner, *regranted* are fields
    that some group came to see or no longer sees, *made* audiences that are new, and *left* those that somebody went
    from. All cards of the owners in *anew* are rendered, whatever changed; everything else follows from the cards.
    *listed* are people of whose groups, or of whose address books, somebody may have come or gone. *following* are
    fields that were made to say what the field of somebody else says whom the owner lets do so.
    *rostered* are owners, by organisation, whom its roster shows otherwise than before, *restated* those
    of them who only changed what it sees, and *told* are people whose organisations are others, so that their address
    books are raised though no entry changed.
    What became of the cards that owners have of themselves is in *own_cards* once the change is made, where they are
    others than before.
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
    listed: set[int] = field(default_factory=set)
    following: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    rostered: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    restated: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    told: set[int] = field(default_factory=set)
    own_cards: dict[int, OwnCard] = field(default_factory=dict)
    _fields: dict[int, _Fields] = field(default_factory=dict)
    _asked: dict[int, Answer] = field(default_factory=dict)

    def ask_fields(self, owner_id: int) -> None:
        """Ask for the fields of a profile that will be wanted."""
        self._asked[owner_id] = ask_fields(self.session, owner_id)

    def fields_of(self, owner_id: int) -> list[StoredField]:
        """Return the fields of a profile as this change has left them so far, in their order; they are read once."""
        return sorted(self._profile(owner_id).now.values(), key=lambda each: (each.position, each.id))

    def put(self, owner_id: int, *fields: StoredField) -> None:
        """Note what fields are now, each of its id; the caller writes them."""
        self.rewritten.add(owner_id)
        self._profile(owner_id).now.update({each.id: each for each in fields})

    def take(self, owner_id: int, field_ids: Iterable[int]) -> None:
        """Note that fields are gone; the caller deletes them, afterwards."""
        self.rewritten.add(owner_id)
        for field_id in field_ids:
            self._profile(owner_id).now.pop(field_id, None)

    def field(self, owner_id: int, field_id: int) -> StoredField | None:
        """Return a field as this change has left it so far, None where there is no such field."""
        return self._profile(owner_id).now.get(field_id)

    def respoken(self, owner_id: int) -> tuple[dict[int, tuple[Said, Said]], set[int]]:
        """Return by id what fields said and say now that say it otherwise, and those gone; none that is following."""
        before, now = self._profile(owner_id).before, self._profile(owner_id).now
        others = [each for each in before.keys() & now.keys() if before[each].said != now[each].said]
        changed = {each: (before[each].said, now[each].said) for each in others if each not in self.following[owner_id]}
        return changed, before.keys() - now.keys() - self.following[owner_id]

    def kinds_of(self, owner_id: int, field_ids: Iterable[int]) -> set[str]:
        """Return of which kinds these fields are, or were before the change."""
        profile = self._profile(owner_id)
        found = [state[each].kind for each in field_ids for state in (profile.before, profile.now) if each in state]
        return set(found)

    def _profile(self, owner_id: int) -> _Fields:
        if owner_id not in self._fields:
            if owner_id not in self._asked:
                self.ask_fields(owner_id)
            found = {each.id: each for each in fields_in(self._asked[owner_id])}
            self._fields[owner_id] = _Fields(found, dict(found))
        return self._fields[owner_id]

    def touch(self, viewer_id: int, entry_id: int) -> None:
        """Note that this entry of the viewer's book changes, whatever its card does."""
        self.entries.setdefault(entry_id, set()).add(viewer_id)

    def touch_all(self, viewer_ids: Iterable[int], entry_id: int) -> None:
        """Note that this entry of the book of each of these viewers changes."""
        self.entries.setdefault(entry_id, set()).update(viewer_ids)

    def moved(self, owner_id: int, viewer_id: int, digest: str) -> None:
        """Note that the viewer was given another card than that of *digest*; with the same text it is no change."""
        self.moves.setdefault(owner_id, {}).setdefault(viewer_id, digest)

    def extent(self, owner_id: int) -> Extent:
        """Return what of an owner's this change has altered."""
        extent = Extent(
            regranted=frozenset(self.regranted.get(owner_id, ())),
            made=frozenset(self.made.get(owner_id, ())),
            everything=owner_id in self.anew,
        )
        if owner_id not in self.rewritten:
            return extent
        before, now = self._profile(owner_id).before, self._profile(owner_id).now
        others = {each for each in before.keys() & now.keys() if before[each].shown != now[each].shown}
        apart = frozenset(before.keys() ^ now.keys())
        return replace(extent, fields=apart | others, come_or_gone=apart)


@dataclass(frozen=True, slots=True)
class Extent:
    """
    What of an owner's a change may have altered.

    *fields* are ids of those that came, went, say something else or stand elsewhere, *come_or_gone* of the first two;
    *regranted* of those that some group came to see or no longer sees; *made* are audiences that have no card yet. Or
    it is *everything*.
    """

    fields: frozenset[int] = frozenset()
    come_or_gone: frozenset[int] = frozenset()
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

    @property
    def is_about_sight(self) -> bool:
        """Whether an audience may come to see a field, or see it no longer: else each sees the fields that it saw."""
        return bool(self.come_or_gone or self.regranted or self.made or self.everything)


#: Every card, whatever it was that changed.
EVERYTHING = Extent(everything=True)
