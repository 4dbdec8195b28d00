"""
Importing: the contacts of a phone, as many as are in a file, become private entries of an address book.

Each card stands for itself: what cannot be read is named, and everything else is kept. A contact that has no UID of its
own gets one that is made of what it says, so the same file twice makes nothing twice, and an import that was
interrupted is simply begun again. Cards are read before a transaction begins, and it ends before others notice it.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy.orm import Session

from sync.accounts.rate_limits import HOUR, Limit, take
from sync.books import entries
from sync.database.engine import Database
from sync.errors import DatabaseUnavailable, EvercardError, InvalidVCard, LimitExceeded, NotFound
from sync.revisions import address_books
from sync.revisions.address_books import Book
from sync.vcard import Property, VCard, content_line, escape, modernize, parse_one, serialize, unescape

#: How many cards one file may have.
MOST = 5_000
#: For about how many seconds one transaction keeps others waiting.
HOLD = 0.1
#: How many files one person may send.
FILES = Limit("import contacts", 20, HOUR)
_FRAME = re.compile(rb"^(?:AGENT[^:\n]*+:[ \t]*+)?(BEGIN|END)[ \t]*+:[ \t]*+VCARD[ \t]*+\r?$", re.IGNORECASE)
_AGENT = re.compile(rb"^(?:item[0-9]++\.)?AGENT[;:]", re.IGNORECASE)
_NAME = re.compile(rb"^(?:[A-Za-z0-9-]++\.)?FN[^:\r\n]*+:([^\r\n]{1,400})", re.IGNORECASE | re.MULTILINE)
#: What does not tell one contact from another.
_FLEETING = frozenset(("UID", "REV", "PRODID"))
_HEAVY = frozenset(("PHOTO", "LOGO", "SOUND"))
_SPACE = uuid.UUID("5f0f9f0e-7d2b-5a55-9d0a-8a8c3d1f2b60")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A card that was not taken over: its *number* in the file from 1, its *name* where it has one, and why."""

    number: int
    name: str
    error: EvercardError


@dataclass(slots=True)
class Imported:
    """
    What became of a file.

    *added* are new contacts; *known* were there already; *without_photo* are those of the new ones whose picture, logo
    or sound could not be kept.
    """

    added: int = 0
    known: int = 0
    without_photo: int = 0
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Read:
    """A card as it is stored, of the place *number* in the file, which calls it *name*."""

    number: int
    name: str
    card: VCard


def import_contacts(
    database: Database, viewer_id: int, data: bytes, progress: Callable[[int, int], object] = lambda *_: None
) -> Imported:
    """
    Take the contacts of a file over, into the address book that has the person's connections.

    What is there already stays as it is. *progress* is called after each part with the number of cards that are done,
    and of all.

    Raises:
        InvalidVCard: There is no card in the file.
        LimitExceeded: There are too many.
        NotFound: There is no such person.
        TooManyTries: The person sent too many files.
    """
    database.write(lambda session: take(session, FILES, str(viewer_id)))
    texts = list(split(data))
    if not texts:
        raise InvalidVCard("There is no vCard in this file.")
    if len(texts) > MOST:
        raise LimitExceeded(f"A file has at most {MOST} cards; send the others in another one.")
    result = Imported()
    cards = _readable(texts, result)
    while cards:
        # A transaction may be run again, so it gives back what it did instead of noting it.
        done, count = database.write(partial(_store, viewer_id=viewer_id, cards=cards))
        cards = cards[count:]
        result.added += done.added
        result.known += done.known
        result.without_photo += done.without_photo
        result.left_out += done.left_out
        progress(len(texts) - len(cards), len(texts))
    result.left_out.sort(key=lambda each: each.number)
    return result


def _readable(texts: Sequence[bytes], result: Imported) -> list[_Read]:
    """Read all cards, and note in *result* which cannot be."""
    found: list[_Read] = []
    seen: set[str] = set()
    for number, text in enumerate(texts, 1):
        try:
            card = _identified(_complete(modernize(parse_one(text))), seen)
        except EvercardError as error:
            result.left_out.append(LeftOut(number, _named(text), error))
            continue
        seen.add(card.uid or "")
        found.append(_Read(number, _named(text), card))
    return found


def split(data: bytes) -> Iterator[bytes]:
    """
    Yield each card of a file, from BEGIN to END, without looking inside; what is between cards is left out.

    A card whose END is missing ends where the next begins.
    """
    lines: list[bytes] = []
    depth, before = 0, b""
    for line in _lines(data):
        frame = _FRAME.match(line)
        word = frame[1].upper() if frame is not None else b""
        if word == b"BEGIN":
            # Only an agent's card stands inside of another one.
            inside = depth > 0 and any(_AGENT.match(each) for each in (line, before))
            if depth and not inside:
                yield _joined(lines)
            lines, depth = (lines, depth + 1) if inside else ([], 1)
        if depth:
            lines.append(line)
        if word == b"END" and depth:
            depth -= 1
            if not depth:
                yield _joined(lines)
        before = line if line.strip() else before
    if depth:
        yield _joined(lines)


def _lines(data: bytes) -> list[bytes]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode()
    return data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


def _joined(lines: list[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n"


def _store(session: Session, *, viewer_id: int, cards: Sequence[_Read]) -> tuple[Imported, int]:
    """Store as many cards as fit into a transaction, and return what became of them and how many they were."""
    until, result = time.monotonic() + HOLD, Imported()
    book = address_books.find_book(session, viewer_id, address_books.CONTACTS_PATH)
    if book is None:
        raise NotFound("There is no such person.")
    for count, read in enumerate(cards, 1):
        uid = read.card.uid or ""
        # Whoever changed the UID of a contact since has it under its name all the same.
        href = f"{uuid.uuid5(_SPACE, uid)}.vcf"
        try:
            if entries.has_uid(session, book, uid) or entries.head(session, book, href):
                result.known += 1
            else:
                result.without_photo += not _write(session, book, href, read.card)
                result.added += 1
        except DatabaseUnavailable:
            raise
        except EvercardError as error:
            result.left_out.append(LeftOut(read.number, read.name, error))
        if time.monotonic() > until:
            return result, count
    return result, len(cards)


def _write(session: Session, book: Book, href: str, card: VCard) -> bool:
    """Store a card, and return whether all of it could be."""
    try:
        entries.write(session, book, href, serialize(card).encode(), _anyway)
        return True
    except (InvalidVCard, LimitExceeded):
        light = replace(card, properties=tuple(line for line in card.properties if line.name not in _HEAVY))
        if light == card:
            raise
        entries.write(session, book, href, serialize(light).encode(), _anyway)
        return False


def _anyway(_etag: str | None) -> None:
    """Check nothing: there is no entry."""


def _complete(card: VCard) -> VCard:
    """Give a card the name that programs miss without it."""
    lines = list(card.properties)
    if card.first("FN") is None:
        lines.append(Property("", "FN", (), escape(_called(card))))
    if card.version == "3.0" and card.first("N") is None:
        lines.append(Property("", "N", (), ";;;;"))
    return replace(card, properties=tuple(lines))


def _called(card: VCard) -> str:
    for name in ("N", "NICKNAME", "ORG", "EMAIL", "TEL"):
        for line in card.all(name):
            parts = [unescape(part).strip() for part in line.value.split(";")]
            said = " ".join(part for part in (parts[1:2] + parts[:1] if name == "N" else parts) if part)
            if said:
                return said
    raise InvalidVCard("This card has neither a name nor a number or address.")


def _identified(card: VCard, seen: set[str]) -> VCard:
    """Keep the UID that a card has; without one, or where an earlier card has it, make one of what the card says."""
    if card.uid and len(card.uid) <= 255 and card.uid not in seen:
        return card
    said = [content_line(line) for line in card.properties if line.name not in _FLEETING]
    digest = hashlib.sha256("".join(sorted(said)).encode()).hexdigest()
    others = tuple(line for line in card.properties if line.name != "UID")
    uid = Property("", "UID", (), str(uuid.uuid5(_SPACE, digest)))
    return replace(card, properties=(uid, *others))


def _named(text: bytes) -> str:
    found = _NAME.search(text)
    return " ".join(unescape(found[1].decode(errors="replace")).split())[:100] if found else ""
