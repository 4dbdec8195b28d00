"""An owner with marked values, and two viewers, on a database of their own: what the machines of edits share."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from typing_extensions import override

from sync import verification
from sync.database.engine import Database
from sync.fields import FieldContent
from sync.profiles import profiles
from sync.sharing import connections, grants, visibility
from tests.properties.samples import marked, samples
from tests.support import factories

CHOICE = st.integers(0, 1_000)
VERSION = st.sampled_from(["3.0", "4.0"])
RANDOM = st.randoms(use_true_random=False)
OWNERS = "anna"
VIEWERS = ("bao", "chen")

Open = Callable[[], Database]


class Engine(RuleBasedStateMachine):
    """People on a database of their own, and what is true of it after each step."""

    #: Set by `search`.
    open: Open

    def __init__(self) -> None:
        """Register an owner whom the others are connected to."""
        super().__init__()
        self.database = type(self).open()
        self.owner, *self.viewers = factories.connected(self.database, OWNERS, *VIEWERS)
        self.count = 0
        #: Marker of each value that the owner ever had, by field.
        self.markers: dict[int, str] = {}
        self.minted: set[str] = set()
        self.groups = [
            factories.group(self.database, self.owner, name, [viewer])
            for name, viewer in zip(("family", "friends"), self.viewers, strict=True)
        ]

    @override
    def teardown(self) -> None:
        """Leave nothing open."""
        self.database.dispose()

    def mint(self, choice: int) -> tuple[FieldContent, str]:
        """Return a field like one of the samples, and its marker."""
        self.count += 1
        return marked(samples()[choice % len(samples())], self.count)

    def samples_of(self, *kinds: str) -> list[int]:
        """Return the choice that makes `mint` take a sample of each of these kinds."""
        found = [content.kind for content in samples()]
        return [found.index(kind) for kind in kinds]

    def owns(self, choice: int) -> int | None:
        """Return the id of one of the owner's fields."""
        known = list(self.markers)
        return known[choice % len(known)] if known else None

    def add_field(self, choice: int, groups: list[int]) -> None:
        """Add a field to the owner's profile and grant it to *groups*."""
        content, marker = self.mint(choice)
        field_id = self.database.write(lambda session: profiles.add_field(session, self.owner, content))
        self.markers[field_id] = marker
        self.minted.add(marker)
        for group_id in groups:
            self.database.write(lambda session, at=group_id: grants.grant(session, self.owner, at, [field_id]))  # type: ignore[misc]

    def text(self, viewer: int, owner: int, version: str) -> str:
        """Return the owner's card as a viewer is served it, empty when it is not there."""
        entry = factories.served(self.database, viewer, owner, version)
        return entry.text if entry else ""

    def send(self, viewer: int, owner: int, data: bytes) -> None:
        """Send a card back as a device does."""
        factories.put(self.database, viewer, factories.href_of(self.database, viewer, owner), data)

    def visible(self, viewer: int) -> set[str]:
        """Return the markers that a viewer may see."""
        with self.database.reading() as session:
            if not connections.is_connected(session, self.owner, viewer):
                return set()
            seen = visibility.composition_of(session, self.owner, viewer)
            shown = visibility.visible_fields(session, self.owner, seen)
            return {self.markers[item.id] for item in shown}

    @invariant()
    def every_promise_holds(self) -> None:
        """The database is what the engine takes for granted."""
        with self.database.reading() as session:
            assert [str(finding) for finding in verification.findings(session)] == []
