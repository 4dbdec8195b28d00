"""
Who changed what in a shared book, and what it was before.

Whatever is done to one inside of `noted` is written down with who did it, by one look at what has a later revision
afterwards: no door can forget it. What a contact said is kept as of any private contact (`sync.revisions.versions`),
within the budget of the book.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from sync.books import entry_rows, restoring
from sync.database.engine import among, settings_of
from sync.errors import NotFound
from sync.models import CONTACTS, NOBODY, AddressBook, Entry, EntryVersion, PrivateCard, SharedChange, now
from sync.revisions.address_books import PRESENT, Book
from sync.shared_books import access, telling
from sync.vcard import headlines

T = TypeVar("T")
ADDED, CHANGED, REMOVED = "added", "changed", "removed"
#: Who changed what by the command line: nobody's account.
ADMINISTRATOR = NOBODY
#: So many changes of a book are kept, the last ones.
MOST = 5_000
#: So many go at once where there are more, so that they are not counted out with every change.
_SOME = 500


@dataclass(frozen=True, slots=True)
class Past:
    """
    A change of the contact *entry_id*, which is called *name*: *what* was done to it, by *account_id*, and when.

    *before* is the revision that it had; *is_kept* says whether what it was then can be had back.
    """

    entry_id: int
    revision: int
    before: int
    account_id: int
    what: str
    changed_at: int
    name: str
    is_kept: bool


@contextlib.contextmanager
def noted(session: Session, base: Book, account_id: int) -> Iterator[None]:
    """Write down what is changed in a book in this block as done by somebody, and tell the members' devices."""
    entry_rows.lock(session, base)
    before = _revision(session, base)
    yield
    if _revision(session, base) == before:
        return
    _note(session, base, account_id, before)
    telling.ask(session, base.viewer_id, now())


def by_writer(session: Session, account_id: int, book_id: int, act: Callable[[Session], T]) -> T:
    """
    Do something to the contacts of a shared book as one of its writers, and return what came of it.

    Raises:
        NotFound: The person does not see the book.
        Refused: They may only read it.
    """
    with session.begin_nested(), writing(session, account_id, book_id):
        return act(session)


@contextlib.contextmanager
def writing(session: Session, account_id: int, book_id: int) -> Iterator[None]:
    """
    Let the contacts of a shared book be changed in this block by one of its writers.

    Raises:
        NotFound, Refused: As `by_writer`.
    """
    book = access.of_writer(session, account_id, book_id)
    with noted(session, access.base_of(book), account_id):
        yield


def changes(session: Session, book_id: int, *, count: int = 50, offset: int = 0) -> list[Past]:
    """Return the last changes of a book, the newest first: *count* of them after *offset*."""
    newest = (SharedChange.revision.desc(), SharedChange.entry_id)
    chosen = select(SharedChange).where(SharedChange.book_id == book_id).order_by(*newest).limit(count).offset(offset)
    return _told(session, book_id, session.scalars(chosen).all())


def of_contact(session: Session, book_id: int, entry_id: int) -> list[Past]:
    """Return the changes of one contact, the newest first."""
    mine = (SharedChange.book_id == book_id, SharedChange.entry_id == entry_id)
    rows = session.scalars(select(SharedChange).where(*mine).order_by(SharedChange.revision.desc())).all()
    return _told(session, book_id, rows)


def number(session: Session, book_id: int) -> int:
    """Return how many changes of a book are kept."""
    return session.scalars(select(func.count()).where(SharedChange.book_id == book_id)).one()


def text_before(session: Session, book_id: int, entry_id: int, revision: int) -> str:
    """
    Return the card of a contact that it had until it was changed.

    Raises:
        NotFound: That is not kept.
    """
    kept = session.get(EntryVersion, (book_id, entry_id, revision))
    if kept is None:
        raise NotFound("No such version of an entry is kept.")
    return kept.content.decode(errors="replace")


def restore(session: Session, base: Book, account_id: int, entry_id: int, revision: int) -> None:
    """
    Give a contact back what it had at *revision*, for everybody; what it has now can be had back in turn.

    Raises:
        NotFound, UIDConflict: As `restoring.restore`.
    """
    with noted(session, base, account_id):
        restoring.restore(session, base, entry_id, revision)


def _revision(session: Session, base: Book) -> int:
    mine = (AddressBook.viewer_id == base.viewer_id, AddressBook.id == CONTACTS)
    return session.scalars(select(AddressBook.revision).where(*mine)).first() or 0


def _note(session: Session, base: Book, account_id: int, before: int) -> None:
    key, at = base.viewer_id, now()
    theirs = (Entry.viewer_id == key, Entry.book_id == CONTACTS, Entry.revision > before)
    after = session.execute(select(Entry.id, Entry.state, Entry.revision).where(*theirs)).all()
    ids = [row.id for row in after]
    kept, known = _last_kept(session, key, ids), _known(session, key, ids)
    days = settings_of(session).keep_versions_days
    rows = []
    for entry_id, state, revision in after:
        was = kept.get(entry_id, 0)
        last, since = known.get(entry_id, (REMOVED, 0))
        what = REMOVED if state != PRESENT else ADDED if last == REMOVED else CHANGED
        if what == last == REMOVED or (what == CHANGED and was < since and days):
            # Devices are told once more what is there already.
            continue
        values = {"book_id": key, "entry_id": entry_id, "revision": revision, "before": was}
        rows.append({**values, "account_id": account_id, "what": what, "changed_at": at})
    if rows:
        session.execute(insert(SharedChange), rows)
        _let_go(session, key)


def _last_kept(session: Session, book_id: int, ids: Sequence[int]) -> dict[int, int]:
    """Return of contacts the revision of the last version that is kept."""
    mine = (EntryVersion.viewer_id == book_id, among(session, EntryVersion.entry_id, ids))
    chosen = select(EntryVersion.entry_id, func.max(EntryVersion.revision)).where(*mine)
    return {row[0]: row[1] for row in session.execute(chosen.group_by(EntryVersion.entry_id))}


def _known(session: Session, book_id: int, ids: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Return what was done to contacts last, and the revision that they have since."""
    mine = (SharedChange.book_id == book_id, among(session, SharedChange.entry_id, ids))
    columns = (SharedChange.entry_id, SharedChange.what, SharedChange.revision)
    chosen = select(*columns).where(*mine).order_by(SharedChange.revision)
    return {row[0]: (row[1], row[2]) for row in session.execute(chosen)}


def _let_go(session: Session, book_id: int) -> None:
    mine = SharedChange.book_id == book_id
    if session.scalars(select(func.count()).where(mine)).one() <= MOST:
        return
    newest = select(SharedChange.revision).where(mine).order_by(SharedChange.revision.desc())
    last = session.scalars(newest.offset(MOST - _SOME).limit(1)).one()
    session.execute(delete(SharedChange).where(mine, SharedChange.revision <= last))


def _told(session: Session, book_id: int, rows: Sequence[SharedChange]) -> list[Past]:
    ids = sorted({row.entry_id for row in rows})
    kept = (EntryVersion.viewer_id == book_id, among(session, EntryVersion.entry_id, ids))
    there = (PrivateCard.viewer_id == book_id, among(session, PrivateCard.entry_id, ids))
    versions = select(EntryVersion.entry_id, EntryVersion.revision, EntryVersion.content).where(*kept)
    texts = {(row[0], row[1]): row[2] for row in session.execute(versions.order_by(EntryVersion.revision))}
    names = {entry_id: _called(content) for (entry_id, _), content in texts.items()}
    cards = session.execute(select(PrivateCard.entry_id, PrivateCard.data).where(*there))
    names |= {entry_id: _called(data) for entry_id, data in cards}
    return [
        Past(
            row.entry_id,
            row.revision,
            row.before,
            row.account_id,
            row.what,
            row.changed_at,
            names.get(row.entry_id, ""),
            (row.entry_id, row.before) in texts,
        )
        for row in rows
    ]


def _called(data: bytes) -> str:
    return headlines.headline(data.decode(errors="replace"))[0]
