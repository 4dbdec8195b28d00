"""The people whom somebody is connected to, by the names under which their devices show them, page by page."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from sync.database import accounts
from sync.database.lists import among
from sync.models import CONTACTS, Card, Entry
from sync.sharing import names
from sync.sharing.connections import CONNECTION
from sync.vcard import unescape

#: How many are on one page.
PAGE = 50
#: The name comes first in a card, so nobody has to read all of it, which may be a picture.
_BEGINNING = 2_000
_NAME = re.compile(r"^(?:item[0-9]+\.)?FN(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE)
_LATIN = re.compile("[A-Za-z]")
_BEGINNINGS = (
    select(Entry.id, func.substr(Card.body_3, 1, _BEGINNING))
    .join(Card, (Card.owner_id == Entry.id) & (Card.id == Entry.card_id))
    .where(Entry.book_id == CONTACTS, Entry.kind == CONNECTION)
)


@dataclass(frozen=True, slots=True)
class ConnectedPerson:
    """Somebody whom one is connected to. *name* is what one may call them, which is the login where it is nothing."""

    account_id: int
    login: str
    name: str


@dataclass(frozen=True, slots=True)
class Page:
    """
    Some of the people whom somebody is connected to: page *number*, counted from 1, of *pages*; *total* are all.

    *letters* are those under which there is somebody, with the page on which the first of them is.
    """

    people: Sequence[ConnectedPerson]
    number: int
    pages: int
    total: int
    letters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Who is looked for by a *text*, and in which order.

    Those among *also* are meant whatever they are called; with *numbers*, which are people's by their ids, they stand
    in the order of these.
    """

    text: str
    also: Collection[int] = ()
    numbers: Mapping[int, str] | None = None


def page_of(
    session: Session,
    person_id: int,
    wanted: str | Wanted = "",
    number: int = 1,
    *,
    only: Collection[int] | None = None,
    but: Collection[int] = (),
) -> Page:
    """
    Return a page of the people whom a person is connected to, by name.

    With a text that is *wanted*, only those in whose name or login it is, in whatever case, or who are called so by
    pinyin; with *only*, those among these ids, and never those among *but*. A number beyond the last page is the last
    one.
    """
    found = found_among(session, person_id, wanted, only=only, but=but)
    pages = max(1, -(-len(found) // PAGE))
    number = min(max(1, number), pages)
    letters: dict[str, int] = {}
    for place, each in enumerate(found):
        letters.setdefault(names.letter_of(each.name), place // PAGE + 1)
    return Page(found[(number - 1) * PAGE : number * PAGE], number, pages, len(found), letters)


def found_among(
    session: Session,
    person_id: int,
    wanted: str | Wanted = "",
    *,
    only: Collection[int] | None = None,
    but: Collection[int] = (),
) -> list[ConnectedPerson]:
    """Return everybody who is on some page of `page_of`, in the order of the pages."""
    wanted = Wanted(wanted) if isinstance(wanted, str) else wanted
    chosen = [
        each
        for each in everybody(session, person_id)
        if (only is None or each.account_id in only) and each.account_id not in but
    ]
    found = [each for each in chosen if each.account_id in wanted.also or _is_meant(each, wanted.text)]
    if (numbers := wanted.numbers) is not None:
        found.sort(key=lambda each: names.number_key(numbers.get(each.account_id, "")))
    return found


def everybody(session: Session, person_id: int) -> list[ConnectedPerson]:
    """Return everybody whom a person is connected to, by name. It takes two statements, however many they are."""
    return _named(session, _BEGINNINGS.where(Entry.viewer_id == person_id))


def some(session: Session, person_id: int, ids: Collection[int]) -> dict[int, ConnectedPerson]:
    """Return those of these people whom a person is connected to, by id."""
    chosen = _BEGINNINGS.where(Entry.viewer_id == person_id, among(session, Entry.id, ids))
    return {each.account_id: each for each in _named(session, chosen)}


def find(session: Session, person_id: int, other_id: int) -> ConnectedPerson | None:
    """Return somebody whom a person is connected to, None where they are not."""
    return next(iter(_named(session, _BEGINNINGS.where(Entry.viewer_id == person_id, Entry.id == other_id))), None)


def _named(session: Session, chosen: Select[int, str]) -> list[ConnectedPerson]:
    beginnings: dict[int, str] = dict(session.execute(chosen).all())
    logins = accounts.logins(session, list(beginnings))
    people = [ConnectedPerson(each, login, _name(beginnings[each]) or login) for each, login in logins.items()]
    return sorted(people, key=lambda each: (*names.sorting_key(each.name), each.login))


def _name(beginning: str) -> str:
    found = _NAME.search(beginning.replace("\r\n ", ""))
    return " ".join(unescape(found[1]).split()) if found else ""


def _is_meant(each: ConnectedPerson, text: str) -> bool:
    wanted = names.fold(text).strip()
    if wanted in names.fold(each.name) or wanted in each.login:
        return True
    if not _LATIN.search(text) or each.name.isascii():
        return False
    return bool(set(names.keys_of_query(text)) & names.keys_of(each.name)) or names.sounds_like(each.name, text)
