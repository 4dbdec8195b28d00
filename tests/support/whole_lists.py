"""
The judge of lists: the whole list, sorted and searched by Python, a person or contact after the other.

That is slow for somebody with many, and therefore not how pages are made; but it is plain what it does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.accounts.contact_addresses import private_cards
from sync.books import overlays
from sync.database import accounts
from sync.models import CONTACTS, Card, Entry, Member, Overlay
from sync.queries.connected_people import Wanted
from sync.sharing.connections import CONNECTION
from sync.sorting import names
from sync.vcard import lines_named, read_line, unescape

_NAME = re.compile(r"^(?:item[0-9]+\.)?FN(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE)
_CHANNELS = ("TEL", "EMAIL")


@dataclass(frozen=True)
class _Listed:
    id: int
    name: str
    login: str
    reach: str
    said: Sequence[str]


class People:
    """Everybody whom a person is connected to, as they are now."""

    def __init__(self, session: Session, person_id: int) -> None:
        """Read them all."""
        mine = select(Member.viewer_id, Member.group_id).where(Member.owner_id == person_id)
        self._members = {tuple(row) for row in session.execute(mine)}
        self._people = _people(session, person_id)
        self._people.sort(key=lambda each: (*names.sorting_key(each.name), each.login))

    def ids(self, wanted: Wanted) -> list[int]:
        """Return the ids of whoever is meant, in their order."""
        found = [each for each in self._people if self._is_among(each, wanted) and _is_person_meant(each, wanted)]
        if wanted.by_number:
            found.sort(key=lambda each: names.number_key(each.reach))
        return [each.id for each in found]

    def _is_among(self, each: _Listed, wanted: Wanted) -> bool:
        is_inside = wanted.inside is None or (each.id, wanted.inside) in self._members
        return is_inside and (each.id, wanted.outside) not in self._members


def people(session: Session, person_id: int, wanted: Wanted) -> list[int]:
    """Return the ids of whoever is meant, in their order."""
    return People(session, person_id).ids(wanted)


def contacts(session: Session, viewer_id: int, text: str = "", *, by_number: bool = False) -> list[int]:
    """Return the ids of the contacts that are meant, in their order."""
    found = [_contact(*each) for each in private_cards(session, viewer_id)]
    found = [each for each in found if _is_contact_meant(each, text)]
    found.sort(key=lambda each: (*names.sorting_key(each.name), each.id))
    if by_number:
        found.sort(key=lambda each: names.number_key(each.reach))
    return [each.id for each in found]


def letters(called: Sequence[str], size: int) -> dict[str, int]:
    """Return on which page each letter begins of a list of names."""
    found: dict[str, int] = {}
    for place, name in enumerate(called):
        found.setdefault(names.letter_of(name), place // size + 1)
    return found


def sounds_like(name: str, text: str) -> bool:
    """Whether a Chinese name, or what stands behind one of its characters, is read as *text* begins, or abbreviated."""
    typed = "".join(names._words(text)) if len(text) <= names.LONGEST else ""
    if not (len(typed) >= names.SHORTEST and typed.isascii() and typed.isalpha()) or len(name) > names.LONGEST:
        return False
    for read in islice(names._syllables(names.fold(name)), names._READINGS):
        for start in range(len(read)):
            rest = ["".join(filter(str.isalnum, syllable)) for syllable in read[start:]]
            initials = "".join(syllable[:1] for syllable in rest)
            ways = names._spellings("".join(rest))
            if initials.startswith(typed) or any(way.startswith(typed) for way in ways):
                return True
    return False


def _people(session: Session, person_id: int) -> list[_Listed]:
    chosen = (
        select(Entry.id, Card.body_3, Overlay.content)
        .join(Card, (Card.owner_id == Entry.id) & (Card.id == Entry.card_id))
        .outerjoin(Overlay, (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id))
        .where(Entry.viewer_id == person_id, Entry.book_id == CONTACTS, Entry.kind == CONNECTION)
    )
    rows = session.execute(chosen).all()
    logins = accounts.logins(session, [id_ for id_, _, _ in rows])
    return [_person(id_, logins[id_], body, overlay) for id_, body, overlay in rows]


def _person(id_: int, login: str, body: str, overlay: str | None) -> _Listed:
    found = _NAME.search(body[:2_000].replace("\r\n ", ""))
    name = " ".join(unescape(found[1]).split()) if found else ""
    lines = [read_line(line) for line in re.sub(r"\r\n ", "", body).split("\r\n") if line]
    added = overlays.load(overlay or "[]")
    told = [(each.name, each.value) for each in lines if each.name in _CHANNELS]
    more = [(each.main.name, each.text()) for each in added if each.main.name in _CHANNELS]
    reaches = [unescape(value).strip() for wanted in _CHANNELS for channel, value in told if channel == wanted]
    reaches += [value.strip() for wanted in _CHANNELS for channel, value in more if channel == wanted]
    reach = next(filter(None, reaches), "")
    return _Listed(id_, name or login, login, reach, [value for _, value in (*told, *more)])


def _is_person_meant(each: _Listed, wanted: Wanted) -> bool:
    folded = names.fold(wanted.text).strip()
    if folded in names.fold(each.name) or folded in each.login:
        return True
    if wanted.reached and _is_reached(each, wanted.text):
        return True
    if not re.search("[A-Za-z]", wanted.text) or each.name.isascii():
        return False
    keys = set(names.keys_of_query(wanted.text)) & names.keys_of(each.name)
    return bool(keys) or sounds_like(each.name, wanted.text)


def _is_reached(each: _Listed, text: str) -> bool:
    digits, wanted = _digits(text), text.strip().casefold()
    if len(digits) < 3 and "@" not in wanted:
        return False
    dialled = map(_digits, each.said)
    return any(wanted in said.casefold() for said in each.said) or (bool(digits) and any(digits in d for d in dialled))


def _contact(id_: int, text: str) -> _Listed:
    lines = [read_line(line) for line in lines_named(text, frozenset({"FN", *_CHANNELS})) or []]
    name = next((unescape(line.value) for line in lines if line.name == "FN"), "").strip()
    told = [
        (line.name != "TEL", unescape(line.value).removeprefix("tel:").strip()) for line in lines if line.name != "FN"
    ]
    said = [value for _is_address, value in sorted(told, key=lambda each: each[0]) if value]
    return _Listed(id_, name, "", next(iter(said), ""), [" ".join(said)])


def _is_contact_meant(each: _Listed, text: str) -> bool:
    wanted, said = names.fold(text).strip(), each.said[0]
    if not wanted or wanted in names.fold(each.name) or set(names.keys_of_query(text)) & names.keys_of(each.name):
        return True
    if sounds_like(each.name, text):
        return True
    digits = _digits(wanted)
    return wanted in said.casefold() or (len(digits) > 2 and digits in _digits(said))


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
