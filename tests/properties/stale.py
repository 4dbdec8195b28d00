"""Devices of one person that store an entry without looking what became of it, and what they ought to make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.vcard import Property, VCard, escape, parse_one, serialize, unescape
from tests.dav.asking import DATA, multiget_body, put, report, since, texts
from tests.support.people import Person
from tests.support.site import Answer, Site

Value = str | None
#: What the devices write: properties that are in an entry once, and what one may say with a letter in it.
SLOTS: Mapping[str, str] = {
    "NOTE": "A note {}",
    "EMAIL": "{}@example.org",
    "TITLE": "Keeper of {}",
    "URL": "https://{}.example.org/",
}


def values_of(text: str) -> dict[str, Value]:
    """Return what a card says."""
    card = parse_one(text)
    found: dict[str, Value] = {}
    for slot in SLOTS:
        lines = card.all(slot)
        assert len(lines) <= 1, (slot, text)
        found[slot] = unescape(lines[0].value) if lines else None
    return found


def with_values(text: str, values: Mapping[str, Value]) -> bytes:
    """Return a card that says these values and is otherwise as it was."""
    card = parse_one(text)
    kept = [item for item in card.properties if item.name not in SLOTS]
    said = [Property("", slot, (), escape(value)) for slot, value in values.items() if value is not None]
    return serialize(VCard(card.version, (*kept, *said))).encode()


@dataclass(slots=True)
class Entry:
    """An entry as it ought to be: every value is what was written last by whom knew that it was a change."""

    path: str
    says: dict[str, Value]
    conflicts: int = 0

    def becomes(self, known: Mapping[str, Value], wanted: Mapping[str, Value]) -> None:
        """Make of the entry what a device wants that knew it as it was."""
        for slot in SLOTS:
            if known[slot] == wanted[slot]:
                continue
            self.conflicts += self.says[slot] not in (known[slot], wanted[slot])
            self.says[slot] = wanted[slot]


@dataclass(slots=True)
class Device:
    """One device: the card that it was handed last, and what it has made of it since."""

    site: Site
    person: Person
    entry: Entry
    text: str = ""
    etag: str = ""
    token: str = ""
    known: dict[str, Value] = field(default_factory=dict)
    local: dict[str, Value] = field(default_factory=dict)

    def fetch(self, way: str) -> None:
        """Fetch the entry, which replaces what the device has."""
        if way == "listing":
            # Only what changed is named, and fetched afterwards.
            self._sync("<D:getetag/>")
        if way == "get":
            text = self.site.call("GET", self.entry.path, person=self.person).body.decode()
        elif way == "report":
            text = texts(self._sync(DATA, anew=True))[self.entry.path]
        else:
            text = self._multiget()
        self.text, self.known = text, values_of(text)
        self.local = dict(self.known)
        self.etag = self.site.call("HEAD", self.entry.path, person=self.person).header("ETag")

    def store(self, *, conditionally: bool) -> None:
        """Store what the device has, and go on from that whatever became of it."""
        headers = {"If_Match": self.etag} if conditionally else {}
        before = self.site.call("HEAD", self.entry.path, person=self.person).header("ETag")
        answer = put(self.site, self.person, self.entry.path, with_values(self.text, self.local), **headers)
        if conditionally and self.etag != before:
            assert answer.status == 412
            return
        assert answer.status == 204, answer.body
        self.entry.becomes(self.known, self.local)
        self.known = dict(self.local)
        self.etag = answer.header("ETag")

    def _multiget(self) -> str:
        folder = self.entry.path.rpartition("/")[0] + "/"
        answer = report(self.site, self.person, multiget_body([self.entry.path]), path=folder)
        return texts(answer)[self.entry.path]

    def _sync(self, names: str, *, anew: bool = False) -> Answer:
        answer = since(self.site, self.person, "" if anew else self.token, names)
        self.token = str(answer.xml.findtext("{DAV:}sync-token"))
        return answer
