"""
The members of a person's organisations, as entries of the person's address book.

Who they are, and under which names, `sync.organisations.roster_rows` says. `sync.lists.book_view` puts them and the
person's own entries together for whoever reads an address book.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy.orm import Session

from sync.books import entry_texts
from sync.books.entry_heads import EntryHead
from sync.books.entry_texts import BATCH, EntryText
from sync.books.etags import etag_of
from sync.models import Card
from sync.organisations import roster_rows
from sync.organisations.roster_rows import Body, MemberEntry, are_shown
from sync.revisions.address_books import Book, Reached
from sync.sharing.connections import CONNECTION


def heads(session: Session, book: Book, since: Reached | None = None, until: Reached | None = None) -> list[EntryHead]:
    """
    Return the members in *book*; with *since*, those of whom something changed after that state, gone ones as well.

    With *until*, not those that changed later than it.
    """
    if since is None and until is None:
        return [head_of(each) for each in roster_rows.members(session, book, None)]
    changed = roster_rows.changed(session, book, since, until)
    own = roster_rows.own_rows(session, book, changed)
    there = {each.owner_id: head_of(each) for each in roster_rows.members(session, book, changed, own=own)}
    if since is None:
        return list(there.values())
    missing = [
        owner_id for owner_id in changed if owner_id not in there and not (owner_id in own and own[owner_id].counts)
    ]
    hrefs = [roster_rows.name_of(book, owner_id, own.get(owner_id))[0] for owner_id in missing]
    return [*there.values(), *(EntryHead(href, CONNECTION, False, "", 0) for href in hrefs)]


def texts(
    session: Session,
    book: Book,
    version: str | None,
    *,
    since: Reached | None = None,
    until: Reached | None = None,
    hrefs: Sequence[str] | None = None,
) -> Iterator[EntryText]:
    """Yield the members in *book* that *hrefs* name, or else those that `heads` has, with their text."""
    body = body_of(version)
    if hrefs is not None:
        wanted = set(hrefs)
        named = roster_rows.members(session, book, roster_rows.owners_named(session, book, wanted), body=body)
        yield from (_text(each, version) for each in named if each.href in wanted)
    elif since is None and until is None:
        yield from (_text(each, version) for each in roster_rows.members(session, book, None, body=body))
    else:
        changed = iter(roster_rows.changed(session, book, since, until))
        while some := list(islice(changed, BATCH)):
            yield from (_text(each, version) for each in roster_rows.members(session, book, some, body=body))


def of_owner(session: Session, book: Book, owner_id: int) -> tuple[EntryText, bool] | None:
    """
    Return somebody as a member with their text, and whether the person took them off their devices.

    None where no roster shows them to the person.
    """
    shown = roster_rows.of_owner(session, book, owner_id)
    found = shown or roster_rows.hidden(session, book, owner_id)
    return (_text(found, None), shown is None) if found is not None else None


def everything(session: Session, book: Book, version: str | None = "3.0") -> Iterator[EntryText]:
    """Yield what is in *book*: the person's own entries, and the members of their organisations."""
    yield from entry_texts.texts(session, book, version)
    if are_shown(book):
        yield from texts(session, book, version)


def head(session: Session, book: Book, href: str) -> EntryHead | None:
    """Return the member of this name, or None."""
    found = roster_rows.find(session, book, href)
    return head_of(found) if found is not None else None


def head_of(member: MemberEntry) -> EntryHead:
    """Return a member without their text."""
    return EntryHead(member.href, CONNECTION, True, etag(member), member.changed_at)


def etag(member: MemberEntry) -> str:
    """Return the ETag of a member."""
    return etag_of(member.digest, member.own.digest if member.own is not None else None, member.changed_at)


def body_of(version: str | None) -> Body:
    """Return which text of a card is served in *version*; None is 3.0."""
    return Card.body_4 if entry_texts.is_modern(version) else Card.body_3


def _text(member: MemberEntry, version: str | None) -> EntryText:
    own = member.own
    said = (member.href, member.uid, CONNECTION, etag(member), member.changed_at, "", member.owner_id)
    entry = EntryText(*said, own.revision if own is not None else 0, has_past=own is not None and own.has_past)
    return entry_texts.of_card(entry, version, member.body, own.overlay if own is not None else None)
