"""
Groups as cards: the entries that a device has besides those of the address book, when it shows groups so.

They are no entries of `sync.models.Entry`: other devices do not have them. A card names its members by the UIDs of
their entries, and nobody who is not in the address book.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, defer
from sqlalchemy.orm.interfaces import ORMOption

from sync import fields
from sync.books.entry_heads import EntryHead
from sync.books.entry_texts import EntryText
from sync.books.etags import etag_of
from sync.books.served import THUNDERBIRD
from sync.models import ListState
from sync.revisions.address_books import Book
from sync.revisions.list_states import CARDS, GROUP
from sync.vcard import Property, content_line, escape, uids

#: What the kind of such an entry is.
LIST = "list"
_SUFFIX = ".vcf"


def are_shown(book: Book) -> bool:
    """Whether the device that asks for *book* shows groups as cards."""
    return book.lists is not None and book.lists.way == CARDS


def heads(
    session: Session, book: Book, since: int | None = None, until: int | None = None, *, href: str | None = None
) -> Iterator[EntryHead]:
    """Yield the lists that are there; with *since*, those that changed after that state, gone ones included."""
    # The names of thousands of people are not read to say that there is a list.
    brief = defer(ListState.content)
    yield from map(head_of, _states(session, book, since, until, None if href is None else [href], brief))


def texts(
    session: Session,
    book: Book,
    version: str | None,
    since: int | None = None,
    until: int | None = None,
    *,
    hrefs: Sequence[str] | None = None,
) -> Iterator[EntryText]:
    """Yield the lists that `heads` has and that are there, with their text in *version*, 3.0 where that is None."""
    modern = version in ("4.0", THUNDERBIRD)
    for state in _states(session, book, since, until, hrefs):
        if state.content is not None:
            told = head_of(state)
            text = text_of(state.content, "4.0" if modern else "3.0", state.uid or "", state.changed_at)
            yield EntryText(told.href, state.uid or "", LIST, told.etag, state.changed_at, text)


def revisions(session: Session, book: Book, since: int | None, count: int) -> Sequence[int]:
    """Return the states in which the first *count* lists changed that `heads` has, lowest first."""
    chosen = select(ListState.revision).where(*_theirs(book, since, None)).order_by(ListState.revision)
    return session.scalars(chosen.limit(count)).all()


def find(session: Session, book: Book, uid: str) -> ListState | None:
    """Return the list of this UID, however that is spelled, whether it is there or gone."""
    named = (ListState.kind == GROUP, ListState.uid == uids.bare(uid))
    found = select(ListState).where(ListState.viewer_id == book.viewer_id, *named)
    return session.scalars(found.execution_options(populate_existing=True)).first()


def uid_of(href: str) -> str:
    """Return the UID of the list that has this name, if one has."""
    return href.removesuffix(_SUFFIX)


def text_of(content: str, version: str, uid: str, changed_at: int) -> str:
    """Return the card of a list, of which *content* says the name and the members (see `sync.models.ListState`)."""
    name, *members = content.split("\n")
    kind, member = (
        ("KIND", "MEMBER") if version == "4.0" else ("X-ADDRESSBOOKSERVER-KIND", "X-ADDRESSBOOKSERVER-MEMBER")
    )
    lines = [
        Property("", "N", (), f"{escape(name)};;;;"),
        Property("", "FN", (), escape(name)),
        Property("", kind, (), "group"),
        *(Property("", member, (), uids.member(each)) for each in members),
    ]
    return fields.head(version, uid, changed_at) + "".join(map(content_line, lines)) + "END:VCARD\r\n"


def head_of(state: ListState) -> EntryHead:
    """Return a list without its text."""
    href, present = f"{state.uid}{_SUFFIX}", state.digest is not None
    etag = etag_of(state.digest, None, state.changed_at) if present else ""
    return EntryHead(href, LIST, present, etag, state.changed_at)


def _states(
    session: Session,
    book: Book,
    since: int | None,
    until: int | None,
    hrefs: Sequence[str] | None,
    *options: ORMOption,
) -> Sequence[ListState]:
    chosen = select(ListState).where(*_theirs(book, since, until)).order_by(ListState.id).options(*options)
    if hrefs is not None:
        named = [uid_of(href) for href in hrefs if href.endswith(_SUFFIX)]
        chosen = chosen.where(ListState.uid.in_(named))
    return session.scalars(chosen.execution_options(populate_existing=True)).all()


def _theirs(book: Book, since: int | None, until: int | None) -> list[ColumnElement[bool]]:
    mine = [ListState.viewer_id == book.viewer_id, ListState.kind == GROUP]
    if until is not None:
        mine.append(ListState.revision <= until)
    return [*mine, ListState.digest.is_not(None) if since is None else ListState.revision > since]
