"""
Linking: a person's own contact becomes one with the card of somebody whom they are connected to.

So the phone shows one card, and one caller. What the contact says beyond what its owner shows becomes the person's own
addition to that card; the contact goes, and comes back when the two are taken apart again. Nothing is ever linked by
itself: `suggestions` proposes, by numbers and addresses that both have, but not what the person keeps apart
(`sync.contacts.apart`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from sync import fields
from sync.accounts.contact_addresses import addresses_of_contact, private_cards
from sync.books import entry_rows, overlays
from sync.books.entry_rows import PRIVATE
from sync.contacts import apart
from sync.contacts.signs import sign_of, signs_of
from sync.database import accounts, entry_cards
from sync.database.engine import settings_of
from sync.database.lists import among
from sync.disclosure import records
from sync.errors import LimitExceeded, NotFound, Refused
from sync.fields import FieldContent, field_from_text, full_name
from sync.merging import merge
from sync.merging.likeness import likeness
from sync.models import Card, CardListKey, Entry, LinkedEntry, PrivateCard, now
from sync.pictures.columns import body_of
from sync.revisions.address_books import PRESENT, Book, books_of
from sync.sharing.connections import CONNECTION
from sync.vcard import Property, VCard, headlines, parse_one, serialize, unescape
from sync.vcard.headlines import name_of

#: How many cards are held in memory at a time.
_BATCH = 100
#: Without a sign: whose cards an earlier release wrote may say anything.
_UNTOLD = "?"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """
    A private entry and a connection whose card it may be about.

    *because* are the numbers and addresses that both have, normalised.
    """

    entry_id: int
    name: str
    owner_id: int
    login: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A contact that was linked, and may be taken apart again. *name* is what the contact was called."""

    entry_id: int
    name: str
    owner_id: int
    login: str
    linked_at: int


def link(session: Session, viewer_id: int, entry_id: int, owner_id: int) -> None:
    """
    Make a private entry one with a connection's.

    Raises:
        NotFound: There is no such private entry, or no such connection, or it is hidden.
        Refused: Cards of others cannot be added to here (strict mode).
        LimitExceeded: The person linked as many as they may.
    """
    if not settings_of(session).accept_overlays:
        raise Refused("Nothing can be added to other people's cards here.")
    with session.begin_nested():
        books = _lock(session, viewer_id)
        entry = _entry(session, viewer_id, entry_id, PRIVATE)
        target = _entry(session, viewer_id, owner_id, CONNECTION)
        data = session.scalars(
            select(PrivateCard.data).where(PrivateCard.viewer_id == viewer_id, PrivateCard.entry_id == entry_id)
        ).one()
        _require_room(session, viewer_id, entry_id, data)
        before = overlays.of(session, viewer_id, [owner_id]).get(owner_id, [])
        added = _new(before, _additions(session, target, data, before))
        earlier = _unmade(session, viewer_id, entry_id, owner_id)
        session.execute(
            insert(LinkedEntry).values(
                viewer_id=viewer_id,
                owner_id=owner_id,
                entry_id=entry_id,
                card=data.decode(),
                added=overlays.dump([*earlier, *added]),
                linked_at=now(),
            )
        )
        entry_rows.change(session, target, digest=overlays.store(session, target, [*before, *added]))
        entry_rows.stamp_now(session, books[target.book_id], target)
        entry_rows.remove_private(session, books[entry.book_id], entry)


def unlink(session: Session, viewer_id: int, entry_id: int) -> None:
    """
    Take a contact and a connection apart again: the contact comes back, and what it had added goes.

    What the person added to the card since stays there. If the two are not connected any more, the contact comes back
    all the same.

    Raises:
        NotFound: There is no such link.
        UIDConflict: Another entry has taken the contact's UID since.
    """
    with session.begin_nested():
        books = _lock(session, viewer_id)
        key = (LinkedEntry.viewer_id == viewer_id, LinkedEntry.entry_id == entry_id)
        linked = session.scalars(select(LinkedEntry).where(*key)).first()
        entry = session.get(Entry, (viewer_id, entry_id), populate_existing=True)
        if linked is None or entry is None or entry.book_id not in books:
            raise NotFound("There is no such link.")
        data = linked.card.encode()
        uid = parse_one(data).uid or ""
        book = books[entry.book_id]
        entry_rows.require_uid(session, book, uid, entry.href)
        entry_rows.change(session, entry, uid=uid, state=PRESENT, digest=entry_rows.digest_of(data))
        entry_rows.set_bytes(session, entry, data)
        entry_rows.stamp_now(session, book, entry)
        target = session.get(Entry, (viewer_id, linked.owner_id), populate_existing=True)
        if target is not None:
            kept = overlays.of(session, viewer_id, [target.id]).get(target.id, [])
            added = overlays.load(linked.added)
            stays = [content for content in kept if content not in added]
            entry_rows.change(session, target, digest=overlays.store(session, target, stays))
            entry_rows.stamp_now(session, books[target.book_id], target)
        session.execute(delete(LinkedEntry).where(*key))


def links_of(session: Session, viewer_id: int) -> list[Link]:
    """Return what a person linked, the last first."""
    rows = session.scalars(
        select(LinkedEntry).where(LinkedEntry.viewer_id == viewer_id).order_by(LinkedEntry.linked_at.desc())
    ).all()
    names = accounts.logins(session, {row.owner_id for row in rows})
    return [
        Link(row.entry_id, name_of(row.card), row.owner_id, names.get(row.owner_id, ""), row.linked_at) for row in rows
    ]


def suggestions(session: Session, viewer_id: int) -> list[Suggestion]:
    """
    Return private entries that have a number or address of somebody's whose card the person has.

    It compares what the person's own devices hold, and nothing else. Something of every card is looked at, so it is for
    a page that somebody opened and not for every request.
    """
    kept = [(entry_id, text, set(_signs(text))) for entry_id, text in private_cards(session, viewer_id)]
    owners: dict[tuple[str, str], set[int]] = {}
    for owner_id, text in _connections(session, viewer_id, _likely(session, viewer_id, {*_all(kept)})):
        for reach in addresses_of_contact(session, text):
            owners.setdefault(reach, set()).add(owner_id)
    if not owners:
        return []
    likely = {sign_of(value) for _channel, value in owners}
    found: list[tuple[int, str, int, tuple[str, ...]]] = []
    kept_apart = apart.pairs(session, viewer_id)
    for entry_id, text, signs in kept:
        if None not in likely and None not in signs and likely.isdisjoint(signs):
            continue
        because: dict[int, list[str]] = {}
        for reach in addresses_of_contact(session, text):
            for owner_id in owners.get(reach, ()):
                if apart.pair_of(entry_id, owner_id) not in kept_apart:
                    because.setdefault(owner_id, []).append(reach[1])
        found += [(entry_id, name_of(text), owner_id, tuple(reasons)) for owner_id, reasons in because.items()]
    names = accounts.logins(session, {owner_id for _, _, owner_id, _ in found})
    return [
        Suggestion(entry_id, name, owner_id, names.get(owner_id, ""), because)
        for entry_id, name, owner_id, because in found
    ]


def _require_room(session: Session, viewer_id: int, entry_id: int, data: bytes) -> None:
    limits, mine = settings_of(session).limits, LinkedEntry.viewer_id == viewer_id
    octets = func.coalesce(func.sum(func.length(LinkedEntry.card) + func.length(LinkedEntry.added)), 0)
    others = select(func.count(), octets).where(mine, LinkedEntry.entry_id != entry_id)
    count, used = session.execute(others).one()
    if count >= limits.linked_entries or used + len(data) > limits.linked_size:
        raise LimitExceeded("You have linked as many contacts as you may; take some apart first.")


def _unmade(session: Session, viewer_id: int, entry_id: int, owner_id: int) -> list[FieldContent]:
    """
    Forget that an entry was linked before, and return what it had added to this owner's card.

    A device may have stored the contact once more since, without knowing that it is one with a card.
    """
    gone = delete(LinkedEntry).where(LinkedEntry.viewer_id == viewer_id, LinkedEntry.entry_id == entry_id)
    rows = session.execute(gone.returning(LinkedEntry.owner_id, LinkedEntry.added)).all()
    return [content for owner, added in rows if owner == owner_id for content in overlays.load(added)]


def _lock(session: Session, viewer_id: int) -> dict[int, Book]:
    books = {book.id: book for book in books_of(session, viewer_id)}
    for book_id in sorted(books):
        entry_rows.lock(session, books[book_id])
    return books


def _entry(session: Session, viewer_id: int, entry_id: int, kind: str) -> Entry:
    entry = session.get(Entry, (viewer_id, entry_id), populate_existing=True)
    if entry is None or entry.kind != kind or entry.state != PRESENT:
        raise NotFound("There is no such contact." if kind == PRIVATE else "There is no such connection.")
    return entry


def _additions(session: Session, target: Entry, data: bytes, before: Sequence[FieldContent]) -> list[FieldContent]:
    body = body_of(session, target.id, target.card_id, "4.0")
    base = fields.fields_of(parse_one(fields.head("4.0", target.uid or "", target.changed_at) + body))
    card = parse_one(data)
    shown = records.shown_to(session, target.id, target.viewer_id)
    added = merge.additions(fields.fields_of(card), shown, base, before)
    # With a country code or without it is the same number, and the phone would show it twice.
    known = addresses_of_contact(session, serialize(replace(card, properties=tuple(_mains((*base, *before))))))
    added = [content for content in added if known.isdisjoint(_reaches(session, card, content))]
    # The owner's own picture is newer than one that was taken over from somewhere long ago.
    if any(content.kind == "photo" for content in base):
        added = [content for content in added if content.kind != "photo"]
    return [*_called(name_of(data.decode()), base, before), *added]


def _reaches(session: Session, card: VCard, content: FieldContent) -> set[tuple[str, str]]:
    return addresses_of_contact(session, serialize(replace(card, properties=tuple(_mains([content])))))


def _mains(contents: Sequence[FieldContent]) -> Iterator[Property]:
    return (content.main for content in contents if content.main.name in ("TEL", "EMAIL"))


def _called(name: str, base: Sequence[FieldContent], before: Sequence[FieldContent]) -> Iterator[FieldContent]:
    """What the person calls somebody, where that is another name than the owner's own, is a nickname."""
    known = {likeness(content) for content in (*base, *before) if content.kind == "nickname"}
    known |= {"".join(filter(str.isalnum, full_name(list(base), "").casefold()))}
    if name.strip():
        nickname = field_from_text("nickname", name.strip().replace(",", " ").replace(";", " "), "")
        if likeness(nickname) not in known:
            yield nickname


def _new(before: Sequence[FieldContent], added: Sequence[FieldContent]) -> list[FieldContent]:
    known = {(content.kind, likeness(content)) for content in before}
    return [content for content in added if (content.kind, likeness(content)) not in known]


def _all(kept: Iterable[tuple[int, str, set[str | None]]]) -> Iterator[str | None]:
    return (sign for _entry_id, _text, signs in kept for sign in signs)


def _signs(text: str) -> Iterator[str | None]:
    """Yield the sign of each number and address of a contact."""
    for line in headlines.lines_of(text, frozenset({"TEL", "EMAIL"})):
        yield sign_of(unescape(line.value).removeprefix("tel:").removeprefix("mailto:"))


def _likely(session: Session, viewer_id: int, signs: AbstractSet[str | None]) -> list[int]:
    """Return the connections whose card may have a number or address with one of these signs."""
    if not signs:
        return []
    theirs = (Entry.viewer_id == viewer_id, Entry.kind == CONNECTION, Entry.state == PRESENT)
    chosen = session.execute(entry_cards.chosen(session, select(Entry.id).where(*theirs), CardListKey.reached))
    found = []
    for owner_id, reached in entry_cards.read(session, chosen, viewer_id, CardListKey.reached):
        said = signs_of(_UNTOLD if reached is None else reached)
        if said and (None in said or None in signs or not said.isdisjoint(signs)):
            found.append(owner_id)
    return found


def _connections(session: Session, viewer_id: int, owner_ids: Collection[int]) -> Iterator[tuple[int, str]]:
    theirs = select(Entry.id).where(Entry.viewer_id == viewer_id, among(session, Entry.id, owner_ids))
    chosen = entry_cards.chosen(session, theirs, Card.body_3).execution_options(yield_per=_BATCH)
    for owner_id, body in entry_cards.read(session, session.execute(chosen), viewer_id, Card.body_3):
        if body is not None:
            yield owner_id, fields.head("3.0", "x", 0) + body
