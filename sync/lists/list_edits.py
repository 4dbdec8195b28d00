"""
What devices do to lists that are groups: it becomes a proposal, and the device is given the list back as it is.

Whoever is in a group sees what it was granted, so nobody comes or goes by a card that a device stores; the person
agrees in the portal (`sync.sharing.phone_lists`). Neither is a group renamed by a device, of which one change more in a
name would rename it for all. One that a device deletes comes back, as the person's own card does: to see no lists is
a choice of the device's in the portal, and a group without its list on one phone alone would be missed later.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.books import categories, entries
from sync.books.categories import Groups
from sync.books.device_copies import Writer
from sync.books.entries import EntryHead
from sync.database.engine import all_or_nothing, settings_of
from sync.errors import NotFound, Refused, TooLarge
from sync.lists import list_cards, list_view
from sync.lists.list_cards import LIST
from sync.merging import intake, programs
from sync.models import CONTACTS, Entry, Group, ListState, now
from sync.revisions import list_states
from sync.revisions.address_books import HIDDEN, PRESENT, Book
from sync.sharing import phone_lists
from sync.sharing.connections import CONNECTION
from sync.vcard import VCard, join_structured, parse_one, serialize, split_structured, uids, unescape

Check = Callable[[str | None], None]
_KINDS = ("KIND", "X-ADDRESSBOOKSERVER-KIND")
_MEMBERS = ("MEMBER", "X-ADDRESSBOOKSERVER-MEMBER")


def write(session: Session, book: Book, href: str, data: bytes, check: Check, writer: Writer) -> EntryHead:
    """
    Store what a device of somebody sent who has lists; for anything that is no list, do what `entries.write` does.

    Nobody's groups change. Who the device put on the list of a group, or took off it, is proposed to the person.

    Raises:
        InvalidVCard, TooLarge, LimitExceeded, UIDConflict, Refused: As `entries.write`.
        Refused: It is a list that this device does not show, or that is gone.
    """
    state = list_cards.find(session, book, list_cards.uid_of(href))
    if state is not None and state.digest is not None and list_cards.are_shown(book):
        with all_or_nothing(session):
            return _write_list(session, book, state, data, check, writer)
    mended, card = intake.mended(data)
    if state is not None or (card.uid and list_cards.find(session, book, card.uid) is not None):
        raise Refused("This is the list of a group of yours, which is not here.")
    plain = book._replace(lists=None)
    if not categories.are_shown(book):
        return entries.write(session, plain, href, data, check, writer)
    with all_or_nothing(session):
        groups = _shown_of(session, book, href)
        check = _of_what_is_shown(check, groups[1] if groups is not None else None)
        if groups is not None:
            data = _without_groups(session, book, href, (mended, card), groups, writer)
        return entries.write(session, plain, href, data, check, writer)


def remove(session: Session, book: Book, href: str, check: Check) -> None:
    """
    Do what `entries.remove` does; the list of a group comes back, and the group stays.

    Raises:
        NotFound: There is nothing of this name.
    """
    state = list_cards.find(session, book, list_cards.uid_of(href)) if list_cards.are_shown(book) else None
    if state is not None:
        with all_or_nothing(session):
            check(list_cards.head_of(state).etag or None)
            if state.digest is None:
                raise NotFound("There is no such entry.")
            list_states.offer_again(session, book.viewer_id, state.id, now())
        return
    groups = _shown_of(session, book, href) if categories.are_shown(book) else None
    check = _of_what_is_shown(check, groups[1] if groups is not None else None)
    entries.remove(session, book._replace(lists=None), href, check)


def require_none(session: Session, book: Book, href: str) -> None:
    """
    Make sure that this is not the name of a list.

    Raises:
        Refused: It is one.
    """
    if list_cards.find(session, book, list_cards.uid_of(href)) is not None:
        raise Refused("This is the list of a group of yours; it stays where it is.")


def _write_list(session: Session, book: Book, state: ListState, data: bytes, check: Check, writer: Writer) -> EntryHead:
    check(list_cards.head_of(state).etag)
    limit = settings_of(session).limits.card_size
    if len(data) > limit:
        raise TooLarge(f"A card has at most {limit} octets.")
    card = intake.read(data)
    if any(unescape(line.value).strip().lower() == "group" for name in _KINDS for line in card.all(name)):
        _propose_members(session, book, state, card, writer)
    list_states.offer_again(session, book.viewer_id, state.id, now())
    again = list_view.head(session, book, f"{state.uid}.vcf")
    return again or EntryHead(f"{state.uid}.vcf", LIST, False, "", state.changed_at)


def _propose_members(session: Session, book: Book, state: ListState, card: VCard, writer: Writer) -> None:
    said = {uids.bare(unescape(line.value)) for name in _MEMBERS for line in card.all(name)}
    shown = set((state.content or "").split("\n")[1:])
    ids = _people(session, book, said | shown)
    come, go = ([ids[uid] for uid in those if uid in ids] for those in (said - shown, shown - said))
    phone_lists.propose(session, book.viewer_id, writer.device_id, state.id, come=come, go=go)


def _people(session: Session, book: Book, wanted: Iterable[str]) -> dict[str, int]:
    """Return who of the connected people in the book has which of these UIDs. Others are on no list of a group."""
    here = (Entry.viewer_id == book.viewer_id, Entry.book_id == CONTACTS, Entry.kind == CONNECTION)
    rows = session.execute(select(Entry.uid, Entry.id).where(*here, Entry.state == PRESENT))
    known = set(wanted)
    return {uid: entry_id for uid, entry_id in rows if uid in known}


def _shown_of(session: Session, book: Book, href: str) -> tuple[int, Groups | None] | None:
    """Return whose card this is, if it is that of a connected person, and what it shows of groups."""
    named = (Entry.viewer_id == book.viewer_id, Entry.book_id == book.id, Entry.href == href)
    # Whoever is off the devices comes back by what an old one of them stores.
    there = (Entry.kind == CONNECTION, Entry.state.in_((PRESENT, HIDDEN)))
    found = session.execute(categories.joined(select(Entry.id)).where(*named, *there)).first()
    return (found[0], categories.groups_of(found[1:])) if found is not None else None


def _of_what_is_shown(check: Check, groups: Groups | None) -> Check:
    """Return a check of the ETag that the device knows, which names the groups as well."""
    return lambda etag: check(groups.etag(etag) if groups is not None and etag else etag)


def _without_groups(
    session: Session,
    book: Book,
    href: str,
    sent: tuple[bytes, VCard],
    shown: tuple[int, Groups | None],
    writer: Writer,
) -> bytes:
    """
    Return a card without the groups among its categories, and propose what these say.

    What is a category of the card besides, because the owner or the viewer says so, is none of a group's.
    """
    data, card = sent
    person_id, groups = shown
    own, seen = (_served(session, each, href, card.version) for each in (book._replace(lists=None), book))
    mine = select(Group.id, Group.name).where(Group.owner_id == book.viewer_id, Group.kind == list_states.GROUP)
    names = {_key(name): group_id for group_id, name in session.execute(mine)}
    listed = _items(card, names.keys() | seen)
    before, after = {_key(name) for name in (groups.names if groups is not None else ())} & seen, set(map(_key, listed))
    if not card.all("CATEGORIES") and "CATEGORIES" not in programs.kept_by_writer(card):
        # Not every program keeps what it does not show.
        after = before
    for key, group_id in names.items():
        come = [person_id] if key in after - before - own else []
        go = [person_id] if key in before - after else []
        if come or go:
            phone_lists.propose(session, book.viewer_id, writer.device_id, group_id, come=come, go=go)
    kept = [name for name in listed if _key(name) not in names or _key(name) in own]
    return data if len(kept) == len(listed) else serialize(_with_categories(card, kept)).encode()


def _served(session: Session, book: Book, href: str, version: str) -> set[str]:
    """Return the categories that an entry has, as a device sees it that asks for *book*."""
    texts = list_view.texts(session, book, "4.0" if version == "4.0" else "3.0", hrefs=[href])
    return {_key(name) for entry in texts for name in _items(parse_one(entry.text))}


def _items(card: VCard, known: Collection[str] = ()) -> list[str]:
    """Return the categories of a card. Some programs know no list and make one of all; one that is *known* is one."""
    items = [item for line in card.all("CATEGORIES") for part in split_structured(line.value) for item in part]
    parts = [[item] if not known or _key(item) in known else item.split(",") for item in items]
    return [name for part in parts for name in map(str.strip, part) if name]


def _key(name: str) -> str:
    """Return a name as names of groups are compared."""
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()


def _with_categories(card: VCard, names: list[str]) -> VCard:
    first = card.first("CATEGORIES")
    lines = [line for line in card.properties if line.name != "CATEGORIES" or (line is first and names)]
    said = [replace(line, value=join_structured([names])) if line is first else line for line in lines]
    return replace(card, properties=tuple(said))
