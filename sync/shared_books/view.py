"""
A shared book as one member's devices have it: everybody's contacts, with what the member made of them as a reader.

The functions are those of `sync.lists.device_view`, which asks here for a book that is shared. For whoever made nothing
of it they are those of `sync.books`, to the statement. What changed is looked at as it is now, by its name; so it does
not matter from which of the two sides a change came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import fields
from sync.books import entry_heads, entry_texts, overlays, served
from sync.books.attempts import Attempt
from sync.books.entry_heads import EntryHead
from sync.books.entry_texts import BATCH, EntryText
from sync.books.etags import etag_of
from sync.books.spelled_out import spelled_out
from sync.database.engine import Database
from sync.models import Entry, Overlay
from sync.revisions.address_books import PRESENT, Book, Reached
from sync.revisions.entry_writes import Found
from sync.revisions.shared_states import SHARED
from sync.shared_books import access, layers
from sync.shared_books.layers import Layer, Touched
from sync.sharing.connections import CONNECTION


def heads(
    session: Session, book: Book, since: Reached | None = None, *, until: Reached | None = None
) -> Iterator[EntryHead]:
    """Yield what is there; with *since*, what changed after that state, gone ones included, and not after *until*."""
    if since is not None:
        yield from _changed(session, book, since, until)
        return
    base, layer = access.base_of(book), layers.read(session, book)
    names = set[str]()
    for head in entry_heads.heads(session, base, until=_base_of(until)):
        names.add(head.href)
        yield from _shown(book, head, layer.touched.get(head.href))
    last = until.revision if until is not None else None
    chosen = layer.own if last is None else layers.changed(session, book, -1, last) & set(layer.own)
    others = [href for href in chosen if href not in names]
    covered = {head.href for head in _base_heads(session, base, others)} if until is not None else set()
    yield from (layer.own[href] for href in others if href not in covered)


def changed_heads(database: Database, book: Book, since: Reached, until: Reached | None = None) -> Iterator[EntryHead]:
    """Yield what `heads` does of what changed, as cheaply as it can be had."""
    known = _base_of(since)
    if known is None or _is_laid_over(book):
        with database.reading() as session:
            yield from heads(session, book, since, until=until)
        return
    for head in entry_heads.changed_heads(database, access.base_of(book), known, _base_of(until)):
        yield head._replace(kind=_kind(book))


def texts(
    session: Session,
    book: Book,
    version: str | None = "3.0",
    *,
    since: Reached | None = None,
    until: Reached | None = None,
    hrefs: Sequence[str] | None = None,
) -> Iterator[EntryText]:
    """Yield what is there of what `heads` has, or of what *hrefs* name, with its text (see `entry_texts.texts`)."""
    if hrefs is None and since is not None:
        hrefs = [head.href for head in heads(session, book, since, until=until) if head.present]
    base, layer = access.base_of(book), layers.read(session, book, with_texts=True)
    names, last = set[str](), _base_of(until) if hrefs is None else None
    for entry in entry_texts.texts(session, base, version, until=last, hrefs=hrefs):
        names.add(entry.href)
        yield from _told(book, entry, layer.touched.get(entry.href), version)
    own = [href for href in (layer.own if hrefs is None else hrefs) if href in layer.own and href not in names]
    if own and hrefs is None and until is not None:
        own = [head.href for head in heads(session, book, None, until=until) if head.href in set(own)]
    if own:
        yield from layers.own_texts(session, access.layer_of(book), version, own)


def named(database: Database, book: Book, version: str | None, hrefs: Sequence[str]) -> Iterator[EntryText]:
    """Yield what is there of what *hrefs* name, as `entry_texts.named` does."""
    if _is_laid_over(book):
        with database.reading() as session:
            yield from texts(session, book, version, hrefs=list(dict.fromkeys(hrefs)))
        return
    for entry in entry_texts.named(database, access.base_of(book), version, hrefs):
        yield from _told(book, entry, None, version)


def searched(
    session: Session, book: Book, version: str | None = "3.0", *, hrefs: Sequence[str] | None = None
) -> Iterator[tuple[EntryText, str]]:
    """Yield what `texts` does with what else is to be looked through for it (see `entry_texts.searched`)."""
    every = texts(session, book, version, hrefs=hrefs)
    while batch := list(islice(every, BATCH)):
        other = "3.0" if entry_texts.is_modern(version) else "4.0"
        again = texts(session, book, other, hrefs=[entry.href for entry in batch])
        others = {entry.href: entry.text for entry in again}
        for entry in batch:
            yield entry, entry.stored or others.get(entry.href, "")


def head(session: Session, book: Book, href: str) -> EntryHead | None:
    """Return what is of this name, without its text, or None."""
    return next(iter(_resolved(session, book, [href], layers.read(session, book))), None)


def end(session: Session, book: Book, since: Reached | None, limit: int) -> tuple[Reached | None, bool]:
    """
    Return the state at which an answer with at most *limit* changes ends, None where all of them fit.

    What the member has of their own comes first. Also whether there is such a state: what changed together cannot be
    told in two answers.
    """
    before = since or Reached(-1, 0)
    own: Sequence[int] = ()
    if _is_laid_over(book):
        mine = access.layer_of(book)
        own = entry_heads.revisions(session, mine, since.revision if since is not None else None, limit + 1)
    if len(own) > limit:
        last = max((each for each in own if each < own[-1]), default=None)
        return (before._replace(revision=last), True) if last is not None else (None, False)
    room, known = limit - len(own), _base_of(since)
    found = entry_heads.revisions(session, access.base_of(book), known, room + 1)
    if len(found) <= room:
        return None, True
    last = max((each for each in found if each < found[-1]), default=known)
    states = ((book.rosters[0].id, last),) if last is not None else ()
    reached = Reached(book.revision, 0, states)
    return (reached, True) if reached != before else (None, False)


def as_reader(session: Session, book: Book, there: Found, data: bytes) -> bytes:
    """Return what the person of *book* had of a contact as a reader, when *data* was everybody's text of it."""
    key = (Overlay.viewer_id == book.viewer_id, Overlay.entry_id == there.id)
    overlay = session.scalars(select(Overlay.content).where(*key)).first()
    if overlay is None:
        return data
    plain = served.private(data, "3.0", there.uid or "", there.changed_at)
    return _laid_over(plain, overlay, "3.0", there.uid or "", there.changed_at).encode()


def _changed(session: Session, book: Book, since: Reached, until: Reached | None) -> Iterator[EntryHead]:
    known, last = _base_of(since), _base_of(until)
    changed = {head.href: head for head in entry_heads.heads(session, access.base_of(book), known, until=last)}
    own = layers.changed(session, book, since.revision, until.revision if until is not None else None)
    layer = layers.read(session, book)
    names = sorted({*changed, *own})
    there = {head.href: head for head in _resolved(session, book, names, layer)}
    for name in names:
        yield there[name] if name in there else EntryHead(name, _kind(book), False, "", 0)


def _resolved(session: Session, book: Book, names: Sequence[str], layer: Layer) -> Iterator[EntryHead]:
    """Yield what is of these names now."""
    found = set[str]()
    for head in _base_heads(session, access.base_of(book), names):
        found.add(head.href)
        yield from _shown(book, head, layer.touched.get(head.href))
    yield from (layer.own[name] for name in names if name in layer.own and name not in found)


def _base_heads(session: Session, base: Book, names: Sequence[str]) -> Iterator[EntryHead]:
    columns = (Entry.href, Entry.kind, Entry.digest, Entry.changed_at)
    there = (Entry.viewer_id == base.viewer_id, Entry.book_id == base.id, Entry.state == PRESENT)
    wanted = iter(names)
    while some := list(islice(wanted, BATCH)):
        for href, kind, digest, at in session.execute(select(*columns).where(*there, Entry.href.in_(some))):
            yield EntryHead(href, kind, True, etag_of(None, digest, at), at)


def _shown(book: Book, head: EntryHead, touched: Touched | None) -> Iterable[EntryHead]:
    if touched is not None and touched.is_hidden:
        return ()
    etag, at = layers.etag_with(head.etag, head.changed_at, touched)
    return (head._replace(kind=_kind(book), etag=etag, changed_at=at),)


def _told(book: Book, entry: EntryText, touched: Touched | None, version: str | None) -> Iterable[EntryText]:
    """Return a contact as the member has it: a writer may put it back, and so may a reader what they added."""
    if touched is None:
        has_past = entry.has_past and _is_writer(book)
        return (entry._replace(kind=_kind(book), has_past=has_past, data=entry.data),)
    if touched.is_hidden:
        return ()
    etag, at = layers.etag_with(entry.etag, entry.changed_at, touched)
    mine = entry._replace(kind=_kind(book), etag=etag, changed_at=at)
    mine = mine._replace(revision=touched.revision, has_past=touched.has_past)
    if touched.overlay is None:
        return (mine,)
    with Attempt():
        return (mine._replace(text=_with(entry, touched.overlay, version, at), data=None),)
    return (mine,)


def _with(entry: EntryText, overlay: str, version: str | None, at: int) -> str:
    """Return the text of a contact with what a reader added to it."""
    written = "4.0" if entry_texts.is_modern(version) else "3.0"
    plain = served.private(entry.data or b"", written, entry.uid, entry.changed_at)
    text = _laid_over(plain, overlay, written, entry.uid, at)
    return spelled_out(text) if version == served.THUNDERBIRD else text


def _laid_over(plain: str, overlay: str, version: str, uid: str, at: int) -> str:
    return fields.head(version, uid, at) + overlays.applied(plain, overlays.load(overlay), version)


def _base_of(reached: Reached | None) -> int | None:
    """Return which state of everybody's contacts a device knows, None for none."""
    return reached.rosters[0][1] if reached is not None and reached.rosters else None


def _is_laid_over(book: Book) -> bool:
    return book.shared is not None and book.shared.is_laid_over


def _is_writer(book: Book) -> bool:
    return book.shared is not None and book.shared.is_writer


def _kind(book: Book) -> str:
    """Return of which kind the contacts are: to a reader they are as somebody else's card is."""
    return SHARED if _is_writer(book) else CONNECTION
