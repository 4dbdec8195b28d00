"""
Importing: the contacts of a phone, as many as are in a file, become private entries of an address book.

Each card stands for itself: what cannot be read is named, and everything else is kept. A contact that has no UID of its
own gets one that is made of what it says, so the same file twice makes nothing twice, and an import that was
interrupted is simply begun again. Cards are read before a transaction begins, and it ends before others notice it.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy.orm import Session

from sync.accounts.rate_limits import HOUR, Limit, take
from sync.books import entries
from sync.database import pacing
from sync.database.engine import Database, settings_of
from sync.database.pacing import Pieces
from sync.errors import DatabaseUnavailable, EvercardError, InvalidVCard, LimitExceeded, NotFound, TooLarge
from sync.fields import with_names, without_broken_photos
from sync.merging import intake
from sync.revisions import address_books
from sync.revisions.address_books import Book
from sync.vcard import Property, VCard, content_line, modernize, serialize, split, text_of, unescape
from sync.vcard.uids import bare

#: How many cards one file may have.
MOST = 5_000
#: How many cards are read before what was read is stored.
_BATCH = 50
#: How many files one person may send.
FILES = Limit("import contacts", 20, HOUR)
_NAME = re.compile(rb"^(?:[A-Za-z0-9-]++\.)?FN[^:\r\n]*+:([^\r\n]{1,400})", re.IGNORECASE | re.MULTILINE)
#: What does not tell one contact from another.
_FLEETING = frozenset(("UID", "REV", "PRODID"))
_HEAVY = frozenset(("PHOTO", "LOGO", "SOUND"))
#: Of one card. More of them say nothing more.
_MOST_FLAWS = 10
_SPACE = uuid.UUID("5f0f9f0e-7d2b-5a55-9d0a-8a8c3d1f2b60")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """
    A card, or a line of it, that was not taken over, and why.

    *number* is that of the card in the file, from 1, and *name* the card's where it has one.
    """

    number: int
    name: str
    error: EvercardError


@dataclass(slots=True)
class Imported:
    """
    What became of a file.

    *added* are new contacts; *known* were there already; *without_photo* are those of the new ones whose picture, logo
    or sound could not be kept. *flawed* are lines of new ones that are no properties: these were left out, and the
    rest of their cards was not. *rest* are the last cards of the file, at which nobody looked for want of time.
    """

    added: int = 0
    known: int = 0
    without_photo: int = 0
    rest: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    flawed: list[LeftOut] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Read:
    """A card as it is stored, of the place *number* in the file, which calls it *name*; *flaws* are lines left out."""

    number: int
    name: str
    card: VCard
    flaws: tuple[LeftOut, ...]


Noting = Callable[[Session], AbstractContextManager[None]]
_Store = Callable[..., tuple[Imported, int]]


def import_contacts(
    database: Database,
    viewer_id: int,
    data: bytes,
    progress: Callable[[int, int], object] = lambda *_: None,
    *,
    seconds: float = math.inf,
    noting: Noting = lambda _: contextlib.nullcontext(),
) -> Imported:
    """
    Take the contacts of a file over, into the address book that has the person's connections.

    What is there already stays as it is. *progress* is called after each part with the number of cards that are done,
    and of all. No more cards are begun with after about so many *seconds*; the same file again goes on where that was.
    What is stored in a transaction is stored inside of what *noting* returns, for whoever writes down who did it.

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
    result, known, until = Imported(), set[str](), time.monotonic() + seconds
    pieces = Pieces(database)
    for first in range(0, len(texts), _BATCH):
        if first and time.monotonic() > until:
            result.rest = len(texts) - first
            break
        batch = texts[first : first + _BATCH]
        store = partial(_store, viewer_id=viewer_id, noting=noting)
        _take_over(pieces, store, _readable(batch, first, known, result), result)
        progress(first + len(batch), len(texts))
    result.left_out.sort(key=lambda each: each.number)
    return result


def _take_over(pieces: Pieces, store: _Store, cards: Sequence[_Read], result: Imported) -> None:
    """Store cards, in as many transactions as others are to come in between, and note in *result* what they became."""
    while cards:
        # A transaction may be run again, so it gives back what it did instead of noting it.
        done, count = pieces.write(partial(store, cards=cards))
        cards = cards[count:]
        result.added += done.added
        result.known += done.known
        result.without_photo += done.without_photo
        result.left_out += done.left_out
        result.flawed += done.flawed


def _readable(texts: Sequence[bytes], before: int, seen: set[str], result: Imported) -> list[_Read]:
    """
    Read the cards that come after so many *before*, and note in *result* which cannot be, and which lines of others.

    *seen* are the UIDs of those before, to which those of these are added.
    """
    found: list[_Read] = []
    for number, text in enumerate(texts, before + 1):
        name = _named(text)
        try:
            read = modernize(intake.read(text))
            card = _identified(_complete(read), seen)
        except EvercardError as error:
            result.left_out.append(LeftOut(number, name, error))
            continue
        seen.add(bare(card.uid or ""))
        found.append(_Read(number, name, card, tuple(LeftOut(number, name, flaw) for flaw in read.flaws[:_MOST_FLAWS])))
    return found


def _store(session: Session, *, viewer_id: int, noting: Noting, cards: Sequence[_Read]) -> tuple[Imported, int]:
    """Store as many cards as fit into a transaction, and return what became of them and how many they were."""
    with noting(session):
        return _store_some(session, viewer_id, cards)


def _store_some(session: Session, viewer_id: int, cards: Sequence[_Read]) -> tuple[Imported, int]:
    until, result = time.monotonic() + pacing.HOLD, Imported()
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
                result.flawed += read.flaws
        except DatabaseUnavailable:
            raise
        except EvercardError as error:
            result.left_out.append(LeftOut(read.number, read.name, error))
        if time.monotonic() > until:
            return result, count
    return result, len(cards)


def _write(session: Session, book: Book, href: str, card: VCard) -> bool:
    """Store a card, and return whether all of it could be."""
    data = serialize(card).encode()
    # A picture that is none is no reason to leave out a card that is too large with it.
    whole = len(data) <= settings_of(session).limits.card_size or not without_broken_photos(card)[1]
    try:
        entries.write(session, book, href, data, _anyway)
        return whole
    except TooLarge:
        light = replace(card, properties=tuple(line for line in card.properties if line.name not in _HEAVY))
        if light == card:
            raise
        entries.write(session, book, href, serialize(light).encode(), _anyway)
        return False


def _anyway(_etag: str | None) -> None:
    """Check nothing: there is no entry."""


def _complete(card: VCard) -> VCard:
    """Give a card the name that programs miss without it; one that says nothing is none."""
    if not any(line.value.strip(" \t;,") for line in card.properties if line.name not in _FLEETING):
        raise InvalidVCard("This card says nothing.")
    return with_names(card)


def _identified(card: VCard, seen: set[str]) -> VCard:
    """Keep the UID that a card has; without one, or where an earlier card has it, make one of what the card says."""
    own = next((line for line in card.all("UID") if line.value), None)
    others = tuple(line for line in card.properties if line.name != "UID")
    if own and card.uid and len(card.uid) <= 255 and bare(card.uid) not in seen:
        return card if len(card.all("UID")) == 1 else replace(card, properties=(own, *others))
    said = [content_line(line) for line in card.properties if line.name not in _FLEETING]
    digest = hashlib.sha256("".join(sorted(said)).encode()).hexdigest()
    uid = Property("", "UID", (), str(uuid.uuid5(_SPACE, digest)))
    return replace(card, properties=(uid, *others))


def _named(text: bytes) -> str:
    found = _NAME.search(text)
    return " ".join(unescape(text_of(found[1])).split())[:100] if found else ""
